//! The encryption between this program and the Secret Service, so that no other program on the bus
//! reads a secret on its way: the algorithm `dh-ietf1024-sha256-aes128-cbc-pkcs7` of the Secret
//! Service specification, section "Transfer of Secrets".
//!
//! It protects from listeners, not from a program in the service's place: the bus gives that name
//! to programs of the user's alone.

use aws_lc_rs::{
    cipher::{
        AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
        PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    hkdf::{HKDF_SHA256, KeyType, Salt},
    iv::{FixedLength, IV_LEN_128_BIT},
    rand,
};
use num_bigint::BigUint;
use zeroize::Zeroizing;

use crate::{secret::Secret, store};

/// The algorithm's name.
pub(super) const ALGORITHM: &str = "dh-ietf1024-sha256-aes128-cbc-pkcs7";

/// The length of the group's prime, and so of a number in it, in bytes.
const GROUP_LEN: usize = 128;

/// The prime of the Second Oakley Group (RFC 2409, section 6.2). Its generator is 2.
const PRIME: &[u8; 2 * GROUP_LEN] = b"\
    FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74\
    020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437\
    4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
    EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF";

/// The length of the key in bytes.
const KEY_LEN: usize = 16;

/// This program's half of the key exchange.
pub(super) struct KeyPair {
    prime: BigUint,
    /// Used once, so that the time of the computation discloses nothing that is used again.
    private: BigUint,
}

/// The key of one session.
pub(super) struct SessionKey(Zeroizing<[u8; KEY_LEN]>);

/// A secret on its way.
pub(super) struct Encrypted {
    /// The initialization vector.
    pub(super) iv: Vec<u8>,
    pub(super) value: Vec<u8>,
}

impl KeyPair {
    /// A random one; `None` if the system gives no random bytes.
    pub(super) fn generate() -> Option<Self> {
        let mut bytes = Zeroizing::new([0; GROUP_LEN]);
        rand::fill(bytes.as_mut_slice()).ok()?;
        Some(Self {
            prime: BigUint::parse_bytes(PRIME, 16)?,
            private: BigUint::from_bytes_be(bytes.as_slice()),
        })
    }

    /// The number for the other side.
    pub(super) fn public(&self) -> Vec<u8> {
        BigUint::from(2_u8)
            .modpow(&self.private, &self.prime)
            .to_bytes_be()
    }

    /// The key that both sides compute; `None` if the other side's number makes it predictable.
    pub(super) fn agree(&self, other: &[u8]) -> Option<SessionKey> {
        let other = BigUint::from_bytes_be(other);
        let one = BigUint::from(1_u8);
        if other <= one || other >= &self.prime - one {
            return None;
        }
        let shared = Zeroizing::new(other.modpow(&self.private, &self.prime).to_bytes_be());
        let mut padded = Zeroizing::new([0; GROUP_LEN]);
        padded[GROUP_LEN - shared.len()..].copy_from_slice(&shared);
        let mut key = Zeroizing::new([0; KEY_LEN]);
        Salt::none(HKDF_SHA256)
            .extract(padded.as_slice())
            .expand(&[], KeyLength)
            .ok()?
            .fill(key.as_mut_slice())
            .ok()?;
        Some(SessionKey(key))
    }
}

impl SessionKey {
    /// Encrypts `secret`; `None` if the system gives no random bytes.
    pub(super) fn encrypt(&self, secret: &Secret) -> Option<Encrypted> {
        let mut iv = [0; IV_LEN_128_BIT];
        rand::fill(&mut iv).ok()?;
        let text = secret.expose().as_bytes();
        // With room for the padding: a vector that grows leaves a copy behind.
        let mut value = Vec::with_capacity(text.len() + IV_LEN_128_BIT);
        value.extend(text);
        PaddedBlockEncryptingKey::cbc_pkcs7(self.cipher()?)
            .ok()?
            .less_safe_encrypt(&mut value, EncryptionContext::Iv128(FixedLength::from(&iv)))
            .ok()?;
        let iv = iv.to_vec();
        Some(Encrypted { iv, value })
    }

    /// Decrypts a secret; `None` if it is not one of this session, or not UTF-8.
    pub(super) fn decrypt(&self, encrypted: Encrypted) -> Option<Secret> {
        let iv: [u8; IV_LEN_128_BIT] = encrypted.iv.try_into().ok()?;
        let mut value = Zeroizing::new(encrypted.value);
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(self.cipher()?).ok()?;
        let context = DecryptionContext::Iv128(FixedLength::from(&iv));
        store::secret(key.decrypt(&mut value, context).ok()?)
    }

    fn cipher(&self) -> Option<UnboundCipherKey> {
        UnboundCipherKey::new(&AES_128, self.0.as_slice()).ok()
    }
}

/// The length of a [`SessionKey`], for the key derivation.
struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        KEY_LEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> (SessionKey, SessionKey) {
        let (ours, theirs) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let agreed = |own: &KeyPair, other: &KeyPair| own.agree(&other.public()).unwrap();
        (agreed(&ours, &theirs), agreed(&theirs, &ours))
    }

    #[test]
    fn both_sides_agree_and_listeners_see_other_bytes() {
        let (ours, theirs) = keys();
        for len in [0, 1, 15, 16, 17, 20_000] {
            let secret = Secret::new("k".repeat(len));
            let encrypted = ours.encrypt(&secret).unwrap();
            assert_eq!(encrypted.value.len(), (len / 16 + 1) * 16);
            assert!(!encrypted.value.windows(4).any(|part| part == b"kkkk"));
            assert_eq!(theirs.decrypt(encrypted), Some(secret));
        }
    }

    #[test]
    fn another_session_cannot_decrypt() {
        let secret = Secret::new("token".repeat(10));
        let encrypted = keys().0.encrypt(&secret).unwrap();
        assert_ne!(keys().0.decrypt(encrypted), Some(secret));
    }

    #[test]
    fn a_number_that_makes_the_key_predictable_is_refused() {
        let ours = KeyPair::generate().unwrap();
        let below = (&ours.prime - BigUint::from(1_u8)).to_bytes_be();
        let prime = ours.prime.to_bytes_be();
        for number in [&[][..], &[0], &[1], &below, &prime, &[0xff; 129]] {
            assert!(ours.agree(number).is_none());
        }
        assert!(ours.agree(&[2]).is_some());
    }
}
