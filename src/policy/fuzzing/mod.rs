//! The fuzz target of the central policy.
//!
//! The first byte of an input says what the rest is: `t` for a document in TOML, or two with the
//! line `---` between them; `p` for the payload of a policy, and `h` for a header in one line and a
//! payload, both of which are signed here; `k` for a public key in PEM. Any other input is a signed
//! policy, as a server sends it.

mod rules;

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    sync::LazyLock,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use self::rules::assert_strictest_counts;
use super::{
    Acceptance, JwsError, PolicyDocument, SignedPolicy, SigningInput, SigningKey, accept,
    acceptance::Refusal, decode_unverified, key_id, payload, public_key, verify,
};
use crate::{
    clock::Timestamp,
    config::{PolicyKey, TypedDocument, fuzzing::assert_located},
    hostile_input::assert_one_line,
};

/// What precedes the seed of an Ed25519 key in PKCS #8 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The key that signs the inputs.
static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let der = [&PKCS8_PREFIX[..], &[7; 32]].concat();
    let Some(key) = SigningKey::from_pkcs8(&der) else {
        unreachable!("every seed is a key");
    };
    key
});

/// A key that signs nothing.
const OTHER_KEY: PolicyKey = PolicyKey::new([9; 32]);

/// When the inputs are signed: not at a full second.
fn now() -> Timestamp {
    Timestamp::new(1_800_000_000, 500_000_000).unwrap_or(Timestamp::MAX)
}

/// A policy. Returns those that were accepted.
pub(crate) fn policy(data: &[u8]) -> Vec<SignedPolicy> {
    match data.split_first() {
        Some((b't', text)) => documents(text),
        Some((b'p', bytes)) => signed_bytes(&header(), bytes).into_iter().collect(),
        Some((b'h', bytes)) => {
            let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
            let (first, rest) = (parts.next(), parts.next());
            let policy = signed_bytes(first.unwrap_or_default(), rest.unwrap_or_default());
            policy.into_iter().collect()
        }
        Some((b'k', pem)) => {
            if let Some(key) = public_key(pem) {
                assert_eq!(key.to_string().parse(), Ok(key));
                assert_eq!(key_id(&key).len(), 43);
            }
            Vec::new()
        }
        _ => received(data).into_iter().collect(),
    }
}

/// One document, or two.
fn documents(text: &[u8]) -> Vec<SignedPolicy> {
    let Ok(text) = str::from_utf8(text) else {
        return Vec::new();
    };
    let (first, second) = text.split_once("\n---\n").unwrap_or((text, ""));
    let documents = [first, second].map(document);
    let signed: Vec<_> = documents
        .iter()
        .flatten()
        .filter_map(|document| {
            let signed = sign(&document.json, now())?;
            assert_eq!(signed.document, document.typed);
            Some(signed)
        })
        .collect();
    if let [first, second] = signed.as_slice() {
        assert_replaced_by_newer(first, second);
        assert_strictest_counts(&first.document, &second.document);
    }
    if let ([Some(document), _], [first, ..]) = (&documents, signed.as_slice()) {
        let counter = first.document.counter;
        for counter in [counter - 1, counter, counter + 1] {
            let mut json = document.json.clone();
            json["counter"] = counter.into();
            // At another time, so that the text is another one with the same counter, too.
            if let Ok(other) = signed_at(&json, Timestamp::UNIX_EPOCH) {
                assert_replaced_by_newer(first, &other);
                assert_replaced_by_newer(&other, first);
            }
        }
    }
    signed
}

fn document(text: &str) -> Option<TypedDocument<PolicyDocument>> {
    let file = Path::new("/policy.toml");
    let parsed = TypedDocument::parse(file, text, |document: &PolicyDocument| {
        document.mistakes(now())
    });
    match parsed {
        Ok(document) => Some(document),
        Err(error) => {
            assert_located(&error, text);
            None
        }
    }
}

/// The policy with `document`, which is valid, signed at `at`; `None` if it is too large.
#[track_caller]
fn sign(document: &Value, at: Timestamp) -> Option<SignedPolicy> {
    match signed_at(document, at) {
        Ok(policy) => Some(policy),
        Err(error) => {
            assert_eq!(error, JwsError::TooLarge, "{document}");
            None
        }
    }
}

fn signed_at(document: &Value, at: Timestamp) -> Result<SignedPolicy, JwsError> {
    let input = SigningInput::new(&KEY.public(), &payload(document, at));
    let text = input.with_signature(&KEY.sign(input.as_bytes()));
    let policy = verify(text.as_bytes(), &[OTHER_KEY, KEY.public()]);
    if let Ok(policy) = &policy {
        assert_eq!(policy.text, text);
        assert_eq!(policy.issued_at.as_second(), at.as_second());
    }
    policy
}

fn header() -> Vec<u8> {
    let header = serde_json::json!({
        "alg": "EdDSA",
        "kid": key_id(&KEY.public()),
        "typ": "claviger-policy+jwt",
    });
    header.to_string().into_bytes()
}

/// Any header and payload, with the signature of the key.
fn signed_bytes(header: &[u8], payload: &[u8]) -> Option<SignedPolicy> {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let input = format!("{}.{}", encode(header), encode(payload));
    let signature = KEY.sign(input.as_bytes());
    received(format!("{input}.{}", encode(&signature)).as_bytes())
}

/// A text that a server may send as a signed policy.
fn received(text: &[u8]) -> Option<SignedPolicy> {
    let read = decode_unverified(text);
    let policy = match verify(text, &[KEY.public()]) {
        Ok(policy) => policy,
        Err(error) => {
            let message = error.to_string();
            assert_one_line(&message);
            assert!(message.chars().count() <= 400, "{message}");
            let is_of_signature = matches!(error, JwsError::Signature | JwsError::UnknownKey(_));
            assert!(is_of_signature || read == Err(error), "{message}: {read:?}");
            return None;
        }
    };
    assert_eq!(read.as_ref(), Ok(&policy));
    assert_eq!(policy.text.as_bytes(), text.trim_ascii_end());
    assert_signed(&policy);
    assert_refused_if_changed(&policy);
    assert_as_in_toml(&policy);
    Some(policy)
}

/// Asserts that the text of `policy` is what the key signs, with the only header that there is.
#[track_caller]
fn assert_signed(policy: &SignedPolicy) {
    let parts: Vec<_> = policy.text.split('.').collect();
    let [header, _, signature] = parts.as_slice() else {
        unreachable!("a compact JWS has three parts: {}", policy.text);
    };
    let input = &policy.text[..policy.text.len() - signature.len() - 1];
    let by_key = URL_SAFE_NO_PAD.encode(KEY.sign(input.as_bytes()));
    assert_eq!(*signature, by_key);
    let decoded = URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
    let header_json = serde_json::from_slice::<Value>(&decoded);
    assert_eq!(
        header_json.ok(),
        serde_json::from_slice(&self::header()).ok()
    );
    assert_eq!(policy.key_id, key_id(&KEY.public()));
}

/// Asserts that no part of the text of `policy` can be changed, and that another key has not signed
/// it. The text itself says which part is changed here.
#[track_caller]
fn assert_refused_if_changed(policy: &SignedPolicy) {
    let text = policy.text.as_bytes();
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let [low, middle, high, flip, ..] = hasher.finish().to_le_bytes();
    let number = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    let at = number % text.len();
    let refused = |text: &[u8]| {
        let result = verify(text, &[KEY.public()]);
        assert!(result.is_err(), "{at}: {result:?}");
    };
    let mut changed = text.to_vec();
    changed[at] ^= flip.max(1);
    refused(&changed);
    refused(&text[..at]);
    refused(&text[at + 1..]);
    refused(&[text, b"A"].concat());
    refused(&[&text[..at], &text[at..=at], &text[at..]].concat());
    let unknown = JwsError::UnknownKey(policy.key_id.clone());
    assert_eq!(verify(text, &[OTHER_KEY]), Err(unknown));
}

/// Asserts that the payload of `policy`, which another program may have signed, is accepted in TOML
/// and signed by this program, too, and means the same.
#[track_caller]
fn assert_as_in_toml(policy: &SignedPolicy) {
    let part = policy.text.split('.').nth(1).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    let mut value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let mut json = value["policy"].take();
    assert!(json.is_object(), "{json}");
    if let Some(again) = sign(&json, policy.issued_at) {
        assert_eq!(again.document, policy.document);
    }
    without_null(&mut json);
    let text = toml::to_string(&json);
    assert!(text.is_ok(), "{text:?}: {json}");
    let file = Path::new("/policy.toml");
    let issued_at = policy.issued_at;
    let parsed = TypedDocument::parse(file, &text.unwrap_or_default(), |it: &PolicyDocument| {
        it.mistakes(issued_at)
    });
    assert!(parsed.is_ok(), "{parsed:?} in TOML, and not in {json}");
    let typed = parsed.map(|parsed| parsed.typed);
    assert_eq!(typed.as_ref(), Ok(&policy.document));
}

/// Removes members without a value, which TOML lacks.
fn without_null(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(without_null);
    }
}

/// Asserts that `new` replaces `last` if it is newer, and only then.
#[track_caller]
fn assert_replaced_by_newer(last: &SignedPolicy, new: &SignedPolicy) {
    let (before, counter) = (last.document.counter, new.document.counter);
    let result = accept(new, Some(last), 0);
    let expected = match new.text == last.text {
        true => Ok(Acceptance::Unchanged),
        false if counter == before => Err(Refusal::SameCounter { counter }),
        false if counter < before => Err(Refusal::Older {
            counter,
            last: before,
        }),
        false => Ok(Acceptance::Newer),
    };
    assert_eq!(result, expected);
    assert_eq!(accept(new, Some(last), counter), expected);
    assert!(accept(new, Some(last), counter + 1).is_err());
    assert_eq!(accept(new, None, counter), Ok(Acceptance::Newer));
    if let Err(refusal) = result {
        assert_one_line(&refusal.to_string());
    }
}
