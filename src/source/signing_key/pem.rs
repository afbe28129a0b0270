//! The private key in a PEM file (RFC 7468). By hand, so that every copy of it is wiped.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::der::{self, Reader};

/// DER, wiped when dropped.
type Der = Zeroizing<Vec<u8>>;

/// A private key, by the label of its block.
pub(super) enum PrivateKey {
    /// `PRIVATE KEY`: PKCS #8 (RFC 5958).
    Pkcs8(Der),
    /// `ENCRYPTED PRIVATE KEY`: PKCS #8, encrypted.
    Encrypted(Der),
    /// `RSA PRIVATE KEY`: PKCS #1 (RFC 8017).
    Pkcs1(Der),
    /// `EC PRIVATE KEY`: SEC 1 (RFC 5915), as OpenSSL 1 writes it.
    Sec1(Der),
    /// One of the last two, encrypted with a key that one MD5 derives from the password (RFC 1421
    /// headers).
    LegacyEncrypted,
}

impl PrivateKey {
    /// An RSA key as PKCS #1; `None` for any other.
    pub(super) fn into_pkcs1(self) -> Option<Der> {
        match self {
            Self::Pkcs1(der) => Some(der),
            Self::Pkcs8(der) => {
                let mut key = Reader::new(&der).sequence()?;
                let _version = key.read(der::INTEGER)?;
                let _algorithm = key.read(der::SEQUENCE)?;
                Some(Zeroizing::new(key.read(der::OCTET_STRING)?.to_vec()))
            }
            _ => None,
        }
    }
}

/// The first private key in a PEM file, which may also contain certificates, parameters and
/// comments; `None` without one.
pub(super) fn private_key(pem: &[u8]) -> Option<PrivateKey> {
    let mut rest = std::str::from_utf8(pem).ok()?;
    loop {
        let (_, from_label) = rest.split_once("-----BEGIN ")?;
        let (label, from_body) = from_label.split_once("-----")?;
        let (body, after) = from_body.split_once(&format!("-----END {label}-----"))?;
        let key: fn(Der) -> PrivateKey = match label {
            "PRIVATE KEY" => PrivateKey::Pkcs8,
            "ENCRYPTED PRIVATE KEY" => PrivateKey::Encrypted,
            "RSA PRIVATE KEY" => PrivateKey::Pkcs1,
            "EC PRIVATE KEY" => PrivateKey::Sec1,
            _ => {
                rest = after;
                continue;
            }
        };
        if body.contains("Proc-Type:") && body.contains("ENCRYPTED") {
            return Some(PrivateKey::LegacyEncrypted);
        }
        return decode(body).map(key);
    }
}

/// Decodes base64 with line breaks.
fn decode(body: &str) -> Option<Der> {
    let mut text = Zeroizing::new(Vec::with_capacity(body.len()));
    text.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    // Large enough at once: a vector that grows leaves copies behind.
    let mut der = Zeroizing::new(Vec::with_capacity(body.len()));
    STANDARD.decode_vec(text.as_slice(), &mut der).ok()?;
    Some(der)
}
