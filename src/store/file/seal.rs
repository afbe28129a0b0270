//! The seal of a file: AES-256-GCM (NIST SP 800-38D).
//!
//! A sealed secret is [`VERSION`], the nonce, and the ciphertext with its tag.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use zeroize::Zeroizing;

use crate::{secret::Secret, store};

/// The length of a sealing key in bytes.
pub(super) const KEY_LEN: usize = 32;

/// How many bytes longer than its secret a sealed file may be.
pub(super) const MAX_OVERHEAD: usize = 64;

/// The first bytes of a file of this format, which the seal covers as well.
const VERSION: &[u8] = b"claviger login 1\n";

/// The key that seals and opens.
pub(super) struct SealingKey(Zeroizing<[u8; KEY_LEN]>);

impl SealingKey {
    /// A random key; `None` if the system gives no random bytes.
    pub(super) fn generate() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        rand::fill(bytes.as_mut_slice()).ok()?;
        Some(Self(bytes))
    }

    /// The key in `bytes`; `None` if they have another length than a key.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        if bytes.len() != KEY_LEN {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// The key's bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Seals `secret`, bound to `context`; `None` if the system gives no random bytes.
    ///
    /// The nonce is random: a key seals far fewer than the 2^32 files that this is safe for.
    pub(super) fn seal(&self, context: &[u8], secret: &Secret) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).ok()?;
        let text = secret.expose().as_bytes();
        let mut sealed = Zeroizing::new(Vec::with_capacity(text.len()));
        sealed.extend(text);
        let nonce_used = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(nonce_used, aad(context), &mut sealed)
            .ok()?;
        Some([VERSION, &nonce, &sealed, tag.as_ref()].concat())
    }

    /// Opens `sealed`; `None` if it was not sealed with this key for this `context`.
    pub(super) fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Secret> {
        let rest = sealed.strip_prefix(VERSION)?;
        let (nonce, rest) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut buffer = Zeroizing::new(rest.to_vec());
        let cipher = self.cipher()?;
        let text = cipher
            .open_in_place(nonce, aad(context), &mut buffer)
            .ok()?;
        store::secret(text)
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        let key = UnboundKey::new(&AES_256_GCM, self.bytes()).ok()?;
        Some(LessSafeKey::new(key))
    }
}

/// What the seal covers beside the secret.
fn aad(context: &[u8]) -> Aad<Vec<u8>> {
    Aad::from([VERSION, context].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_sealed_secret_opens_with_its_key_and_context_only() {
        let (key, other) = (
            SealingKey::generate().unwrap(),
            SealingKey::generate().unwrap(),
        );
        let sealed = key.seal(b"context", &secret("refresh token")).unwrap();
        let opened = key.open(b"context", &sealed);
        assert_eq!(opened, Some(secret("refresh token")));
        assert_eq!(other.open(b"context", &sealed), None);
        assert_eq!(key.open(b"Context", &sealed), None);
    }

    #[test]
    fn no_changed_or_shortened_file_opens() {
        let key = SealingKey::generate().unwrap();
        let sealed = key.seal(b"", &secret("token")).unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key.open(b"", &changed), None, "byte {at}");
            assert_eq!(key.open(b"", &sealed[..at]), None, "{at} bytes");
        }
    }

    #[test]
    fn the_same_secret_looks_different_each_time_and_fits_the_limit() {
        let key = SealingKey::generate().unwrap();
        let token = secret("a long refresh token");
        let seal = || key.seal(b"", &token).unwrap();
        assert_ne!(seal()[VERSION.len()..], seal()[VERSION.len()..]);
        assert!(seal().len() <= token.expose().len() + MAX_OVERHEAD);
    }
}
