//! Encrypted PKCS #8 keys: PBES2 (RFC 8018) with PBKDF2 and AES-CBC, as OpenSSL writes them.
//!
//! Not PBES1 and Triple DES, which are obsolete, and not scrypt, which our cryptography lacks:
//! `openssl pkcs8 -topk8` converts them.

use std::num::NonZeroU32;

use aws_lc_rs::{
    cipher::{
        AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey,
        UnboundCipherKey,
    },
    iv::FixedLength,
    pbkdf2,
};
use zeroize::Zeroizing;

use super::{
    KeyError,
    der::{INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, Reader},
};
use crate::secret::Secret;

/// The most iterations: they take about a second, in which other requests may have to wait.
/// OpenSSL's default is 2048, and OWASP recommends 600,000 for passwords.
const MAX_ITERATIONS: u32 = 2_000_000;

/// 1.2.840.113549.1.5.13
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];

/// 1.2.840.113549.1.5.12
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];

/// 1.2.840.113549.2: the functions of PBKDF2, by the last number.
const HMAC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2];

/// 2.16.840.1.101.3.4.1: AES, by the last number.
const AES: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1];

/// How the key is derived from the password, and what it decrypts.
struct Encrypted<'a> {
    function: pbkdf2::Algorithm,
    salt: &'a [u8],
    iterations: NonZeroU32,
    cipher: &'static Algorithm,
    key_len: usize,
    iv: [u8; 16],
    data: &'a [u8],
}

/// Decrypts an `EncryptedPrivateKeyInfo` (RFC 5958, section 3).
///
/// # Errors
///
/// [`KeyError::UnsupportedEncryption`] or [`KeyError::WrongPassword`]
pub(super) fn decrypt(der: &[u8], password: &Secret) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let encrypted = parse(der).ok_or(KeyError::UnsupportedEncryption)?;
    let mut key = Zeroizing::new([0; 32]);
    let key = &mut key[..encrypted.key_len];
    pbkdf2::derive(
        encrypted.function,
        encrypted.iterations,
        encrypted.salt,
        password.expose().as_bytes(),
        key,
    );
    let key = UnboundCipherKey::new(encrypted.cipher, key);
    let key = key.and_then(PaddedBlockDecryptingKey::cbc_pkcs7);
    let key = key.map_err(|_| KeyError::UnsupportedEncryption)?;
    let context = DecryptionContext::Iv128(FixedLength::from(encrypted.iv));
    let mut data = Zeroizing::new(encrypted.data.to_vec());
    let len = match key.decrypt(&mut data, context) {
        Ok(plain) if is_private_key(plain) => plain.len(),
        // A wrong password mostly makes the padding wrong, but not always.
        _ => return Err(KeyError::WrongPassword),
    };
    data.truncate(len);
    Ok(data)
}

fn parse(der: &[u8]) -> Option<Encrypted<'_>> {
    let mut info = Reader::new(der).sequence()?;
    let mut algorithm = info.sequence()?;
    let data = info.read(OCTET_STRING)?;
    if algorithm.read(OBJECT_IDENTIFIER)? != PBES2 {
        return None;
    }
    let mut parameters = algorithm.sequence()?;
    let mut derivation = parameters.sequence()?;
    if derivation.read(OBJECT_IDENTIFIER)? != PBKDF2 {
        return None;
    }
    let mut pbkdf2 = derivation.sequence()?;
    let salt = pbkdf2.read(OCTET_STRING)?;
    let iterations = NonZeroU32::new(pbkdf2.integer()?)?;
    if iterations.get() > MAX_ITERATIONS {
        return None;
    }
    if pbkdf2.is_next(INTEGER) {
        // The length of the key, which the cipher determines.
        pbkdf2.integer()?;
    }
    let function = match pbkdf2.is_empty() {
        true => pbkdf2::PBKDF2_HMAC_SHA1,
        false => match pbkdf2
            .sequence()?
            .read(OBJECT_IDENTIFIER)?
            .strip_prefix(HMAC)?
        {
            [7] => pbkdf2::PBKDF2_HMAC_SHA1,
            [9] => pbkdf2::PBKDF2_HMAC_SHA256,
            [10] => pbkdf2::PBKDF2_HMAC_SHA384,
            [11] => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => return None,
        },
    };
    let mut scheme = parameters.sequence()?;
    let (cipher, key_len) = match scheme.read(OBJECT_IDENTIFIER)?.strip_prefix(AES)? {
        [2] => (&AES_128, 16),
        [22] => (&AES_192, 24),
        [42] => (&AES_256, 32),
        _ => return None,
    };
    let iv = scheme.read(OCTET_STRING)?.try_into().ok()?;
    Some(Encrypted {
        function,
        salt,
        iterations,
        cipher,
        key_len,
        iv,
        data,
    })
}

/// Whether `der` is one sequence that starts with a version, as a `PrivateKeyInfo` does.
fn is_private_key(der: &[u8]) -> bool {
    let mut all = Reader::new(der);
    let info = all.sequence();
    all.is_empty() && info.is_some_and(|mut info| info.integer().is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_panics(der: Vec<u8>) {
            let password = Secret::new("password".to_owned());
            let _ = decrypt(&der, &password);
        }
    }
}
