//! The signing key, parsed again when its file changes.

use std::sync::Mutex;

use aws_lc_rs::{digest, signature::EcdsaKeyPair};
use jsonwebtoken::{Algorithm, AlgorithmFamily, EncodingKey, Header};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    source::{SourceError, secret_input::SecretInput},
    sync,
};

/// The location of the signing key, and the key as last parsed.
pub(super) struct KeyRing {
    algorithm: Algorithm,
    from: SecretInput,
    /// With the SHA-256 of its file. Locked for no longer than a comparison or replacement.
    last: Mutex<Option<(Vec<u8>, EncodingKey)>>,
}

impl KeyRing {
    pub(super) fn new(algorithm: Algorithm, from: SecretInput) -> Self {
        Self {
            algorithm,
            from,
            last: Mutex::new(None),
        }
    }

    /// Signs `claims` with the current key and returns the JWT.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if the key cannot be read or does not fit the algorithm.
    pub(super) fn sign(
        &self,
        header: &Header,
        claims: &Map<String, Value>,
    ) -> Result<String, SourceError> {
        let key = self.current()?;
        jsonwebtoken::encode(header, claims, &key).map_err(|_| self.wrong_key())
    }

    fn current(&self) -> Result<EncodingKey, SourceError> {
        // Not by modification time, whose resolution may hide a second replacement.
        let bytes = self.from.read_bytes()?;
        let hash = digest::digest(&digest::SHA256, &bytes).as_ref().to_vec();
        let mut last = sync::lock(&self.last);
        if let Some((last_hash, key)) = &*last
            && *last_hash == hash
        {
            return Ok(key.clone());
        }
        let key = self.parse(&bytes)?;
        *last = Some((hash, key.clone()));
        Ok(key)
    }

    fn parse(&self, bytes: &[u8]) -> Result<EncodingKey, SourceError> {
        let key = match self.algorithm.family() {
            AlgorithmFamily::Hmac => {
                self.check_hmac(bytes.len())?;
                return Ok(EncodingKey::from_secret(bytes));
            }
            AlgorithmFamily::Rsa => EncodingKey::from_rsa_pem(bytes),
            AlgorithmFamily::Ed => EncodingKey::from_ed_pem(bytes),
            AlgorithmFamily::Ec => match self.sec1_to_pkcs8(bytes) {
                Some(der) => return Ok(EncodingKey::from_ec_der(&der)),
                None => EncodingKey::from_ec_pem(bytes),
            },
        };
        key.map_err(|_| self.wrong_key())
    }

    /// Checks that the key is at least as long as the hash (RFC 7518, section 3.2).
    fn check_hmac(&self, len: usize) -> Result<(), SourceError> {
        let least = match self.algorithm {
            Algorithm::HS384 => 48,
            Algorithm::HS512 => 64,
            _ => 32,
        };
        if len >= least {
            return Ok(());
        }
        Err(SourceError::Configuration {
            reason: format!(
                "{} contains {len} bytes, too few for {:?}: expected at least {least}",
                self.from, self.algorithm
            ),
            hint: format!("create a key with: openssl rand -hex {least}"),
        })
    }

    /// Converts an `EC PRIVATE KEY` (RFC 5915), as OpenSSL 1 writes it, to PKCS #8, because
    /// `jsonwebtoken` does not read it. `None` for any other PEM.
    fn sec1_to_pkcs8(&self, pem: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let text = std::str::from_utf8(pem).ok()?;
        let (_, rest) = text.split_once("-----BEGIN EC PRIVATE KEY-----")?;
        let (body, _) = rest.split_once("-----END EC PRIVATE KEY-----")?;
        let der = base64(body)?;
        let algorithm = match self.algorithm {
            Algorithm::ES384 => &aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING,
            _ => &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        };
        let pair = EcdsaKeyPair::from_private_key_der(algorithm, &der).ok()?;
        Some(Zeroizing::new(pair.to_pkcs8v1().ok()?.as_ref().to_vec()))
    }

    fn wrong_key(&self) -> SourceError {
        let (kind, command) = match self.algorithm {
            Algorithm::ES256 => (
                "a P-256 private key",
                "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
            ),
            Algorithm::ES384 => (
                "a P-384 private key",
                "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
            ),
            Algorithm::EdDSA => (
                "an Ed25519 private key",
                "openssl genpkey -algorithm ed25519",
            ),
            _ => (
                "an RSA private key of at least 2048 bits",
                "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072",
            ),
        };
        SourceError::Configuration {
            reason: format!(
                "{} is not a signing key for {:?}: expected {kind}, unencrypted, in PEM",
                self.from, self.algorithm
            ),
            hint: format!("create one with: {command}"),
        }
    }
}

/// Decodes base64 (RFC 4648, section 4) with line breaks; `None` for anything else. By hand, so
/// that the result is wiped.
fn base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut bits, mut have) = (0_u32, 0);
    for c in text
        .bytes()
        .filter(|c| !c.is_ascii_whitespace() && *c != b'=')
    {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        have += 6;
        if have >= 8 {
            have -= 8;
            bytes.push(u8::try_from((bits >> have) & 0xff).ok()?);
        }
    }
    Some(bytes)
}
