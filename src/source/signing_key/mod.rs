//! A signing key, from the bytes of its file to a signature: for the tokens of the source `jwt` and
//! for the assertions of an OAuth client.

mod der;
mod encrypted;
mod pem;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use self::pem::PrivateKey;
use crate::{config::SigningAlgorithm, secret::Secret};

/// Why a key cannot sign. It contains nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyError {
    /// It is no PEM, or a key for another algorithm.
    Wrong,
    /// Shorter than the hash (RFC 7518, section 3.2).
    TooShort {
        len: usize,
        least: usize,
    },
    /// It is encrypted, and there is no password.
    NoPassword,
    WrongPassword,
    /// It is encrypted by another scheme than those of [`encrypted`].
    UnsupportedEncryption,
}

/// A parsed key with its algorithm.
pub(super) enum SigningKey {
    Jsonwebtoken(Algorithm, EncodingKey),
    /// ES512, which `jsonwebtoken` lacks.
    P521(EcdsaKeyPair),
}

/// What the header of a signed token says about the key.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyNames<'a> {
    /// `kid`.
    pub(super) key_id: Option<&'a str>,
    /// `x5t#S256`: the SHA-256 of the key's certificate, base64url (RFC 7515, section 4.1.8).
    pub(super) certificate_hash: Option<&'a str>,
}

/// The kind of a private key, which decides what algorithms it can sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
}

impl KeyKind {
    /// The kind of the PEM key in `bytes`, which is not encrypted.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if it is no private key that can sign.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, KeyError> {
        let key = private_key(bytes, None)?;
        if let PrivateKey::Pkcs8(der) | PrivateKey::Sec1(der) = &key {
            for (curve, kind) in [
                (&ECDSA_P256_SHA256_FIXED_SIGNING, Self::P256),
                (&ECDSA_P384_SHA384_FIXED_SIGNING, Self::P384),
                (&ECDSA_P521_SHA512_FIXED_SIGNING, Self::P521),
            ] {
                if EcdsaKeyPair::from_private_key_der(curve, der).is_ok() {
                    return Ok(kind);
                }
            }
        }
        if let PrivateKey::Pkcs8(der) = &key
            && Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).is_ok()
        {
            return Ok(Self::Ed25519);
        }
        let der = key.into_pkcs1().ok_or(KeyError::Wrong)?;
        match rsa::KeyPair::from_der(&der) {
            Ok(_) => Ok(Self::Rsa),
            Err(_) => Err(KeyError::Wrong),
        }
    }
}

impl SigningKey {
    /// Parses the key in `bytes`: for HS* the bytes themselves, else PEM, which `password` decrypts
    /// if it is encrypted.
    ///
    /// # Errors
    ///
    /// Any [`KeyError`]; a key for another algorithm may only fail when it signs.
    pub(super) fn parse(
        algorithm: SigningAlgorithm,
        bytes: &[u8],
        password: Option<&Secret>,
    ) -> Result<Self, KeyError> {
        use SigningAlgorithm as Name;
        let hmac = |algorithm, least| match bytes.len() {
            len if len < least => Err(KeyError::TooShort { len, least }),
            _ => Ok(Self::Jsonwebtoken(
                algorithm,
                EncodingKey::from_secret(bytes),
            )),
        };
        let rsa = |algorithm| {
            let der = private_key(bytes, password)?.into_pkcs1();
            let der = der.ok_or(KeyError::Wrong)?;
            Ok(Self::Jsonwebtoken(
                algorithm,
                EncodingKey::from_rsa_der(&der),
            ))
        };
        let ec = |algorithm, curve| {
            let pair = ec_key(curve, bytes, password)?;
            // The only form that `jsonwebtoken` reads.
            let der = pair.to_pkcs8v1().map_err(|_| KeyError::Wrong)?;
            let der = Zeroizing::new(der.as_ref().to_vec());
            Ok(Self::Jsonwebtoken(
                algorithm,
                EncodingKey::from_ec_der(&der),
            ))
        };
        match algorithm {
            Name::Hs256 => hmac(Algorithm::HS256, 32),
            Name::Hs384 => hmac(Algorithm::HS384, 48),
            Name::Hs512 => hmac(Algorithm::HS512, 64),
            Name::Rs256 => rsa(Algorithm::RS256),
            Name::Rs384 => rsa(Algorithm::RS384),
            Name::Rs512 => rsa(Algorithm::RS512),
            Name::Ps256 => rsa(Algorithm::PS256),
            Name::Ps384 => rsa(Algorithm::PS384),
            Name::Ps512 => rsa(Algorithm::PS512),
            Name::Es256 => ec(Algorithm::ES256, &ECDSA_P256_SHA256_FIXED_SIGNING),
            Name::Es384 => ec(Algorithm::ES384, &ECDSA_P384_SHA384_FIXED_SIGNING),
            Name::Es512 => {
                ec_key(&ECDSA_P521_SHA512_FIXED_SIGNING, bytes, password).map(Self::P521)
            }
            Name::EdDsa => match private_key(bytes, password)? {
                PrivateKey::Pkcs8(der) => Ok(Self::Jsonwebtoken(
                    Algorithm::EdDSA,
                    EncodingKey::from_ed_der(&der),
                )),
                _ => Err(KeyError::Wrong),
            },
        }
    }

    /// Signs `claims` and returns the JWT. `names` are in its header.
    ///
    /// # Errors
    ///
    /// [`KeyError::Wrong`]
    pub(super) fn sign(
        &self,
        names: &KeyNames<'_>,
        claims: &Map<String, Value>,
    ) -> Result<Secret, KeyError> {
        let jwt = match self {
            Self::Jsonwebtoken(algorithm, key) => {
                let header = Header {
                    kid: names.key_id.map(str::to_owned),
                    x5t_s256: names.certificate_hash.map(str::to_owned),
                    ..Header::new(*algorithm)
                };
                jsonwebtoken::encode(&header, claims, key).map_err(|_| KeyError::Wrong)?
            }
            Self::P521(pair) => {
                let mut header = json!({ "typ": "JWT", "alg": "ES512" });
                for (name, value) in [("kid", names.key_id), ("x5t#S256", names.certificate_hash)] {
                    if let Some(value) = value {
                        header[name] = Value::from(value);
                    }
                }
                let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
                let claims = serde_json::to_vec(claims).map_err(|_| KeyError::Wrong)?;
                let message = [encode(header.to_string().as_bytes()), encode(&claims)].join(".");
                let signature = pair
                    .sign(&SystemRandom::new(), message.as_bytes())
                    .map_err(|_| KeyError::Wrong)?;
                [message, encode(signature.as_ref())].join(".")
            }
        };
        Ok(Secret::new(jwt))
    }
}

/// The Ed25519 key in the PEM file `bytes`, as PKCS #8: for a signature that is no JWT of a source.
///
/// # Errors
///
/// [`KeyError`].
pub(crate) fn ed25519_key(
    bytes: &[u8],
    password: Option<&Secret>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    match private_key(bytes, password)? {
        PrivateKey::Pkcs8(der) if Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).is_ok() => {
            Ok(der)
        }
        _ => Err(KeyError::Wrong),
    }
}

fn private_key(bytes: &[u8], password: Option<&Secret>) -> Result<PrivateKey, KeyError> {
    match pem::private_key(bytes).ok_or(KeyError::Wrong)? {
        PrivateKey::Encrypted(der) => {
            let password = password.ok_or(KeyError::NoPassword)?;
            encrypted::decrypt(&der, password).map(PrivateKey::Pkcs8)
        }
        PrivateKey::LegacyEncrypted => Err(KeyError::UnsupportedEncryption),
        key => Ok(key),
    }
}

fn ec_key(
    curve: &'static EcdsaSigningAlgorithm,
    bytes: &[u8],
    password: Option<&Secret>,
) -> Result<EcdsaKeyPair, KeyError> {
    match private_key(bytes, password)? {
        PrivateKey::Pkcs8(der) | PrivateKey::Sec1(der) => {
            EcdsaKeyPair::from_private_key_der(curve, &der).map_err(|_| KeyError::Wrong)
        }
        _ => Err(KeyError::Wrong),
    }
}
