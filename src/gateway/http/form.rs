//! The form of a key.
//!
//! Gateways branch on the form before they check a key: one validates JWTs and looks up anything
//! else, another knows only keys with its own prefix. So the answer to a wrong key is comparable
//! with that to a real one only if both have the same form.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The prefixes of known families of keys. The longest that fits counts.
const FAMILIES: [&str; 12] = [
    "sk-",
    "sk-ant-",
    "sk-ant-api03-",
    "sk-ant-oat01-",
    "sk-bf-",
    "sk-or-v1-",
    "sk-proj-",
    "sk-svcacct-",
    "dapi",
    "ghp_",
    "github_pat_",
    "hf_",
];

/// The most parts, such as `pk-lf-`, of the prefix of an unknown family.
const MAX_PARTS: usize = 2;

/// The fewest and the most letters of such a part. Longer ones are parts of a pass phrase.
const PART: std::ops::RangeInclusive<usize> = 2..=6;

/// The fewest characters after the prefix of an unknown family: fewer are no key.
const MIN_RANDOM: usize = 12;

/// The form of a key. It has no `Debug`: the prefix of an unknown family is a part of the key.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// A JSON web token, signed or encrypted.
    Jwt,
    /// Random characters after this prefix.
    Prefixed(String),
    /// Anything else.
    Plain,
}

impl Form {
    /// The form of `key`.
    pub(super) fn of(key: &Secret) -> Self {
        let text = key.expose();
        if is_jwt(text) {
            return Self::Jwt;
        }
        match prefix(text) {
            "" => Self::Plain,
            prefix => Self::Prefixed(prefix.to_owned()),
        }
    }

    /// What the log shows.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Jwt => "JWT",
            Self::Prefixed(_) => "prefixed",
            Self::Plain => "plain",
        }
    }
}

/// The prefix of `key`; empty if it has none.
fn prefix(key: &str) -> &str {
    let known = FAMILIES
        .into_iter()
        .filter(|family| key.len() > family.len() && key.starts_with(family))
        .max_by_key(|family| family.len());
    let length = known.map_or_else(|| unknown_prefix(key), str::len);
    &key[..length]
}

/// The length of the prefix of a key of an unknown family: short parts of lower case letters, each
/// before `-` or `_`.
fn unknown_prefix(key: &str) -> usize {
    let mut length = 0;
    for _ in 0..MAX_PARTS {
        let rest = &key[length..];
        let letters = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_lowercase())
            .count();
        let is_part = PART.contains(&letters) && rest[letters..].starts_with(['-', '_']);
        if !is_part || rest.len() < letters + 1 + MIN_RANDOM {
            break;
        }
        length += letters + 1;
    }
    length
}

/// Whether `key` is a JWT: three parts if it is signed, five if it is encrypted.
fn is_jwt(key: &str) -> bool {
    let parts = key.split('.').count();
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !matches!(parts, 3 | 5) || !key.bytes().all(is_base64url) {
        return false;
    }
    let header = key.split('.').next().unwrap_or_default();
    let Ok(header) = URL_SAFE_NO_PAD.decode(header).map(Zeroizing::new) else {
        return false;
    };
    // Only the names of the members are copied.
    serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(&header)
        .is_ok_and(|members| members.contains_key("alg"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    pub(in super::super) fn jwt(signature: &[u8]) -> String {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (header, claims) = (br#"{"alg":"RS256","kid":"k1"}"#, br#"{"sub":"ada"}"#);
        format!(
            "{}.{}.{}",
            encode(header),
            encode(claims),
            encode(signature)
        )
    }

    #[test]
    fn the_longest_known_family_counts() {
        for (key, prefix) in [
            ("sk-good", "sk-"),
            ("sk-1", "sk-"),
            ("sk-team-blue-1234567890123456", "sk-"),
            ("sk-bf-0d3c-11", "sk-bf-"),
            ("sk-ant-abc", "sk-ant-"),
            ("sk-ant-api03-x_y-z", "sk-ant-api03-"),
            ("sk-ant-oat01-Ab1", "sk-ant-oat01-"),
            ("dapi0123456789abcdef", "dapi"),
            ("xai-1234567890abcdef", "xai-"),
            ("pk-lf-7f1e0c9a-4f3d-4a53", "pk-lf-"),
            ("gsk_A1b2C3d4E5f6G7h8", "gsk_"),
        ] {
            let is_prefix = Form::of(&secret(key)) == Form::Prefixed(prefix.to_owned());
            assert!(is_prefix, "{key}: expected {prefix}");
        }
    }

    #[test]
    fn a_key_without_a_prefix_is_plain() {
        for key in [
            "",
            "sk-",
            "key-1",
            "---",
            "a-1234567890abcdef",
            "correct-horse-battery-staple",
            "550e8400-e29b-41d4-a716-446655440000",
            "AB-1234567890abcdef",
            "a.b.c",
            "1.2.3.4.5",
            "sché-1234567890abcdef",
        ] {
            assert!(Form::of(&secret(key)) == Form::Plain, "{key}");
        }
    }

    #[test]
    fn a_token_with_a_json_header_is_a_jwt() {
        let header = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let encrypted = format!("{}.a.b.c.d", header(r#"{"alg":"dir","enc":"A256GCM"}"#));
        for key in [jwt(&[7; 256]), jwt(&[]), encrypted] {
            assert!(Form::of(&secret(&key)) == Form::Jwt, "{key}");
        }
        for (json, parts) in [
            (r#"{"typ":"JWT"}"#, ".a.b"),
            (r#"["alg"]"#, ".a.b"),
            ("not JSON", ".a.b"),
            (r#"{"alg":"none"}"#, ".a"),
            (r#"{"alg":"none"}"#, ".a.b/c"),
        ] {
            let key = format!("{}{parts}", header(json));
            assert!(Form::of(&secret(&key)) == Form::Plain, "{key}");
        }
    }
}
