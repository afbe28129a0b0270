//! Vault's addresses, namespaces, mount points and paths.

use std::{fmt, path::PathBuf, str::FromStr};

use url::Url;

use super::{
    text_format::TextFormat,
    unambiguous_url::{self, has_user},
};
use crate::template::Template;

/// What a namespace, which is sent as a header, cannot contain beside white space.
const NOT_IN_A_NAMESPACE: &str = "?#%\\";

/// What an address looks like, for messages.
const ADDRESSES: &str =
    "expected 'https://HOST:PORT' (perhaps with a path), 'http://HOST:PORT' or 'unix:///PATH'";

/// The address of Vault, or of an agent of Vault's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VaultAddress {
    /// `http://…` or `https://…`, perhaps with the path that a reverse proxy serves Vault below.
    Url(Url),
    /// `unix:///path`: a unix listener.
    Unix(PathBuf),
}

/// A namespace, which is sent as a header: a path of ASCII characters without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Namespace(String);

/// The mount point of an auth engine: a path without placeholders and without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount(String);

/// A mount point, or a secret's path, with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VaultPath(Template);

/// A user name with placeholders. It is the last segment of a login's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Username(Template);

/// As in the configuration. It has no password, which a configuration refuses.
impl fmt::Display for VaultAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(f),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

impl FromStr for VaultAddress {
    type Err = String;

    /// The text is in no error: it may contain a password.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix://") {
            return match path.starts_with('/')
                && !path.ends_with('/')
                && !path.contains(['?', '#', '%', '\0'])
            {
                true => Ok(Self::Unix(PathBuf::from(path))),
                false => Err(format!("not the absolute path of a socket; {ADDRESSES}")),
            };
        }
        let url = unambiguous_url::parse(text).map_err(|error| format!("{error}; {ADDRESSES}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("unsupported scheme; {ADDRESSES}"));
        }
        if has_user(&url) {
            return Err(
                "contains a user name or password; use [source.NAME.auth] to log in".to_owned(),
            );
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("unexpected text after host and path; {ADDRESSES}"));
        }
        if url.path().trim_end_matches('/').ends_with("/v1") {
            return Err("must not end in '/v1', which Claviger adds".to_owned());
        }
        Ok(Self::Url(url))
    }
}

impl FromStr for Namespace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let trimmed = text.trim_end_matches('/');
        check_path(trimmed)?;
        let unfit = |c: &char| c.is_whitespace() || NOT_IN_A_NAMESPACE.contains(*c);
        find_invalid(trimmed, unfit)?;
        match trimmed.is_ascii() {
            true => Ok(Self(trimmed.to_owned())),
            false => Err("expected ASCII characters only".to_owned()),
        }
    }
}

impl FromStr for Mount {
    type Err = String;

    /// Vault shows a mount point with a slash at its end, so one is accepted.
    fn from_str(text: &str) -> Result<Self, String> {
        let mount = text.strip_suffix('/').unwrap_or(text);
        check_path(mount)?;
        Ok(Self(mount.to_owned()))
    }
}

impl FromStr for VaultPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        check_path(text)?;
        let template = Template::parse_with_claims(text).map_err(|error| error.to_string())?;
        Ok(Self(template))
    }
}

impl VaultPath {
    /// The mount point, which is the first segment, and the rest; `None` if there is one segment.
    pub(in super::super) fn split(&self) -> Option<(Self, Self)> {
        let (mount, path) = self.0.as_str().split_once('/')?;
        // A placeholder contains no slash, so both halves are paths.
        Some((mount.parse().ok()?, path.parse().ok()?))
    }

    /// The first claim that it needs.
    pub(in super::super) fn claim(&self) -> Option<&str> {
        self.0.claim_names().next()
    }

    /// Whether it starts with `mount` as a whole segment.
    pub(in super::super) fn starts_with(&self, mount: &Self) -> bool {
        let rest = self.0.as_str().strip_prefix(mount.0.as_str());
        rest.is_some_and(|rest| rest.starts_with('/'))
    }
}

impl FromStr for Username {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('/') {
            return Err("must not contain '/'".to_owned());
        }
        check_path(text)?;
        let template = Template::parse(text).map_err(|error| error.to_string())?;
        Ok(Self(template))
    }
}

impl Default for Username {
    /// `{user}`.
    fn default() -> Self {
        Self(Template::user())
    }
}

impl From<Namespace> for String {
    fn from(namespace: Namespace) -> Self {
        namespace.0
    }
}

impl From<Mount> for String {
    fn from(mount: Mount) -> Self {
        mount.0
    }
}

impl From<VaultPath> for Template {
    fn from(path: VaultPath) -> Self {
        path.0
    }
}

impl From<Username> for Template {
    fn from(username: Username) -> Self {
        username.0
    }
}

/// Checks a path: segments that are neither empty nor dots, with a `/` between two. Every other
/// character is percent-encoded when the path is sent, as Vault's own command line does.
fn check_path(path: &str) -> Result<(), String> {
    for segment in path.split('/') {
        match segment {
            "" => return Err("must not start or end with '/' or contain '//'".to_owned()),
            "." | ".." => return Err(format!("must not contain the segment '{segment}'")),
            _ => {}
        }
    }
    find_invalid(path, |c| c.is_control())
}

fn find_invalid(text: &str, is_invalid: impl Fn(&char) -> bool) -> Result<(), String> {
    match text.chars().enumerate().find(|(_, c)| is_invalid(c)) {
        Some((at, c)) => Err(format!("invalid character {c:?} at position {}", at + 1)),
        None => Ok(()),
    }
}

impl TextFormat for VaultAddress {
    const PATTERN: &'static str = concat!(
        r"^(?:unix:///[^?#%]*[^/?#%]",
        r"|[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\\ ]+(?:/[^?#\\ ]*)?)$",
    );
    const EXAMPLE: &'static str = "https://vault.example.com:8200";
}

impl TextFormat for Namespace {
    const PATTERN: &'static str = r#"^[!-"$&-.0->@-\[\]-~]+(?:/[!-"$&-.0->@-\[\]-~]+)*/*$"#;
    const EXAMPLE: &'static str = "eng/platform";
}

impl TextFormat for Mount {
    const PATTERN: &'static str = "^[^/]+(?:/[^/]+)*/?$";
    const EXAMPLE: &'static str = "approle";
}

impl TextFormat for VaultPath {
    const PATTERN: &'static str = concat!(
        r"^(?:[^/{}]|\{\{|\}\}|\{(?:user|host|env:[A-Za-z_][A-Za-z0-9_]*|claim:[^/{}]+)\})+",
        r"(?:/(?:[^/{}]|\{\{|\}\}|\{(?:user|host|env:[A-Za-z_][A-Za-z0-9_]*|claim:[^/{}]+)\})+)*$",
    );
    const EXAMPLE: &'static str = "secret/llm-gateway/{user}";
}

impl TextFormat for Username {
    const PATTERN: &'static str =
        r"^(?:[^/{}]|\{\{|\}\}|\{(?:user|host|env:[A-Za-z_][A-Za-z0-9_]*)\})+$";
    const EXAMPLE: &'static str = "{user}";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Result<VaultPath, String> {
        text.parse()
    }

    #[test]
    fn the_first_segment_is_the_mount_point() {
        let split = path("secret/a/{user}").unwrap().split();
        assert_eq!(
            split,
            Some((path("secret").unwrap(), path("a/{user}").unwrap()))
        );
        assert_eq!(path("secret").unwrap().split(), None);
        let mount = path("a/b").unwrap();
        assert!(path("a/b/c").unwrap().starts_with(&mount));
        assert!(!path("a/bc").unwrap().starts_with(&mount));
    }

    #[test]
    fn invalid_paths_are_errors() {
        let slashes = "must not start or end with '/' or contain '//'";
        for (text, expected) in [
            ("/secret/a", slashes),
            ("secret/", slashes),
            ("secret//a", slashes),
            ("secret/a/", slashes),
            ("secret/../sys", "must not contain the segment '..'"),
            ("secret/a\nb", "invalid character '\\n' at position 9"),
            (
                "secret/a\u{7f}b",
                "invalid character '\\u{7f}' at position 9",
            ),
            (
                "secret/{usr}",
                "unknown placeholder '{usr}'; expected '{user}', '{host}', '{env:NAME}' or \
                 '{claim:NAME}'",
            ),
        ] {
            assert_eq!(path(text).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn a_path_contains_whatever_can_be_encoded() {
        for text in [
            "secret/my key",
            "secret/100%",
            "secret/a%2fb/c?d#e",
            "secret/schlüssel/😀",
            "secret/a\\b;c=d&e",
        ] {
            assert!(path(text).is_ok(), "{text}");
        }
        for namespace in ["eng team", "eng?", "eng%20", "eng\\"] {
            assert!(namespace.parse::<Namespace>().is_err(), "{namespace}");
        }
    }

    #[test]
    fn a_slash_at_the_end_of_a_mount_point_is_dropped() {
        assert_eq!("a/b/".parse(), Ok(Mount("a/b".to_owned())));
        assert_eq!("eng//".parse(), Ok(Namespace("eng".to_owned())));
        assert!("".parse::<Mount>().is_err());
        assert!("é".parse::<Namespace>().is_err());
    }

    #[test]
    fn a_user_name_is_one_segment() {
        assert_eq!(
            "a/b".parse::<Username>().unwrap_err(),
            "must not contain '/'"
        );
        assert!("{user}".parse::<Username>().is_ok());
        assert!("{claim:sub}".parse::<Username>().is_err());
    }

    #[test]
    fn addresses_are_urls_or_sockets() {
        assert_eq!(
            "unix:///run/vault.sock".parse(),
            Ok(VaultAddress::Unix("/run/vault.sock".into()))
        );
        assert_eq!(
            "http://[::1]:8200/".parse(),
            Ok(VaultAddress::Url("http://[::1]:8200".parse().unwrap()))
        );
        for (text, expected) in [
            (
                "vault.example.com",
                "invalid URL: relative URL without a base; ",
            ),
            ("ftp://v", "unsupported scheme; "),
            ("https://v/?x", "unexpected text after host and path; "),
            ("unix://run/x", "not the absolute path of a socket; "),
        ] {
            let expected = format!("{expected}{ADDRESSES}");
            assert_eq!(text.parse::<VaultAddress>(), Err(expected), "{text}");
        }
        assert_eq!(
            "https://v/behind/proxy".parse(),
            Ok(VaultAddress::Url("https://v/behind/proxy".parse().unwrap()))
        );
        assert!("https://v/v1/".parse::<VaultAddress>().is_err());
        let error = "https://a:hunter2@v".parse::<VaultAddress>().unwrap_err();
        assert_eq!(
            error,
            "contains a user name or password; use [source.NAME.auth] to log in"
        );
    }
}
