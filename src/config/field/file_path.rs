//! The path of a file that a key names.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use super::text_format::TextFormat;
use crate::{
    principal::Principal,
    template::{ResolveError, Template},
};

/// The path of a file, with placeholders: absolute, or below the user's home directory (`~/…`). The
/// daemon's working directory is unrelated to the place that a relative path was written for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePath {
    /// Whether `path` is relative to the user's home directory.
    below_home: bool,
    path: Template,
}

impl FilePath {
    /// Replaces the placeholders and `~`.
    ///
    /// # Errors
    ///
    /// [`ResolveError`]: a placeholder without a valid value, or no home directory.
    pub(crate) fn resolve(&self, principal: &Principal) -> Result<PathBuf, ResolveError> {
        let path = PathBuf::from(self.path.resolve(principal)?);
        if !self.below_home {
            return Ok(path);
        }
        match &principal.home {
            Some(home) => Ok(home.join(path)),
            None => Err(ResolveError::NoHome),
        }
    }

    /// Whether it is another path for another user.
    #[must_use]
    pub(crate) fn depends_on_user(&self) -> bool {
        self.below_home || self.path.has_placeholders()
    }

    /// Its placeholders.
    pub(crate) fn template(&self) -> &Template {
        &self.path
    }
}

impl FromStr for FilePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let home = text.strip_prefix("~/");
        let home = home.or_else(|| text.strip_prefix(r"~\").filter(|_| cfg!(windows)));
        let (below_home, path) = match home {
            Some(path) if !path.is_empty() && !Path::new(path).has_root() => (true, path),
            None if Path::new(text).is_absolute() => (false, text),
            // Without the text: it may be the secret itself, written in place of its file's path.
            _ => return Err("expected an absolute path or '~/PATH'".to_owned()),
        };
        let path = Template::parse(path).map_err(|error| error.to_string())?;
        Ok(Self { below_home, path })
    }
}

impl TextFormat for FilePath {
    const PATTERN: &'static str = concat!(
        r"^(?:/|[A-Za-z]:[/\\]|\\\\",
        r"|~[/\\](?:[^/{}]|\{\{|\}\}|\{(?:user|host|env:[A-Za-z_][A-Za-z0-9_]*)\}))",
        r"(?:[^{}]|\{\{|\}\}|\{(?:user|host|env:[A-Za-z_][A-Za-z0-9_]*)\})*$",
    );
    const EXAMPLE: &'static str = "~/.config/claviger/secret-id";
}

#[cfg(test)]
impl From<&Path> for FilePath {
    fn from(path: &Path) -> Self {
        path.to_str().unwrap().parse().unwrap()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::client_variables::ClientVariables;

    #[test]
    fn placeholders_and_the_home_directory_are_replaced() {
        let mut principal = Principal {
            user: "ana".to_owned(),
            host: "laptop".to_owned(),
            home: Some(PathBuf::from("/home/ana")),
            variables: ClientVariables::default(),
        };
        let resolve = |text: &str, principal: &Principal| {
            let path: FilePath = text.parse().unwrap();
            path.resolve(principal).map_err(|error| error.to_string())
        };
        for (text, expected) in [
            ("/run/token", "/run/token"),
            ("/run/{user}/token-{host}", "/run/ana/token-laptop"),
            ("~/.token", "/home/ana/.token"),
            ("~/{user}/~", "/home/ana/ana/~"),
        ] {
            assert_eq!(resolve(text, &principal), Ok(PathBuf::from(expected)));
        }
        principal.home = None;
        assert_eq!(
            resolve("~/.token", &principal),
            Err("'~' stands for the home directory, which is unknown".to_owned())
        );
        for text in ["token", "~", "~/", "~ana/token", "~//etc/passwd", ""] {
            assert!(text.parse::<FilePath>().is_err(), "{text}");
        }
    }
}
