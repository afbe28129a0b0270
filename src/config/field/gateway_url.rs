//! A gateway's address, and whether a client's `ANTHROPIC_BASE_URL` means it.

use std::{fmt, str::FromStr};

use url::Url;

use super::{
    text_format::TextFormat,
    unambiguous_url::{self, HTTP_PATTERN, UrlError, has_user},
};

/// The longest origin in a message, in characters. Of a longer one the end is shown, because the
/// end of a host decides whose it is.
const MAX_SHOWN: usize = 60;

/// A gateway's address: `http` or `https`, a host, perhaps a port and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GatewayUrl(Url);

/// A text that is not a gateway's address. A message never quotes the text: it may contain a
/// password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GatewayUrlError {
    /// It cannot be parsed, or what one client connects to need not be what another one, or this
    /// program, reads.
    #[error("{0}")]
    Url(#[from] UrlError),
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
    /// Parses a client's `ANTHROPIC_BASE_URL`. Blanks around it are ignored, as clients do.
    ///
    /// # Errors
    ///
    /// [`GatewayUrlError`].
    pub(crate) fn of_client(text: &str) -> Result<Self, GatewayUrlError> {
        text.trim().parse()
    }

    /// Whether `base_url`, a client's `ANTHROPIC_BASE_URL`, means this gateway: scheme, host, port
    /// and path are equal.
    ///
    /// The host's case and IDNA form, a dot at its end, the form of an IP address, a default port
    /// that is written out, `.` and `..` segments, and slashes at the end make no difference. A
    /// text that is not a gateway's address matches none.
    #[must_use]
    pub(crate) fn matches(&self, base_url: &str) -> bool {
        Self::of_client(base_url).is_ok_and(|other| self.parts() == other.parts())
    }

    /// The address.
    #[must_use]
    pub(crate) fn as_url(&self) -> &Url {
        &self.0
    }

    /// Scheme, host and port, for messages.
    #[must_use]
    pub(crate) fn origin(&self) -> String {
        shown_origin(&self.0)
    }

    /// The parts that two addresses are compared by. `Url` has normalized the host already, except
    /// for the dot that ends an absolute domain name.
    fn parts(&self) -> (&str, Option<&str>, Option<u16>, &str) {
        (
            self.0.scheme(),
            self.0
                .host_str()
                .map(|host| host.strip_suffix('.').unwrap_or(host)),
            self.0.port_or_known_default(),
            self.0.path().trim_end_matches('/'),
        )
    }
}

/// Scheme, host and port of any text, for messages: never a user name, a password or a path. `None`
/// if it is not an http or https URL.
#[must_use]
pub(crate) fn origin_of(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| shown_origin(&url))
}

fn shown_origin(url: &Url) -> String {
    let origin = url.origin().ascii_serialization();
    match origin.char_indices().nth_back(MAX_SHOWN - 1) {
        Some((start @ 1.., _)) => format!("…{}", &origin[start..]),
        _ => origin,
    }
}

impl FromStr for GatewayUrl {
    type Err = GatewayUrlError;

    /// Parses an address, as the WHATWG URL standard demands and therefore as Node and Bun do. An
    /// ambiguous one is an error, because clients in other languages repair it in other ways. Plain
    /// `http` is accepted for every host here: whether a key may be sent that way depends on other
    /// keys of the profile, which says so with `plain_http = true`.
    fn from_str(text: &str) -> Result<Self, GatewayUrlError> {
        let url = unambiguous_url::parse(text)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(GatewayUrlError::Scheme);
        }
        if has_user(&url) {
            return Err(GatewayUrlError::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(GatewayUrlError::QueryOrFragment);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl TextFormat for GatewayUrl {
    const PATTERN: &'static str = HTTP_PATTERN;
    const EXAMPLE: &'static str = "https://llm-gateway.example.com";
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
            let gateway: GatewayUrl = gateway.parse().unwrap();
            assert_eq!(gateway.matches(base_url), expected, "{gateway} {base_url}");
        }
    }

    /// What the client connects to decides, however the address is written. `None`: clients
    /// disagree about the text, so that it matches nothing.
    #[test]
    fn tricks_of_writing_do_not_change_the_gateway() {
        let gateway = |text: &str| text.parse::<GatewayUrl>().unwrap();
        let domain = gateway("https://gw.example.com/eu");
        let international = gateway("https://gw.exämple.com");
        let (v4, v6) = (
            gateway("http://127.0.0.1:80"),
            gateway("https://[::1]:8443"),
        );
        for (gateway, base_url, expected) in [
            (&domain, " https://gw.example.com/eu\n", Some(true)),
            (&domain, "HTTPS://GW.EXAMPLE.COM:/eu//", Some(true)),
            (&domain, "https://gw.example.com.:0443/eu", Some(true)),
            (&domain, "https://%67w.example.com/eu", Some(true)),
            (&domain, "https://gw。example。com/eu", Some(true)),
            (&domain, "https://ｇｗ.example.com/eu", Some(true)),
            (&domain, "https://gw.example.com/us/../eu/.", Some(true)),
            (&domain, "https://gw.example.com/us/%2e%2E/eu", Some(true)),
            (&domain, "https://gw.example.com/eu/..", Some(false)),
            (&domain, "https://gw.example.com/eu/%2e%2e/us", Some(false)),
            (&domain, "https://gw.example.com/eu%2F", Some(false)),
            (&domain, "https://gw.example.com/%65u", Some(false)),
            (&domain, "https://gw.example.com/eu;/..;/us", Some(false)),
            (&domain, "https://gw.example.com..evil.test/eu", Some(false)),
            (
                &domain,
                "https://gw.example.com%2eevil.test/eu",
                Some(false),
            ),
            (&domain, "https://gw-example.com/eu", Some(false)),
            (
                &domain,
                "https://evil.test/https://gw.example.com/eu",
                Some(false),
            ),
            (&international, "https://gw.xn--exmple-cua.com", Some(true)),
            (&international, "https://GW.EXÄMPLE.COM", Some(true)),
            (&international, "https://gw.exa\u{308}mple.com", Some(true)),
            (&international, "https://gw.еxämple.com", Some(false)),
            (&v4, "http://0x7f.1", Some(true)),
            (&v4, "http://2130706433/", Some(true)),
            (&v4, "http://127.0.0.1.", Some(true)),
            (&v4, "http://[::ffff:127.0.0.1]", Some(false)),
            (&v4, "http://localhost", Some(false)),
            (&v6, "https://[0:0:0:0:0:0:0:1]:8443", Some(true)),
            (&v6, "https://[::2]:8443", Some(false)),
            (&domain, "https:\\\\gw.example.com\\eu", None),
            (&domain, "https://gw.example.com\\@evil.test/../eu", None),
            (&domain, "https://evil.test\\@gw.example.com/eu", None),
            (&domain, "https://gw.exam\tple.com/eu", None),
            (&domain, "https://gw.example.com/\neu", None),
            (&domain, "https:gw.example.com/eu", None),
            (&domain, "https:/gw.example.com/eu", None),
            (&domain, "https:///gw.example.com/eu", None),
            (&domain, "https://@gw.example.com/eu", None),
            (&domain, "https://:@gw.example.com/eu", None),
            (&domain, "https://ana:pw@gw.example.com/eu", None),
            (&domain, "https://gw.example.com@evil.test/eu", None),
            (&domain, "https://evil.test#@gw.example.com/eu", None),
            (&domain, "https://evil.test?@gw.example.com/eu", None),
            (&domain, "https://gw.example.com/eu?", None),
            (&domain, "https://gw.example.com/eu#", None),
            (&domain, "https://gw.example.com/eu%", None),
            (&domain, "https://gw.example.com:65536/eu", None),
            (&domain, "https://gw.example.com\0.evil.test/eu", None),
            (&domain, "https://gw .example.com/eu", None),
            (&domain, "file://gw.example.com/eu", None),
            (&domain, "//gw.example.com/eu", None),
            (&domain, "javascript:https://gw.example.com/eu", None),
            (&v6, "https://[::1%25lo]:8443", None),
        ] {
            assert_eq!(
                gateway.matches(base_url),
                expected == Some(true),
                "{base_url:?}"
            );
            let is_read = GatewayUrl::of_client(base_url).is_ok();
            assert_eq!(is_read, expected.is_some(), "{base_url:?}");
        }
    }

    #[test]
    fn an_origin_has_no_secret_and_shows_the_end_of_the_host() {
        let long = format!("https://gw.example.com.{}.evil.test", "a".repeat(60));
        for (text, expected) in [
            (
                "https://ana:hunter2@GW.example.com/hunter2?hunter2#hunter2",
                Some("https://gw.example.com"),
            ),
            ("http://evil.test:8080/", Some("http://evil.test:8080")),
            ("https:\\\\evil.test", Some("https://evil.test")),
            ("https://hunter2 x", None),
            ("hunter2", None),
            ("mailto:hunter2@evil.test", None),
        ] {
            assert_eq!(origin_of(text).as_deref(), expected, "{text}");
        }
        let origin = origin_of(&long).unwrap();
        assert!(
            origin.starts_with("…aaa") && origin.ends_with(".evil.test"),
            "{origin}"
        );
        assert_eq!(origin.chars().count(), MAX_SHOWN + 1);
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
                text.parse::<GatewayUrl>().unwrap_err().to_string(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn display_is_the_address() {
        let gateway: GatewayUrl = "https://GW.example.com/a".parse().unwrap();
        assert_eq!(gateway.to_string(), "https://gw.example.com/a");
    }
}
