//! The encodings in which a program may repeat a secret: those that `src/network/foreign_text`
//! decodes, and what Rust's `Debug` makes of text and of bytes.

use std::fmt::Write as _;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// `secret` as it is and in every encoding, each once.
pub(super) fn of(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let mut all = vec![
        secret.to_owned(),
        hex(bytes, "", |byte| format!("{byte:02x}")),
        hex(bytes, "", |byte| format!("{byte:02X}")),
        percent(bytes, |byte| format!("%{byte:02X}")),
        percent(bytes, |byte| format!("%{byte:02x}")),
        // JSON, with and without an escape that some servers write.
        secret.replace('\\', r"\\").replace('"', "\\\""),
        secret
            .replace('\\', r"\\")
            .replace('"', "\\\"")
            .replace('/', r"\/"),
        secret
            .replace('"', "&quot;")
            .replace('\'', "&#39;")
            .replace('<', "&lt;"),
        // `Debug` of bytes.
        hex(bytes, ", ", |byte| byte.to_string()),
    ];
    for before in 0..3 {
        all.extend(base64(bytes, before));
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn hex(bytes: &[u8], between: &str, digits: impl Fn(u8) -> String) -> String {
    let all: Vec<_> = bytes.iter().copied().map(digits).collect();
    all.join(between)
}

fn percent(bytes: &[u8], escape: impl Fn(u8) -> String) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(*byte));
            }
            _ => text.write_str(&escape(*byte)).unwrap(),
        }
    }
    text
}

/// The digits of `bytes` in both alphabets, with `before` other bytes before them, such as a user's
/// name; without the digits that also depend on what is before and after.
fn base64(bytes: &[u8], before: usize) -> [String; 2] {
    let padded = [&vec![0; before], bytes].concat();
    let digits = (8 * before).div_ceil(6)..8 * padded.len() / 6;
    [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD]
        .map(|alphabet| alphabet.encode(&padded)[digits.clone()].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_these_encodings() {
        let all = of("hvs.4f+k/9=\"");
        for expected in [
            "hvs.4f+k/9=\"",
            "6876732e34662b6b2f393d22",
            "6876732E34662B6B2F393D22",
            "hvs.4f%2Bk%2F9%3D%22",
            "hvs.4f%2bk%2f9%3d%22",
            "hvs.4f+k/9=\\\"",
            "hvs.4f+k\\/9=\\\"",
            "hvs.4f+k/9=&quot;",
            "104, 118, 115, 46, 52, 102, 43, 107, 47, 57, 61, 34",
            // printf %s "$SECRET" | base64
            "aHZzLjRmK2svOT0i",
        ] {
            assert!(
                all.iter().any(|own| own == expected),
                "{expected}: {all:#?}"
            );
        }
    }

    #[test]
    fn base64_is_recognized_within_a_longer_text() {
        let secret = "hvs.CAESIJ-4f+k/9>?";
        for before in ["", "a", "ana", "ana:", "{\"key\":\""] {
            for after in ["", "\"", "\"}", "}}}"] {
                let text = format!("{before}{secret}{after}");
                for encoded in [STANDARD_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    let is_found = of(secret).iter().any(|own| encoded.contains(own));
                    assert!(is_found, "{text}");
                }
            }
        }
    }
}
