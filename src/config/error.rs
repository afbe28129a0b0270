//! Errors of a configuration, and what to do about them.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A configuration that cannot be used. A message names files, keys and accepted values; it quotes
/// neither a value that may be a secret nor a line of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is no file.
    #[error("no configuration found; looked for {}", paths(.looked))]
    Missing {
        /// The possible places, in the order of precedence.
        looked: Vec<PathBuf>,
    },
    /// The file cannot be read.
    #[error("cannot read '{}': {reason}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's message.
        reason: String,
    },
    /// The file can have been written by a user who must not write it.
    #[error("'{}' is not trusted: {reason}", .file.display())]
    Untrusted {
        /// The file.
        file: PathBuf,
        /// The rule that the file, or a directory above it, breaks.
        reason: String,
        /// What to do now.
        hint: String,
    },
    /// The managed configuration has an error, which only an administrator can correct.
    #[error(transparent)]
    Managed(Box<Self>),
    /// The content is wrong. The message is the first problem's.
    #[error("{}{}", .first.at(.file), and_more(.others))]
    Invalid {
        /// The file.
        file: PathBuf,
        /// The problem that comes first in the file.
        first: Problem,
        /// The other problems, in the file's order.
        others: Vec<Problem>,
    },
}

/// One mistake in a file. `Display` omits the file; [`Problem::at`] names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
    /// The key, the mistake, the accepted values.
    pub(crate) message: String,
}

impl ConfigError {
    /// What to do now.
    #[must_use]
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Missing { .. } => {
                // The daemon does not know which variables its clients have set.
                "create one as README.md shows (CLAVIGER_CONFIG and XDG_CONFIG_HOME count only with \
                 a CLAVIGER_SOCKET of their own), or try 'claviger demo', which needs none"
                    .to_owned()
            }
            Self::Unreadable { file, .. } => {
                format!(
                    "check that '{}' is a file that you can read",
                    file.display()
                )
            }
            Self::Untrusted { hint, .. } => hint.clone(),
            Self::Invalid { file, .. } => format!("run claviger config check '{}'", file.display()),
            Self::Managed(error) => match (&**error, error.file()) {
                (Self::Untrusted { hint, .. }, _) => hint.clone(),
                (_, Some(file)) => {
                    format!("ask your administrator to correct '{}'", file.display())
                }
                (_, None) => "ask your administrator".to_owned(),
            },
        }
    }

    /// The file; `None` if there is none.
    #[must_use]
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Missing { .. } => None,
            Self::Managed(error) => error.file(),
            Self::Unreadable { file, .. }
            | Self::Untrusted { file, .. }
            | Self::Invalid { file, .. } => Some(file),
        }
    }

    /// Whether the error may pass although no configuration changes: the mode of a directory above
    /// the file can be corrected.
    #[must_use]
    pub(crate) fn is_about_access(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::Invalid { .. } => false,
            Self::Managed(error) => error.is_about_access(),
            Self::Unreadable { .. } | Self::Untrusted { .. } => true,
        }
    }

    /// Every problem of [`ConfigError::Invalid`], in the file's order; none for the other errors.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &Problem> {
        let error = match self {
            Self::Managed(error) => error,
            error => error,
        };
        let (first, others) = match error {
            Self::Invalid { first, others, .. } => (Some(first), others.as_slice()),
            _ => (None, &[][..]),
        };
        first.into_iter().chain(others)
    }

    /// The error about a managed configuration that has just disappeared.
    pub(crate) fn managed_is_gone(file: &Path) -> Self {
        Self::Managed(Box::new(Self::Unreadable {
            file: file.to_owned(),
            reason: "not found; its removal takes effect after a minute".to_owned(),
        }))
    }

    /// [`ConfigError::Invalid`] with `problems`, in any order.
    pub(super) fn invalid(file: &Path, mut problems: Vec<Problem>) -> Self {
        problems.sort();
        let mut problems = problems.into_iter();
        Self::Invalid {
            file: file.to_owned(),
            first: problems.next().unwrap_or_default(),
            others: problems.collect(),
        }
    }
}

impl Problem {
    /// `FILE:LINE:COLUMN: MESSAGE`.
    #[must_use]
    pub(crate) fn at(&self, file: &Path) -> String {
        format!("{}:{self}", file.display())
    }
}

impl Default for Problem {
    /// The problem of a file that deserialization rejects although the check found no mistake.
    fn default() -> Self {
        Self {
            line: 1,
            column: 1,
            message: "the file does not match its schema".to_owned(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

fn paths(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| path.display()).collect();
    super::suggest::all_of(&paths)
}

fn and_more(others: &[Problem]) -> String {
    match others.len() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_configuration_names_the_places() {
        let error = ConfigError::Missing {
            looked: vec![
                "/etc/claviger/config.toml".into(),
                "/home/ana/x.toml".into(),
            ],
        };
        assert_eq!(
            error.to_string(),
            "no configuration found; looked for '/etc/claviger/config.toml' and '/home/ana/x.toml'"
        );
        assert!(error.hint().contains("claviger demo"));
    }

    #[test]
    fn the_first_problem_is_the_message() {
        let problem = |line, message: &str| Problem {
            line,
            column: 5,
            message: message.to_owned(),
        };
        let problems = vec![problem(9, "b"), problem(12, "c"), problem(3, "a")];
        let error = ConfigError::invalid(Path::new("/c.toml"), problems);
        assert_eq!(error.to_string(), "/c.toml:3:5: a (and 2 more)");
        assert_eq!(error.hint(), "run claviger config check '/c.toml'");
        let all: Vec<_> = error.problems().map(ToString::to_string).collect();
        assert_eq!(all, ["3:5: a", "9:5: b", "12:5: c"]);

        let managed = ConfigError::Managed(Box::new(error));
        assert_eq!(managed.to_string(), "/c.toml:3:5: a (and 2 more)");
        assert_eq!(
            managed.hint(),
            "ask your administrator to correct '/c.toml'"
        );
        assert_eq!(managed.problems().count(), 3);
    }
}
