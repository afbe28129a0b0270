//! The one type that a secret is in, from the first byte read to the last one written.

use std::fmt;

use aws_lc_rs::digest;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A key, token, password or private key.
///
/// It has no `Display` and no `Serialize`, its `Debug` shows a fingerprint at most, and its memory is zeroized when it
/// is dropped. Whoever needs the text says so with [`Secret::expose`], which is what a review looks for.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes ownership of `text`; the buffer becomes the secret's own and is wiped with it.
    #[must_use]
    pub fn new(text: String) -> Self {
        // `String::into_boxed_str` may move the bytes to a smaller allocation and leave the old one as it was.
        let text = Zeroizing::new(text);
        Self(SecretString::from(text.as_str()))
    }

    /// A secret as it is read from a file or a pipe: the white space around it (a last line break, mostly) is no part
    /// of it.
    #[must_use]
    pub fn trimmed(text: String) -> Self {
        let text = Zeroizing::new(text);
        Self(SecretString::from(text.trim()))
    }

    /// The secret itself. The caller sees to it that no copy outlives its use.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The first 12 hex digits of SHA-256 of the secret: enough to tell two keys apart, nothing to use one with.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let hash = digest::digest(&digest::SHA256, self.expose().as_bytes());
        let mut hex = String::with_capacity(12);
        for byte in &hash.as_ref()[..6] {
            hex.push_str(&format!("{byte:02x}"));
        }
        Fingerprint(hex)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(
            self.expose().as_bytes(),
            other.expose().as_bytes(),
        )
        .is_ok()
    }
}

impl Eq for Secret {}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// What a secret is called in status, logs and messages. See [`Secret::fingerprint`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Fingerprint(String);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        let secret = Secret::new("sk-very-secret".to_owned());
        assert!(!format!("{secret:?}").contains("very"));
    }

    #[test]
    fn fingerprint_is_the_head_of_sha_256() {
        // printf abc | sha256sum
        let fingerprint = Secret::new("abc".to_owned()).fingerprint();
        assert_eq!(fingerprint.to_string(), "ba7816bf8f01");
    }

    #[test]
    fn trimmed_takes_off_the_line_break() {
        assert_eq!(Secret::trimmed(" key\r\n".to_owned()).expose(), "key");
    }
}
