//! The proxy that requests go through.

use std::str::FromStr;

use url::Url;

use super::{
    host::host_and_port,
    text_format::TextFormat,
    unambiguous_url::{self, has_user},
};

/// The schemes of a proxy's URL.
const SCHEMES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// What a proxy's URL looks like, for messages.
const FORM: &str = "expected 'http://HOST:PORT', 'https://…', 'socks5://…' or 'socks5h://…'";

/// What is wrong with a path, a query or a fragment.
const UNEXPECTED: &str = "unexpected text after host and port";

/// Which proxy requests go through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ProxySetting {
    /// The system's settings on macOS and Windows; none on Linux, which has no such settings.
    #[default]
    System,
    /// None.
    Off,
    /// The proxy that the asking client's variables name.
    Environment,
    /// This one.
    Url(ProxyUrl),
}

/// A proxy's URL: scheme, host and perhaps a port. One from a client's variable may also contain a
/// user name and a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ProxyUrl(Url);

impl ProxyUrl {
    /// Parses the value of a variable such as `HTTPS_PROXY`. Without a scheme it means `http`, and
    /// a password may contain unusual characters, as in other programs.
    ///
    /// # Errors
    ///
    /// What is wrong, without the text.
    pub(crate) fn of_variable(text: &str) -> Result<Self, String> {
        match text.contains("://") {
            true => Self::parse(text),
            false => Self::parse(&format!("http://{text}")),
        }
    }

    /// A proxy of the system's settings.
    #[cfg(any(target_os = "macos", windows))]
    pub(crate) fn of_system(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    /// Parses a proxy that is not this file's: what is unusual in it is repaired.
    fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("invalid URL: {error}; {FORM}"))?;
        Self::of_url(url)
    }

    fn of_url(url: Url) -> Result<Self, String> {
        if !SCHEMES.contains(&url.scheme()) {
            return Err(format!("unsupported scheme; {FORM}"));
        }
        let has_path = !matches!(url.path(), "" | "/");
        if has_path || url.query().is_some() || url.fragment().is_some() {
            return Err(format!("{UNEXPECTED}; {FORM}"));
        }
        match url.host_str() {
            None | Some("") => Err(format!("invalid URL: empty host; {FORM}")),
            Some(_) => Ok(Self(url)),
        }
    }

    /// The URL, with the user name and the password.
    #[must_use]
    pub(crate) fn as_url(&self) -> &Url {
        &self.0
    }

    /// `host:port`, for messages.
    #[must_use]
    pub(crate) fn name(&self) -> String {
        host_and_port(&self.0)
    }
}

/// Without the user name and the password.
impl std::fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.name())
    }
}

impl FromStr for ProxySetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "system" => return Ok(Self::System),
            "off" => return Ok(Self::Off),
            "environment" => return Ok(Self::Environment),
            _ if !text.contains("://") => {
                return Err("expected 'system', 'off', 'environment' or a URL such as \
                            'http://HOST:PORT' or 'socks5h://HOST:PORT'"
                    .to_owned());
            }
            _ => {}
        }
        let url = unambiguous_url::parse(text).map_err(|error| format!("{error}; {FORM}"))?;
        let proxy = ProxyUrl::of_url(url)?;
        // Parsing makes "/" of the paths "/." and "/a/..".
        let has_path = |(_, after): (&str, &str)| after.trim_end_matches('/').contains('/');
        if text.split_once("://").is_some_and(has_path) {
            return Err(format!("{UNEXPECTED}; {FORM}"));
        }
        if has_user(&proxy.0) {
            return Err(
                "contains a user name or password, which do not belong in this file; 'environment' \
                 uses the client's own variables, which may contain them"
                    .to_owned(),
            );
        }
        Ok(Self::Url(proxy))
    }
}

impl TextFormat for ProxySetting {
    const PATTERN: &'static str = concat!(
        r"^(?:system|off|environment",
        r"|(?:[Hh][Tt][Tt][Pp][Ss]?|[Ss][Oo][Cc][Kk][Ss]5[Hh]?)://[^/?#@\\ ]+/?)$",
    );
    const EXAMPLE: &'static str = "http://proxy.example.com:3128";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_word_or_a_url() {
        let name = |text: &str| match text.parse() {
            Ok(ProxySetting::Url(url)) => format!("{} {}", url.as_url().scheme(), url.name()),
            Ok(word) => format!("{word:?}"),
            Err(error) => error,
        };
        for (text, expected) in [
            ("system", "System"),
            ("off", "Off"),
            ("environment", "Environment"),
            ("http://proxy.corp:3128", "http proxy.corp:3128"),
            ("http://proxy.corp:3128/", "http proxy.corp:3128"),
            ("https://[::1]:3129", "https [::1]:3129"),
            ("socks5://10.0.0.1:1080", "socks5 10.0.0.1:1080"),
            ("socks5h://proxy.corp", "socks5h proxy.corp"),
        ] {
            assert_eq!(name(text), expected, "{text}");
        }
        for (text, expected) in [
            ("on", "expected 'system', 'off', 'environment' or a URL"),
            ("proxy.corp:3128", "expected 'system', 'off'"),
            ("ftp://proxy.corp", "unsupported scheme"),
            ("http://proxy.corp/x", "unexpected text after host and port"),
            ("http://proxy.corp/.", "unexpected text after host and port"),
            ("socks5://", "invalid URL: empty host"),
            ("https://C:\\.", "ambiguous URL: backslash"),
            (
                "http://ana:hunter2@proxy.corp",
                "contains a user name or password",
            ),
        ] {
            let error = text.parse::<ProxySetting>().unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_variable_may_lack_the_scheme_and_contain_a_password() {
        for (text, password) in [
            ("ana:hunter2@proxy.corp:3128", "hunter2"),
            ("http://ana:hunter2@proxy.corp:3128/", "hunter2"),
            // As curl and others read it.
            ("ana:100%@proxy.corp:3128", "100%"),
            ("http://ana:a@b@proxy.corp:3128", "a%40b"),
            ("http://ana:a|b@proxy.corp:3128", "a%7Cb"),
        ] {
            let proxy = ProxyUrl::of_variable(text).unwrap();
            assert_eq!(proxy.as_url().password(), Some(password));
            assert_eq!(proxy.name(), "proxy.corp:3128");
            assert_eq!(format!("{proxy:?}"), "http://proxy.corp:3128");
        }
        for text in [
            "proxy.corp/x",
            "http://proxy.corp\\x",
            "http://proxy.corp//",
        ] {
            assert!(ProxyUrl::of_variable(text).is_err(), "{text}");
        }
    }
}
