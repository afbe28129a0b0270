//! The fuzz target of the text that others wrote.

use super::{ForeignText, RequestSecrets, one_line};
use crate::hostile_input::{assert_shown, assert_silent, canary};

/// The text of a server, a proxy or a program.
pub fn foreign_text(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let line = one_line(&text);
    assert!(line.chars().count() <= 200, "{line:?}");
    assert!(!line.chars().any(char::is_control), "{line:?}");
    assert_eq!(one_line(&line), line);
    let secrets = RequestSecrets::from_iter([canary()]);
    let shown = ForeignText::new(text).clean(&secrets);
    assert_shown(&shown);
    // Neither does white space hide it, nor the simplest encoding.
    let visible: String = shown.split_whitespace().collect();
    assert_silent(&visible);
    assert_silent(&percent_decoded(&visible));
}

/// `text` with each `%` and two hex digits replaced by the byte that they stand for.
fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.and_then(|digits| {
            let digits = str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        decoded.push(byte.unwrap_or(*first));
        rest = &after[if byte.is_some() { 2 } else { 0 }..];
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
