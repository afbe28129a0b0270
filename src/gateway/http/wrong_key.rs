//! A wrong key of the form of a real one, for the calibration.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::form::Form;
use crate::secret::Secret;

/// The bytes of a signature that a JWT without one gets: those of HS256.
const SIGNATURE_BYTES: usize = 32;

/// The fewest random characters. A wrong key with fewer could be another user's key; real keys are
/// longer.
const MIN_RANDOM: usize = 8;

/// Another key of the form of `key`: random characters of the same classes after the same prefix,
/// or the same header and claims with another signature. It has the length of `key` unless that is
/// too short or lacks a signature.
pub(super) fn wrong_key(key: &Secret) -> Secret {
    let text = key.expose();
    let end = match Form::of(key) {
        Form::Jwt => text.rfind('.').map_or(0, |dot| dot + 1),
        Form::Prefixed(prefix) => prefix.len(),
        Form::Plain => 0,
    };
    let (kept, replaced) = text.split_at(end);
    // `Secret::new` wipes it; it does not grow, which would leave a copy behind.
    let mut wrong = String::with_capacity(text.len() + 2 * SIGNATURE_BYTES);
    wrong.push_str(kept);
    let signature = match Form::of(key) {
        Form::Jwt => other_signature(replaced),
        _ => None,
    };
    let random = signature.unwrap_or_else(|| other_characters(replaced));
    wrong.push_str(&random);
    Secret::new(wrong)
}

/// Another signature of the length of `signature`. It is encoded as strictly as a real one, so that
/// the gateway checks it; `None` if `signature` is not.
fn other_signature(signature: &str) -> Option<Zeroizing<String>> {
    let old = Zeroizing::new(URL_SAFE_NO_PAD.decode(signature).ok()?);
    let length = if old.is_empty() {
        SIGNATURE_BYTES
    } else {
        old.len()
    };
    let mut new: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..))
        .take(length)
        .collect();
    if new == *old {
        new[0] ^= 1;
    }
    Some(Zeroizing::new(URL_SAFE_NO_PAD.encode(new)))
}

/// Other characters of the classes of those in `text`; digits and letters remain hexadecimal if all
/// are. Never `text` itself.
fn other_characters(text: &str) -> Zeroizing<String> {
    let is_hex = text
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || !byte.is_ascii_alphanumeric());
    let letters = if is_hex { 6 } else { 26 };
    let other = |c: char| match c {
        '0'..='9' => char::from(b'0' + fastrand::u8(..10)),
        'a'..='z' => char::from(b'a' + fastrand::u8(..letters)),
        'A'..='Z' => char::from(b'A' + fastrand::u8(..letters)),
        _ => c,
    };
    let mut others = Zeroizing::new(String::with_capacity(text.len() + MIN_RANDOM));
    // At the second attempt they differ: the first was a chance of at most one in 10^8.
    while others.is_empty() || *others == text {
        others.clear();
        others.extend(text.chars().map(other));
        let random = text.chars().filter(char::is_ascii_alphanumeric).count();
        let missing = MIN_RANDOM.saturating_sub(random);
        others.extend(std::iter::repeat_with(fastrand::lowercase).take(missing));
    }
    others
}

#[cfg(test)]
mod tests {
    use super::{
        super::form::tests::{jwt, secret},
        *,
    };

    /// The classes of the characters of a key.
    fn classes(key: &str) -> String {
        key.chars()
            .map(|c| match c {
                '0'..='9' => '0',
                'a'..='z' => 'a',
                'A'..='Z' => 'A',
                _ => c,
            })
            .collect()
    }

    #[test]
    fn a_wrong_key_has_the_form_of_the_real_one() {
        for key in [
            "sk-dG9wc2VjcmV0".to_owned(),
            "sk-ant-api03-Zx81_q-7Yp0".to_owned(),
            "sk-bf-0d3c11-55".to_owned(),
            "550E8400-E29B".to_owned(),
            "Pass phrase 9!".to_owned(),
            jwt(&[7; 256]),
            jwt(&[0; 64]),
        ] {
            for _ in 0..50 {
                let wrong = wrong_key(&secret(&key));
                let wrong = wrong.expose();
                assert_ne!(wrong, key);
                assert!(Form::of(&secret(wrong)) == Form::of(&secret(&key)));
                match key.contains('.') {
                    true => assert_eq!(wrong.len(), key.len()),
                    false => assert_eq!(classes(wrong), classes(&key)),
                }
            }
        }
    }

    #[test]
    fn a_wrong_jwt_differs_in_a_valid_signature_alone() {
        let key = jwt(&[7; 71]);
        let wrong = wrong_key(&secret(&key));
        let (unsigned, signature) = wrong.expose().rsplit_once('.').unwrap();
        assert!(key.starts_with(&format!("{unsigned}.")));
        assert_eq!(URL_SAFE_NO_PAD.decode(signature).unwrap().len(), 71);
        let unsigned = jwt(&[]);
        let wrong = wrong_key(&secret(&unsigned));
        assert!(wrong.expose().starts_with(&unsigned));
        assert_eq!(wrong.expose().len(), unsigned.len() + 43);
    }

    #[test]
    fn a_hexadecimal_key_stays_hexadecimal() {
        let key = secret("sk-0123456789abcdef0123456789abcdef");
        for _ in 0..50 {
            let wrong = wrong_key(&key);
            assert!(
                wrong.expose()[3..]
                    .bytes()
                    .all(|byte| byte.is_ascii_hexdigit())
            );
        }
    }

    #[test]
    fn there_is_a_wrong_key_for_any_text() {
        for text in ["", "-", "---", "sk--", "sk-1", "0", "é"] {
            let wrong = wrong_key(&secret(text));
            assert_ne!(wrong.expose(), text);
            let other = wrong_key(&secret(text));
            assert_ne!(wrong.expose(), other.expose(), "it cannot be guessed");
        }
    }
}
