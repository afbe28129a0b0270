//! The one type for a secret, from the first byte read to the last byte written.

mod allocator;
mod input;
mod locked;

use std::{fmt, sync::Arc};

use aws_lc_rs::digest;
use secrecy::{ExposeSecret as _, SecretBox};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

pub use self::allocator::WipingAllocator;
pub(crate) use self::input::{NotASecret, check_value, key_bytes};
use self::locked::LockedBytes;

/// A key, token, password or private key.
///
/// It implements neither `Display` nor `Serialize`, its `Debug` shows nothing of it, and its memory
/// is locked, and wiped with the last clone: all clones share it. [`Secret::expose`] is the only
/// way to the text, so that a review can search for it.
#[derive(Clone)]
pub struct Secret(Arc<SecretBox<LockedBytes>>);

impl Secret {
    /// Copies `text` into the secret and wipes it.
    #[must_use]
    pub fn new(text: String) -> Self {
        // `String::into_boxed_str` may move the bytes to a smaller allocation without wiping the
        // old one.
        let text = Zeroizing::new(text);
        Self::copy_of(&text)
    }

    /// As [`Secret::new`], without the whitespace around `text`: a file or a pipe mostly ends in a
    /// line break.
    #[must_use]
    pub fn trimmed(text: String) -> Self {
        let text = Zeroizing::new(text);
        Self::copy_of(text.trim())
    }

    /// The secret itself. The caller must not keep a copy longer than its use.
    #[must_use]
    pub fn expose(&self) -> &str {
        // It was text when it was copied.
        std::str::from_utf8(self.0.expose_secret().as_slice()).unwrap_or_default()
    }

    /// The first 12 hex digits of the secret's SHA-256: enough to distinguish two keys, and useless
    /// as a key.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let hash = digest::digest(&digest::SHA256, self.expose().as_bytes());
        Fingerprint::of_hash(hash.as_ref())
    }

    fn copy_of(text: &str) -> Self {
        let bytes = Box::new(LockedBytes::copy_of(text.as_bytes()));
        Self(Arc::new(SecretBox::new(bytes)))
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

/// The name of a secret in `status`, logs and messages. See [`Secret::fingerprint`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The first 12 hex digits of `hash`, a SHA-256.
    #[must_use]
    pub(crate) fn of_hash(hash: &[u8]) -> Self {
        let mut hex = String::with_capacity(12);
        for byte in hash.iter().take(6) {
            hex.push_str(&format!("{byte:02x}"));
        }
        Self(hex)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `check::<Secret, _>()` compiles only if a single implementation applies, that is, if
    /// `Secret` implements neither `Display` nor `Serialize`.
    trait CannotBeShown<Reason> {}
    impl<T> CannotBeShown<()> for T {}
    struct ByDisplay;
    impl<T: fmt::Display> CannotBeShown<ByDisplay> for T {}
    struct BySerialize;
    impl<T: serde::Serialize> CannotBeShown<BySerialize> for T {}

    fn check<T: CannotBeShown<Reason>, Reason>() {}

    #[test]
    fn a_secret_has_no_display_and_no_serialize() {
        check::<Secret, _>();
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let secret = Secret::new("sk-very-secret".to_owned());
        assert!(!format!("{secret:?}").contains("very"));
    }

    #[test]
    fn the_fingerprint_is_the_start_of_sha_256() {
        // printf abc | sha256sum
        let fingerprint = Secret::new("abc".to_owned()).fingerprint();
        assert_eq!(fingerprint.to_string(), "ba7816bf8f01");
    }

    #[test]
    fn clones_share_one_place_in_memory() {
        let secret = Secret::new("sk-1".to_owned());
        assert_eq!(secret.clone().expose().as_ptr(), secret.expose().as_ptr());
        assert_ne!(
            Secret::new("sk-1".to_owned()).expose().as_ptr(),
            secret.expose().as_ptr()
        );
    }

    #[test]
    fn trimmed_removes_the_line_break() {
        assert_eq!(Secret::trimmed(" key\r\n".to_owned()).expose(), "key");
    }
}
