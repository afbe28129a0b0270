//! What is a signed policy, and what is not.

use std::{path::Path, sync::Arc};

use aws_lc_rs::hmac;
use proptest::prelude::*;

use super::{super::key::tests::key_of, *};
use crate::{
    config::TypedDocument,
    policy::{Accepted, PolicyState, SigningKey},
};

const POLICY: &str = "version = 1\ncounter = 42\n";

/// The key of these tests.
pub(crate) fn key() -> SigningKey {
    key_of(&[3; 32])
}

fn at() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// A policy that is signed with that key, as it is published.
pub(crate) fn text_of(toml: &str) -> String {
    text_of_at(toml, at())
}

fn text_of_at(toml: &str, now: Timestamp) -> String {
    let document = TypedDocument::<PolicyDocument>::parse(Path::new("p.toml"), toml, |document| {
        document.mistakes(now)
    });
    let payload = payload(&document.unwrap().json, now);
    let input = SigningInput::new(&key().public(), &payload);
    input.with_signature(&key().sign(input.as_bytes()))
}

/// A policy that is signed with the key of these tests.
pub(crate) fn signed(toml: &str) -> SignedPolicy {
    verify(text_of(toml).as_bytes(), &[key().public()]).unwrap()
}

/// The same, in force on a daemon that has just started.
pub(crate) fn accepted(toml: &str) -> Arc<Accepted> {
    use crate::clock::{Clock as _, ManualClock};

    let now = ManualClock::at(at()).now();
    let state = PolicyState::new(now, Some((signed(toml), now.wall)), 0);
    state.last().unwrap().0
}

fn refused(text: impl AsRef<[u8]>) -> JwsError {
    verify(text.as_ref(), &[key().public()]).unwrap_err()
}

fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

fn payload_part() -> String {
    text_of(POLICY).split('.').nth(1).unwrap().to_owned()
}

/// The policy with another header, signed as it stands.
fn with_header(header: &str) -> String {
    let input = format!("{}.{}", encode(header), payload_part());
    let signature = key().sign(input.as_bytes());
    format!("{input}.{}", encode(signature))
}

fn good_header() -> Value {
    json!({ "alg": "EdDSA", "kid": key_id(&key().public()), "typ": TYPE })
}

fn with(name: &str, value: Value) -> String {
    let mut header = good_header();
    header[name] = value;
    with_header(&header.to_string())
}

#[test]
fn what_is_signed_is_verified() {
    let text = text_of(POLICY);
    for text in [text.clone(), format!("{text}\n"), format!("{text}\r\n")] {
        let policy = verify(
            text.as_bytes(),
            &[key_of(&[9; 32]).public(), key().public()],
        );
        let policy = policy.unwrap();
        assert_eq!(policy.document.counter, 42);
        assert_eq!(policy.issued_at, at());
        assert_eq!(policy.key_id, key_id(&key().public()));
        assert_eq!(policy.text, text.trim_end());
        assert_eq!(decode_unverified(text.as_bytes()), Ok(policy));
    }
    // The header of these tests is the one of the program.
    assert!(
        verify(
            with_header(&good_header().to_string()).as_bytes(),
            &[key().public()]
        )
        .is_ok()
    );
}

/// A signature's time is in seconds.
#[test]
fn a_rotation_in_the_second_of_the_signature_is_not_in_the_future() {
    let rotation = "[rule.a]\nrotate_after = 2027-01-15T08:00:00.4Z\n";
    let now = Timestamp::new(at().as_second(), 500_000_000).unwrap();
    let text = text_of_at(&format!("{POLICY}{rotation}"), now);
    assert!(verify(text.as_bytes(), &[key().public()]).is_ok());
}

#[test]
fn only_one_algorithm_is_accepted() {
    for algorithm in [
        "none", "None", "HS256", "ES256", "RS256", "Ed25519", "eddsa", "",
    ] {
        let expected = JwsError::Algorithm(algorithm.to_owned());
        assert_eq!(refused(with("alg", json!(algorithm))), expected);
    }
    let none = format!("{}.{}.", encode(r#"{"alg":"none"}"#), payload_part());
    assert_eq!(refused(none), JwsError::Algorithm("none".to_owned()));
    assert_eq!(
        refused(with("alg", json!(["EdDSA"]))),
        JwsError::Algorithm(String::new())
    );
}

/// The public key is no secret, so that any process can make this signature.
#[test]
fn the_public_key_is_not_a_secret_of_an_hmac() {
    let mut header = good_header();
    header["alg"] = json!("HS256");
    let public = key().public();
    for secret in [public.as_bytes().to_vec(), public.to_string().into_bytes()] {
        let input = format!("{}.{}", encode(header.to_string()), payload_part());
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let tag = hmac::sign(&secret, input.as_bytes());
        let text = format!("{input}.{}", encode(tag));
        assert_eq!(refused(text), JwsError::Algorithm("HS256".to_owned()));
    }
}

#[test]
fn a_token_of_another_type_is_no_policy() {
    for kind in [
        "JWT",
        "at+jwt",
        "claviger-policy",
        "CLAVIGER-POLICY+JWT",
        "",
    ] {
        assert_eq!(
            refused(with("typ", json!(kind))),
            JwsError::Type(kind.to_owned())
        );
    }
}

#[test]
fn a_key_that_is_not_pinned_is_named() {
    let other = key_of(&[9; 32]).public();
    let unknown = JwsError::UnknownKey(key_id(&key().public()));
    assert_eq!(
        verify(text_of(POLICY).as_bytes(), &[other]).unwrap_err(),
        unknown
    );
    assert_eq!(
        verify(text_of(POLICY).as_bytes(), &[]).unwrap_err(),
        unknown
    );
    // The name of a pinned key does not make the signature that of the key.
    let text = with("kid", json!(key_id(&other)));
    assert_eq!(
        verify(text.as_bytes(), &[other]).unwrap_err(),
        JwsError::Signature
    );
    assert_eq!(
        refused(with("kid", Value::Null)),
        JwsError::UnknownKey(String::new())
    );
}

#[test]
fn an_extension_of_the_header_is_refused() {
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("jku", json!("https://attacker.example/keys")),
        ("jwk", json!({"kty": "OKP"})),
        ("x5c", json!([])),
        ("zip", json!("DEF")),
    ] {
        let expected = JwsError::HeaderMember(name.to_owned());
        assert_eq!(refused(with(name, value)), expected);
    }
}

#[test]
fn a_header_has_each_member_once() {
    let good = good_header().to_string();
    for header in [
        good.replacen('{', r#"{"alg":"none","#, 1),
        good.replacen('{', r#"{"kid":"x","#, 1),
        "[]".to_owned(),
        "EdDSA".to_owned(),
        String::new(),
    ] {
        assert_eq!(refused(with_header(&header)), JwsError::Header, "{header}");
    }
}

#[test]
fn another_serialization_is_refused() {
    let text = text_of(POLICY);
    let [header, payload, signature] = text.split('.').collect::<Vec<_>>()[..] else {
        panic!("{text}");
    };
    let json = json!({ "protected": header, "payload": payload, "signature": signature });
    assert_eq!(refused(json.to_string()), JwsError::Json);
    for other in [
        String::new(),
        format!("{header}.{payload}"),
        format!("{text}.{signature}"),
        format!("{text}="),
        format!("{text} {text}"),
        format!("{text}\n{text}"),
        format!(" {text}"),
        format!("\u{feff}{text}"),
        format!("{header}.{payload}.{}+", &signature[1..]),
        text.replace('.', ". "),
    ] {
        assert_eq!(refused(&other), JwsError::NotCompact, "{other:?}");
    }
    assert_eq!(refused(b"ey\xff.a.b"), JwsError::NotCompact);
}

#[test]
fn a_signature_of_another_length_is_refused() {
    let text = text_of(POLICY);
    let (input, signature) = text.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    for other in [&[][..], &signature[..63], &[&signature[..], b"x"].concat()] {
        let text = format!("{input}.{}", encode(other));
        assert_eq!(refused(text), JwsError::Signature);
    }
}

#[test]
fn the_size_is_limited() {
    let long = format!("{}.{}", text_of(POLICY), "A".repeat(MAX_LEN));
    assert_eq!(refused(&long), JwsError::TooLarge);
}

/// The content of a wrong signature is not looked at.
#[test]
fn the_content_counts_only_with_its_signature() {
    let header = encode(good_header().to_string());
    let input = format!("{header}.{}", encode("{}"));
    let wrong = format!("{input}.{}", encode([0; 64]));
    assert_eq!(refused(wrong), JwsError::Signature);
    let right = format!("{input}.{}", encode(key().sign(input.as_bytes())));
    let JwsError::Payload(reason) = refused(right) else {
        panic!("no error of the payload");
    };
    assert!(reason.contains("missing field"), "{reason}");
}

#[test]
fn each_error_has_its_own_message() {
    let x = || "x".to_owned();
    let errors = [
        JwsError::TooLarge,
        JwsError::Json,
        JwsError::NotCompact,
        JwsError::Header,
        JwsError::HeaderMember(x()),
        JwsError::Algorithm(x()),
        JwsError::Type(x()),
        JwsError::UnknownKey(x()),
        JwsError::Signature,
        JwsError::Payload(x()),
    ];
    let messages: std::collections::BTreeSet<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(messages.len(), errors.len());
}

/// Any server can send a header, and a signer in another language a payload.
#[test]
fn a_message_is_one_short_line() {
    let hostile = format!("a\n\u{1b}[2J\u{202e}{}", "x".repeat(1000));
    let sign = |payload: &Value| {
        let input = format!(
            "{}.{}",
            encode(good_header().to_string()),
            encode(payload.to_string())
        );
        format!("{input}.{}", encode(key().sign(input.as_bytes())))
    };
    let mut payload = json!({ "iat": 1, "policy": { "version": 1, "counter": 1 } });
    payload["policy"][&hostile] = json!(true);
    for text in [
        with("alg", json!(hostile)),
        with("typ", json!(hostile)),
        with("kid", json!(hostile)),
        with(&hostile, json!(1)),
        sign(&payload),
    ] {
        let message = refused(text).to_string();
        let is_plain = |c: char| !c.is_control() && c != '\u{202e}';
        assert!(message.chars().all(is_plain), "{message:?}");
        assert!(message.contains("a\\u000a\\u001b[2J"), "{message}");
        assert!(message.chars().count() < 350, "{message}");
    }
}

proptest! {
    #[test]
    fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let mut text = text_of(POLICY).into_bytes();
        let at = at.index(text.len());
        text[at] ^= flip;
        // White space at the end is not part of the text, and the last byte may become some.
        prop_assert!(verify(&text, &[key().public()]).is_err());
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "[A-Za-z0-9_.{}\":-]{0,80}") {
        prop_assert!(verify(&bytes, &[key().public()]).is_err());
        prop_assert!(decode_unverified(text.as_bytes()).is_err());
    }
}
