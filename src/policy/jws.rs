//! The signed form of a policy: JWS in its compact serialization (RFC 7515, section 3.1) with
//! Ed25519 (RFC 8037, section 3.1).
//!
//! `jsonwebtoken` is not used: it ignores `crit` and unknown members of a header, and cannot sign
//! with a key that is elsewhere, such as in Vault. Only what [`SigningInput`] makes is accepted:
//! three members in the header, one algorithm, one type (RFC 8725, sections 3.1 and 3.11).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    document::PolicyDocument,
    key::{is_signed_by, key_id},
    payload,
};
use crate::{clock::Timestamp, config::PolicyKey, logging::visible_json};

/// The longest signed policy, in bytes: thousands of users by name.
pub(crate) const MAX_LEN: usize = 256 * 1024;

/// `typ`: what is signed is a policy and nothing else, so that no other token of the same key can
/// be one.
const TYPE: &str = "claviger-policy+jwt";

/// `alg` (RFC 8037).
const ALGORITHM: &str = "EdDSA";

/// What a signature is made of: the header and the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SigningInput(String);

/// A policy with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedPolicy {
    /// The whole text.
    pub(crate) text: String,
    /// The name of the key: its thumbprint.
    pub(crate) key_id: String,
    /// When it was signed, by the signer's clock.
    pub(crate) issued_at: Timestamp,
    pub(crate) document: PolicyDocument,
}

/// Why a text is not a valid policy, as a sentence's end whose subject is the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JwsError {
    /// Longer than [`MAX_LEN`].
    #[error("is larger than {} KiB", MAX_LEN / 1024)]
    TooLarge,
    /// The serialization of RFC 7515, section 7.2.
    #[error("is a JWS in JSON; expected its compact form")]
    Json,
    /// Not three parts with dots between them.
    #[error("is not a signed policy: expected three parts in base64url with dots between them")]
    NotCompact,
    /// The header is not a JSON object, or has a member twice.
    #[error("has an invalid header")]
    Header,
    /// A member of the header that is not supported.
    #[error("has the member '{}' in its header, which is not supported", shown(.0))]
    HeaderMember(String),
    /// `alg`.
    #[error("is signed with the algorithm '{}'; expected '{ALGORITHM}'", shown(.0))]
    Algorithm(String),
    /// `typ`.
    #[error("is of the type '{}'; expected '{TYPE}'", shown(.0))]
    Type(String),
    /// The key is not pinned.
    #[error("is signed with the key '{}', which is not one of the pinned keys", shown(.0))]
    UnknownKey(String),
    /// The signature is not the key's.
    #[error("has a wrong signature: it was changed, or the key is another one")]
    Signature,
    /// The signature is right, and the content is not a policy of this version.
    #[error("is not valid for this version of Claviger: {}", shown(.0))]
    Payload(String),
}

/// The parts of a text.
struct Parts<'t> {
    key_id: String,
    /// The header and the payload, as they are signed.
    signed: &'t str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// A header with a member twice is an error.
#[derive(Deserialize)]
struct Known {
    #[serde(default, rename = "alg")]
    _algorithm: Value,
    #[serde(default, rename = "typ")]
    _type: Value,
    #[serde(default, rename = "kid")]
    _key_id: Value,
}

impl SigningInput {
    /// What `key` signs for `payload`.
    #[must_use]
    pub(crate) fn new(key: &PolicyKey, payload: &[u8]) -> Self {
        let header = json!({ "alg": ALGORITHM, "kid": key_id(key), "typ": TYPE });
        let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
        let header = encode(header.to_string().as_bytes());
        Self(format!("{header}.{}", encode(payload)))
    }

    /// The bytes that are signed.
    #[must_use]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The signed policy.
    #[must_use]
    pub(crate) fn with_signature(&self, signature: &[u8]) -> String {
        format!("{}.{}", self.0, URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Verifies `text` with the pinned keys. White space at its end is not part of it.
///
/// # Errors
///
/// [`JwsError`]. Nothing of the content is looked at before the signature is verified.
pub(crate) fn verify(text: &[u8], keys: &[PolicyKey]) -> Result<SignedPolicy, JwsError> {
    let text = checked_text(text)?;
    let parts = Parts::of(text)?;
    let key = keys.iter().find(|key| key_id(key) == parts.key_id);
    let key = key.ok_or_else(|| JwsError::UnknownKey(parts.key_id.clone()))?;
    if !is_signed_by(key, parts.signed.as_bytes(), &parts.signature) {
        return Err(JwsError::Signature);
    }
    parts.into_policy(text)
}

/// Reads `text` without a look at its signature: for a user who has it and wants to see it.
///
/// # Errors
///
/// [`JwsError`].
pub(crate) fn decode_unverified(text: &[u8]) -> Result<SignedPolicy, JwsError> {
    let text = checked_text(text)?;
    Parts::of(text)?.into_policy(text)
}

fn checked_text(text: &[u8]) -> Result<&str, JwsError> {
    let text = text.trim_ascii_end();
    if text.len() > MAX_LEN {
        return Err(JwsError::TooLarge);
    }
    if text.starts_with(b"{") {
        return Err(JwsError::Json);
    }
    std::str::from_utf8(text).map_err(|_| JwsError::NotCompact)
}

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> Result<Self, JwsError> {
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part);
        let parts: Vec<_> = text.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else {
            return Err(JwsError::NotCompact);
        };
        let decoded = (decode(header), decode(payload), decode(signature));
        let (Ok(header_json), Ok(payload_json), Ok(signature_bytes)) = decoded else {
            return Err(JwsError::NotCompact);
        };
        let key_id = check_header(&header_json)?;
        Ok(Self {
            key_id,
            signed: &text[..header.len() + 1 + payload.len()],
            payload: payload_json,
            signature: signature_bytes,
        })
    }

    fn into_policy(self, text: &str) -> Result<SignedPolicy, JwsError> {
        let (document, issued_at) = payload::parse(&self.payload).map_err(JwsError::Payload)?;
        Ok(SignedPolicy {
            text: text.to_owned(),
            key_id: self.key_id,
            issued_at,
            document,
        })
    }
}

/// Checks the members of the header; returns `kid`.
fn check_header(header: &[u8]) -> Result<String, JwsError> {
    // A map would take the last of two members with one name.
    let _: Known = serde_json::from_slice(header).map_err(|_| JwsError::Header)?;
    let header: Map<String, Value> =
        serde_json::from_slice(header).map_err(|_| JwsError::Header)?;
    let known = |name: &&String| !["alg", "typ", "kid"].contains(&name.as_str());
    if let Some(other) = header.keys().find(known) {
        return Err(JwsError::HeaderMember(other.clone()));
    }
    let text = |name: &str| header.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("alg") != ALGORITHM {
        return Err(JwsError::Algorithm(text("alg").to_owned()));
    }
    if text("typ") != TYPE {
        return Err(JwsError::Type(text("typ").to_owned()));
    }
    Ok(text("kid").to_owned())
}

/// A text of a policy for a message: one line of a bounded length. Until the signature is verified
/// the text can be that of any server.
fn shown(text: &str) -> String {
    const MAX: usize = 250;
    let text = visible_json(text);
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
#[path = "tests/jws.rs"]
pub(crate) mod tests;
