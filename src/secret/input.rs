//! From the bytes of an input to a secret: one rule for files, variables, the output of programs
//! and the fields of a server's response.
//!
//! A UTF-8 byte order mark at the start and white space at the ends, line breaks included, are not
//! part of a secret: editors, `echo` and shells add them. What is inside stays as it is. A key or
//! token that stands for "no value" is refused here, because a server would only report that it is
//! wrong.

use super::Secret;

/// U+FEFF, which Windows programs write at the start of UTF-8 text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The byte order marks of UTF-16.
const UTF_16_MARKS: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];

/// What programs print instead of a missing value, in any case. No issuer's key or token is one of
/// them.
const NO_VALUE: [&str; 8] = [
    "null",
    "undefined",
    "none",
    "nil",
    "<nil>",
    "(null)",
    "\"\"",
    "''",
];

/// Why an input is not a secret; `Display` continues "field 'x' …". It quotes nothing of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotASecret {
    /// Nothing, or white space alone.
    #[error("is empty")]
    Empty,
    /// One of [`NO_VALUE`].
    #[error("is {0}, which means that there is no value")]
    NoValue(&'static str),
    /// A description of the secret in its place.
    #[error("is a placeholder such as <KEY> or ${{KEY}}, not the value itself")]
    Placeholder,
    /// A value with its quotes, such as a JSON string.
    #[error("is in quotes; expected the value without them")]
    Quoted,
    /// Text with a byte order mark of UTF-16.
    #[error("is UTF-16 text; expected UTF-8")]
    Utf16,
    /// A NUL character, as in UTF-16 without a byte order mark, at this byte (from 1).
    #[error("contains a NUL character at byte {0}; expected UTF-8 text")]
    Nul(usize),
    /// Bytes that are not UTF-8, at this byte (from 1).
    #[error("is not UTF-8 text (at byte {0})")]
    NotUtf8(usize),
}

impl Secret {
    /// The secret in `input`, without a byte order mark and white space at its ends.
    ///
    /// It is for keys and tokens, which an issuer makes: a text that no issuer makes is refused.
    /// For a password, which can be any text, there is [`Secret::from_text`]. Whether the client
    /// accepts a key is checked by [`check_usable`](crate::credential::check_usable).
    ///
    /// # Errors
    ///
    /// [`NotASecret`]. A placeholder or a text for "no value" is one, too.
    pub(crate) fn from_input(input: &[u8]) -> Result<Self, NotASecret> {
        let text = stripped(input)?;
        check_value(text)?;
        Ok(Self::copy_of(text))
    }

    /// The text of `input`, without a byte order mark and white space at its ends.
    ///
    /// # Errors
    ///
    /// [`NotASecret`]: it is empty or not UTF-8 text.
    pub(crate) fn from_text(input: &[u8]) -> Result<Self, NotASecret> {
        stripped(input).map(Self::copy_of)
    }
}

/// Checks that `text` is not a placeholder, a text for "no value" or in quotes.
///
/// # Errors
///
/// [`NotASecret`].
pub(crate) fn check_value(text: &str) -> Result<(), NotASecret> {
    if let Some(word) = NO_VALUE.iter().find(|word| text.eq_ignore_ascii_case(word)) {
        return Err(NotASecret::NoValue(word));
    }
    let is_within = |start: &str, end: &str| {
        text.len() > start.len() && text.starts_with(start) && text.ends_with(end)
    };
    if is_within("<", ">") || is_within("${", "}") {
        return Err(NotASecret::Placeholder);
    }
    match is_within("\"", "\"") || is_within("'", "'") {
        true => Err(NotASecret::Quoted),
        false => Ok(()),
    }
}

/// The bytes of a signing key: those of text without a byte order mark and white space at its ends,
/// those of anything else unchanged.
///
/// Text is UTF-8 without control characters. The bytes of a random key are practically never text.
///
/// # Errors
///
/// [`NotASecret`]: it is empty, or text of another encoding.
pub(crate) fn key_bytes(input: &[u8]) -> Result<&[u8], NotASecret> {
    // More than the mark, with which a random key can start: in UTF-16 at least a quarter of an
    // ASCII text is zero, mark included.
    let zeros = input.iter().filter(|byte| **byte == 0).count();
    let is_utf_16 = has_utf_16_mark(input) && zeros * 4 >= input.len() && zeros > 0;
    if is_utf_16 {
        return Err(NotASecret::Utf16);
    }
    let is_binary = |c: char| c.is_control() && !c.is_whitespace();
    match stripped(input) {
        Ok(text) if !text.contains(is_binary) => Ok(text.as_bytes()),
        Err(NotASecret::Empty) => Err(NotASecret::Empty),
        _ => Ok(input),
    }
}

/// The text of `input` without its ends.
fn stripped(input: &[u8]) -> Result<&str, NotASecret> {
    if has_utf_16_mark(input) {
        return Err(NotASecret::Utf16);
    }
    let text =
        std::str::from_utf8(input).map_err(|error| NotASecret::NotUtf8(error.valid_up_to() + 1))?;
    if let Some(at) = text.find('\0') {
        return Err(NotASecret::Nul(at + 1));
    }
    let text = text
        .trim_start_matches(|c: char| c.is_whitespace() || c == BYTE_ORDER_MARK)
        .trim_end();
    match text.is_empty() {
        true => Err(NotASecret::Empty),
        false => Ok(text),
    }
}

/// Neither mark is valid UTF-8.
fn has_utf_16_mark(input: &[u8]) -> bool {
    UTF_16_MARKS.iter().any(|mark| input.starts_with(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(bytes: &[u8]) -> Result<String, NotASecret> {
        Secret::from_input(bytes).map(|secret| secret.expose().to_owned())
    }

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn the_ends_are_stripped_and_the_inside_is_kept() {
        for text in [
            "sk-1",
            "sk-1\n",
            "sk-1\r\n\r\n",
            " \tsk-1 ",
            "\u{feff}sk-1\n",
            "\n\u{feff}\u{feff} sk-1",
            "sk-1\u{a0}\u{3000}\u{2028}",
        ] {
            assert_eq!(input(text.as_bytes()).as_deref(), Ok("sk-1"), "{text:?}");
        }
        assert_eq!(input(b" a b\nc ").as_deref(), Ok("a b\nc"));
        for inside in [
            "null-1",
            "a<b>",
            "nullnull",
            "it's",
            "\"a\"b",
            "none of them",
            "<",
            "'",
        ] {
            assert_eq!(input(inside.as_bytes()).as_deref(), Ok(inside));
        }
    }

    #[test]
    fn what_means_no_value_is_refused() {
        for text in ["", "\n", " \t\r\n", "\u{feff}", "\u{feff}\r\n\u{a0}"] {
            assert_eq!(input(text.as_bytes()), Err(NotASecret::Empty), "{text:?}");
        }
        for (text, word) in [
            ("null", "null"),
            ("\u{feff}NULL\r\n", "null"),
            ("Undefined", "undefined"),
            (" None\n", "none"),
            ("nil", "nil"),
            ("<nil>", "<nil>"),
            ("(null)", "(null)"),
            ("\"\"\n", "\"\""),
            ("''", "''"),
        ] {
            let expected = Err(NotASecret::NoValue(word));
            assert_eq!(input(text.as_bytes()), expected, "{text:?}");
        }
        for text in ["<API_KEY>", "<your key here>", "${API_KEY}\n"] {
            let expected = Err(NotASecret::Placeholder);
            assert_eq!(input(text.as_bytes()), expected, "{text:?}");
        }
        for text in ["\"sk-1\"\n", "'sk-1'"] {
            assert_eq!(input(text.as_bytes()), Err(NotASecret::Quoted), "{text:?}");
        }
        // A password can be any text.
        for text in ["null", "\"sk-1\"", "<x>"] {
            assert_eq!(Secret::from_text(text.as_bytes()).unwrap().expose(), text);
        }
    }

    #[test]
    fn another_encoding_is_named() {
        for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            let with_mark = utf_16("\u{feff}sk-1\r\n", bytes);
            assert_eq!(input(&with_mark), Err(NotASecret::Utf16));
            assert!(matches!(
                input(&utf_16("sk-1", bytes)),
                Err(NotASecret::Nul(1 | 2))
            ));
        }
        assert_eq!(input(b"sk-\xe9"), Err(NotASecret::NotUtf8(4)));
        for error in [
            NotASecret::Utf16,
            NotASecret::Nul(2),
            NotASecret::NotUtf8(4),
        ] {
            assert!(error.to_string().contains("UTF-8"), "{error}");
        }
    }

    #[test]
    fn only_a_key_that_is_text_loses_its_ends() {
        for text in [
            "c2VjcmV0",
            "c2VjcmV0\n",
            "\u{feff}c2VjcmV0\r\n",
            " c2VjcmV0",
        ] {
            assert_eq!(key_bytes(text.as_bytes()), Ok(&b"c2VjcmV0"[..]), "{text:?}");
        }
        for binary in [
            &b"\xc3\x28\n"[..],
            b"\n\x00\x01\x02 ",
            b" \x07\x07\n",
            b"\xff\xfe\x01\x80\x7f\x90\n",
        ] {
            assert_eq!(key_bytes(binary), Ok(binary), "{binary:?}");
        }
        let utf_16 = utf_16("\u{feff}c2VjcmV0\r\n", u16::to_le_bytes);
        assert_eq!(key_bytes(&utf_16), Err(NotASecret::Utf16));
        assert_eq!(key_bytes(b"\n"), Err(NotASecret::Empty));
        assert_eq!(key_bytes(b""), Err(NotASecret::Empty));
    }
}
