//! A message without what differs from request to request.

use zeroize::Zeroizing;

use crate::secret::Secret;

/// The fewest characters in a row of a key that make a term a part of it, in the middle of the key;
/// at its ends [`MIN_END`] are enough. Shorter ones occur by chance.
const MIN_PART: usize = 6;

/// The fewest characters of a key's beginning or end that are recognized.
const MIN_END: usize = 4;

/// The fewest digits of a hexadecimal number without a decimal digit, such as `deadbeef`.
const MIN_HEX: usize = 8;

/// The text of `message` in lower case, without quotations, numbers and parts of `key`: what
/// remains is the same for every request that fails in this way.
pub(super) fn normalized(message: &str, key: &Secret) -> Zeroizing<String> {
    let is_of_term = |c: char| c.is_alphanumeric() || "-_.*…+/=".contains(c);
    let mut terms = Zeroizing::new(String::with_capacity(2 * message.len()));
    for text in unquoted(message) {
        for term in text.split(|c: char| !is_of_term(c)) {
            if !is_variable(term, key.expose()) {
                terms.push_str(&term.trim_matches(['.', '-', '/', '=']).to_lowercase());
                terms.push(' ');
            }
        }
    }
    terms
}

/// The parts of `text` outside of quotation marks. An apostrophe in `isn't` is none.
fn unquoted(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut from = 0;
    while let Some(open) = rest[from..].find(['\'', '"', '`']).map(|at| from + at) {
        let mark = &rest[open..=open];
        let closes = |at: &usize| !is_letter(rest[at + 1..].chars().next());
        let close = rest[open + 1..]
            .match_indices(mark)
            .map(|(at, _)| open + 1 + at)
            .find(closes);
        match close.filter(|_| !is_letter(rest[..open].chars().next_back())) {
            Some(close) => {
                parts.push(&rest[..open]);
                rest = &rest[close + 1..];
                from = 0;
            }
            None => from = open + 1,
        }
    }
    parts.push(rest);
    parts
}

/// Whether `term` differs from request to request: a number, an abbreviation or a part of `key`.
fn is_variable(term: &str, key: &str) -> bool {
    let is_hex = term.len() >= MIN_HEX && term.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_masked = term.contains(['*', '…']) || term.contains("..");
    let is_end = term.len() >= MIN_END && (key.starts_with(term) || key.ends_with(term));
    let is_part = |part: &[u8]| term.as_bytes().windows(MIN_PART).any(|of| of == part);
    term.is_empty()
        || term.contains(|c: char| c.is_ascii_digit())
        || is_hex
        || is_masked
        || is_end
        || key.as_bytes().windows(MIN_PART).any(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apostrophe_is_no_quotation_mark() {
        for (text, expected) in [
            ("it's the key's fault", vec!["it's the key's fault"]),
            ("a 'b' c", vec!["a ", " c"]),
            ("'a' \"b 'c'\" d", vec!["", " ", " d"]),
            ("an open 'quotation", vec!["an open 'quotation"]),
            ("['a', 'it's b']", vec!["[", ", ", "]"]),
            ("", vec![""]),
        ] {
            assert_eq!(unquoted(text), expected, "{text}");
        }
    }
}
