//! A gateway's address, and whether a client's `ANTHROPIC_BASE_URL` means it.

use std::{fmt, str::FromStr};

use url::Url;

/// A gateway's address: `http` or `https`, a host, perhaps a port and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GatewayUrl(Url);

/// A text that is not a gateway's address. A message never quotes the text: it may contain a
/// password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GatewayUrlError {
    /// It cannot be parsed.
    #[error("invalid URL: {0}")]
    Syntax(#[from] url::ParseError),
    /// Neither `http` nor `https`.
    #[error("unsupported scheme; expected 'https' or 'http'")]
    Scheme,
    /// `user:password@`.
    #[error("contains a user name or password, which do not belong in this file")]
    UserInfo,
    /// `?…` or `#…`.
    #[error("contains a query or fragment; expected scheme, host, port and path only")]
    QueryOrFragment,
}

impl GatewayUrl {
    /// Parses an address. Plain `http` is accepted for every host here: whether a key may be sent
    /// that way depends on other keys of the profile, which says so with `plain_http = true`.
    ///
    /// # Errors
    ///
    /// [`GatewayUrlError`].
    pub(crate) fn parse(text: &str) -> Result<Self, GatewayUrlError> {
        let url = Url::parse(text)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(GatewayUrlError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(GatewayUrlError::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(GatewayUrlError::QueryOrFragment);
        }
        Ok(Self(url))
    }

    /// Whether `base_url`, a client's `ANTHROPIC_BASE_URL`, means this gateway: scheme, host, port
    /// and path are equal.
    ///
    /// The host's case, a default port that is written out, and slashes at the end make no
    /// difference. A text that is not a gateway's address matches none.
    #[must_use]
    pub(crate) fn matches(&self, base_url: &str) -> bool {
        Self::parse(base_url).is_ok_and(|other| self.parts() == other.parts())
    }

    /// The address.
    #[must_use]
    pub(crate) fn as_url(&self) -> &Url {
        &self.0
    }

    /// The parts that two addresses are compared by. `Url` has the host in lower case already.
    fn parts(&self) -> (&str, Option<&str>, Option<u16>, &str) {
        (
            self.0.scheme(),
            self.0.host_str(),
            self.0.port_or_known_default(),
            self.0.path().trim_end_matches('/'),
        )
    }
}

impl FromStr for GatewayUrl {
    type Err = GatewayUrlError;

    fn from_str(text: &str) -> Result<Self, GatewayUrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_host_port_and_path_are_compared() {
        for (gateway, base_url, expected) in [
            ("https://gw.example.com", "https://gw.example.com", true),
            ("https://gw.example.com", "https://gw.example.com/", true),
            ("https://gw.example.com/", "https://gw.example.com", true),
            (
                "https://gw.example.com/a",
                "https://gw.example.com/a/",
                true,
            ),
            ("https://gw.example.com", "https://GW.Example.COM", true),
            ("https://gw.example.com", "https://gw.example.com:443", true),
            ("http://127.0.0.1:80", "http://127.0.0.1", true),
            ("https://[::1]:8443/a", "https://[0::1]:8443/a", true),
            ("https://gw.example.com", "http://gw.example.com", false),
            (
                "https://gw.example.com",
                "https://gw.example.com:8443",
                false,
            ),
            (
                "https://gw.example.com",
                "https://gw.example.com.evil.example",
                false,
            ),
            (
                "https://gw.example.com",
                "https://gw.example.com@evil.example",
                false,
            ),
            ("https://gw.example.com", "https://gw.example.com/a", false),
            (
                "https://gw.example.com/a",
                "https://gw.example.com/A",
                false,
            ),
            (
                "https://gw.example.com/a",
                "https://gw.example.com/ab",
                false,
            ),
            ("https://gw.example.com", "https://gw.example.com?x", false),
            ("https://gw.example.com", "gw.example.com", false),
            ("https://gw.example.com", "", false),
        ] {
            let gateway = GatewayUrl::parse(gateway).unwrap();
            assert_eq!(gateway.matches(base_url), expected, "{gateway} {base_url}");
        }
    }

    #[test]
    fn invalid_addresses_are_errors() {
        for (text, expected) in [
            ("gw.example.com", "invalid URL: relative URL without a base"),
            ("https://", "invalid URL: empty host"),
            (
                "ftp://gw.example.com",
                "unsupported scheme; expected 'https' or 'http'",
            ),
            (
                "https://ana:hunter2@gw.example.com",
                "contains a user name or password, which do not belong in this file",
            ),
            (
                "https://gw.example.com/?a=b",
                "contains a query or fragment; expected scheme, host, port and path only",
            ),
            (
                "https://gw.example.com/#a",
                "contains a query or fragment; expected scheme, host, port and path only",
            ),
        ] {
            assert_eq!(
                GatewayUrl::parse(text).unwrap_err().to_string(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn display_is_the_address() {
        let gateway = GatewayUrl::parse("https://GW.example.com/a").unwrap();
        assert_eq!(gateway.to_string(), "https://gw.example.com/a");
    }
}
