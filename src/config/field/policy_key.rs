//! The public key by which a central policy is verified.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::text_format::TextFormat;

/// The algorithm of the key: the only one so far, so that a key of a later one is recognized.
const PREFIX: &str = "ed25519:";

/// The public key by which a central policy is verified: `ed25519:` and the 32 bytes of RFC 8032 in
/// base64url without padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PolicyKey([u8; 32]);

impl PolicyKey {
    /// The key whose bytes are these.
    #[must_use]
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the key.
    #[must_use]
    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for PolicyKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text
            .strip_prefix(PREFIX)
            .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or(
                "expected 'ed25519:' and 43 characters, as 'claviger policy public-key' prints it",
            )
    }
}

impl fmt::Display for PolicyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for PolicyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TextFormat for PolicyKey {
    const PATTERN: &'static str = "^ed25519:[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$";
    const EXAMPLE: &'static str = "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
}
