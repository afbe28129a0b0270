//! The name of a header that is sent to a gateway.

use std::str::FromStr;

use super::text_format::TextFormat;

/// Headers that the configuration cannot set: those of one connection (RFC 9110, section 7.6.1),
/// those that frame a request, and those that contain the key.
const REFUSED: [&str; 16] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-api-key",
];

/// What the name of a key ends in if its value is the path of the file that contains the header's
/// value.
const FILE_SUFFIX: &str = "_file";

/// A key of `headers`: the name of a header, perhaps with `_file` behind it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HeaderKey {
    /// In lower case.
    name: String,
    is_file: bool,
}

impl HeaderKey {
    /// The name of the header.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the value is the path of a file.
    #[must_use]
    pub(crate) fn is_file(&self) -> bool {
        self.is_file
    }

    /// The key as it stands in the file, apart from its case.
    #[must_use]
    pub(crate) fn key(&self) -> String {
        let suffix = if self.is_file { FILE_SUFFIX } else { "" };
        format!("{}{suffix}", self.name)
    }
}

impl FromStr for HeaderKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, is_file) = match text.strip_suffix(FILE_SUFFIX) {
            Some(name) => (name, true),
            None => (text, false),
        };
        let name = name.to_ascii_lowercase();
        if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
            return Err("expected the name of a header, perhaps with '_file' behind it".to_owned());
        }
        if REFUSED.contains(&name.as_str()) {
            return Err(
                "reserved for the key or the HTTP connection; expected another header".to_owned(),
            );
        }
        Ok(Self { name, is_file })
    }
}

impl TextFormat for HeaderKey {
    const PATTERN: &'static str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";
    const EXAMPLE: &'static str = "x-tenant";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_the_connection_or_with_the_key_is_refused() {
        for (text, expected) in [
            ("X-Tenant", Some(("x-tenant", false))),
            ("x-key_file", Some(("x-key", true))),
            ("Authorization", None),
            ("authorization_file", None),
            ("X-Api-Key", None),
            ("transfer-encoding", None),
            ("a b", None),
            ("_file", None),
        ] {
            let parsed = text.parse::<HeaderKey>().ok();
            let parsed = parsed.as_ref().map(|key| (key.name(), key.is_file()));
            assert_eq!(parsed, expected, "{text}");
        }
    }
}
