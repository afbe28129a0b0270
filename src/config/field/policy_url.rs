//! Where the central policy is published.

use std::{fmt, str::FromStr};

use url::Url;

use super::{
    host::is_loopback,
    text_format::TextFormat,
    unambiguous_url::{self, HTTP_PATTERN},
};

/// What it looks like, for messages.
const FORM: &str = "expected 'https://HOST/PATH'";

/// The URL of a signed policy. Plain `http` only to this machine: the server that answers decides
/// if a newer policy arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyUrl(Url);

impl PolicyUrl {
    /// The URL.
    #[must_use]
    pub(crate) fn as_url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for PolicyUrl {
    type Err = String;

    /// The text is in no error: it may contain a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let url = unambiguous_url::parse_http(text, FORM)?;
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(format!("plain 'http' to another host; {FORM}"));
        }
        Ok(Self(url))
    }
}

/// As a parser writes it.
impl fmt::Display for PolicyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TextFormat for PolicyUrl {
    const PATTERN: &'static str = HTTP_PATTERN;
    const EXAMPLE: &'static str = "https://config.example.com/claviger/policy.jws";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_leaves_this_machine_never() {
        for text in [
            "https://config.example.com/policy.jws",
            "https://config.example.com:8443",
            "http://127.0.0.1:8080/policy.jws",
        ] {
            assert!(text.parse::<PolicyUrl>().is_ok(), "{text}");
        }
        for text in [
            "",
            "config.example.com",
            "http://config.example.com/policy.jws",
            "ftp://config.example.com/policy.jws",
            "https://ana:hunter2@config.example.com/policy.jws",
            "https://config.example.com/policy.jws?sig=hunter2",
            "https://config.example.com/#x",
        ] {
            let error = text.parse::<PolicyUrl>().unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
            assert!(error.contains("https://HOST/PATH"), "{error}");
        }
    }
}
