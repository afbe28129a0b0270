//! The issuer of tokens, and what belongs to its protocol: a resource, a redirect's path.

use std::{fmt, str::FromStr};

use url::Url;

use super::{
    text_format::TextFormat,
    unambiguous_url::{self, HTTP_PATTERN},
};

/// What an issuer looks like, for messages.
const FORM: &str = "expected 'https://HOST' (perhaps with a port and a path)";

/// The identifier of an issuer (OpenID Connect Discovery 1.0, section 2; RFC 8414, section 2).
///
/// Issuers are compared as they are written: the slash at the end of Auth0's is a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issuer {
    text: String,
    url: Url,
}

/// The identifier of a resource (RFC 8707, section 2): an absolute URI without a fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource(String);

/// The path of a redirect to this machine: "/callback".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RedirectPath(String);

impl Issuer {
    /// The identifier as it is written.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The identifier as a URL, which may be written in another way.
    #[must_use]
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }
}

impl FromStr for Issuer {
    type Err = String;

    /// The text is in no error: it may contain a password.
    fn from_str(text: &str) -> Result<Self, String> {
        let url = unambiguous_url::parse_http(text, FORM)?;
        if url.path().contains("/.well-known/") {
            return Err(
                "is the address of a document; expected what its 'issuer' contains".to_owned(),
            );
        }
        let text = text.to_owned();
        Ok(Self { text, url })
    }
}

impl FromStr for Resource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = unambiguous_url::parse(text)
            .map_err(|error| format!("{error}; expected an absolute one"))?;
        match url.fragment() {
            Some(_) => Err("contains a fragment (RFC 8707)".to_owned()),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl FromStr for RedirectPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_path = text.starts_with('/')
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "/-._~".contains(c));
        match is_path {
            true => Ok(Self(text.to_owned())),
            false => Err("expected a path such as '/callback'".to_owned()),
        }
    }
}

impl Default for RedirectPath {
    /// The one that most clients register.
    fn default() -> Self {
        Self("/callback".to_owned())
    }
}

impl From<RedirectPath> for String {
    fn from(path: RedirectPath) -> Self {
        path.0
    }
}

impl From<Resource> for String {
    fn from(resource: Resource) -> Self {
        resource.0
    }
}

/// The identifier as it is written.
impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TextFormat for Issuer {
    const PATTERN: &'static str = HTTP_PATTERN;
    const EXAMPLE: &'static str = "https://login.example.com";
}

impl TextFormat for Resource {
    const PATTERN: &'static str = "^[A-Za-z][A-Za-z0-9+.-]*:[^# ]*$";
    const EXAMPLE: &'static str = "https://llm-gateway.example.com";
}

impl TextFormat for RedirectPath {
    const PATTERN: &'static str = "^/[A-Za-z0-9/._~-]*$";
    const EXAMPLE: &'static str = "/callback";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_keeps_its_text() {
        for text in [
            "https://tenant.eu.auth0.com/",
            "https://tenant.eu.auth0.com",
            "https://Login.Example.com:443/realms/A",
            "http://127.0.0.1:8080",
        ] {
            assert_eq!(text.parse::<Issuer>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn everything_else_is_no_issuer() {
        for text in [
            "",
            "idp.example.com",
            "ftp://idp.example.com",
            "https://user:hunter2@idp.example.com",
            "https://idp.example.com?tenant=1",
            "https://idp.example.com/#x",
            "https://idp.example.com/.well-known/openid-configuration",
        ] {
            let error = text.parse::<Issuer>().unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_redirect_path_is_absolute_and_plain() {
        for (text, expected) in [
            ("/callback", true),
            ("/", true),
            ("/oidc/call-back_1.x", true),
            ("callback", false),
            ("/a?b", false),
            ("/a b", false),
            ("/a%2F", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<RedirectPath>().is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_resource_is_absolute_and_without_a_fragment() {
        for (text, expected) in [
            ("https://llm.example.com", true),
            ("urn:example:gateway", true),
            ("api://0000/.default", true),
            ("llm.example.com", false),
            ("https://llm.example.com#x", false),
        ] {
            assert_eq!(text.parse::<Resource>().is_ok(), expected, "{text}");
        }
    }
}
