//! The text that is printed on stdout.

use claviger_wire::{Failure, Format, Response, check_key, client};

/// Renders a credential in `format`, with a newline. The caller wipes the text.
///
/// # Errors
///
/// The daemon's failure; [`check_key`]'s for a key that clients reject; that for a response of any
/// other kind.
pub(crate) fn text(format: Format, response: Response) -> Result<Vec<u8>, Failure> {
    let (token, expires_at, expires_in) = match response {
        Response::Credential {
            token,
            expires_at,
            expires_in,
        } => (token, expires_at, expires_in),
        Response::Failure(failure) => return Err(failure),
        other => return Err(client::unexpected_response(&other)),
    };
    let key = token.expose();
    check_key(key)?;
    Ok(line(format, key, expires_at.as_deref(), expires_in))
}

fn line(format: Format, key: &[u8], expires_at: Option<&str>, expires_in: Option<u64>) -> Vec<u8> {
    // The longest possible line: growing would leave a copy of the key behind.
    let capacity = 4 * key.len() + 6 * expires_at.map_or(0, str::len) + 128;
    let mut line = Vec::with_capacity(capacity);
    match format {
        Format::Key => line.extend_from_slice(key),
        Format::Headers => push_headers(&mut line, key),
        Format::Json => {
            line.extend_from_slice(b"{\"token\":\"");
            push_escaped(&mut line, key);
            line.extend_from_slice(b"\",\"headers\":");
            push_headers(&mut line, key);
            line.extend_from_slice(b",\"expires_at\":");
            match expires_at {
                Some(time) => {
                    line.push(b'"');
                    push_escaped(&mut line, time.as_bytes());
                    line.push(b'"');
                }
                None => line.extend_from_slice(b"null"),
            }
            line.push(b'}');
        }
        Format::Oauth => {
            line.extend_from_slice(b"{\"access_token\":\"");
            push_escaped(&mut line, key);
            line.extend_from_slice(b"\",\"token_type\":\"Bearer\"");
            if let Some(seconds) = expires_in {
                line.extend_from_slice(format!(",\"expires_in\":{seconds}").as_bytes());
            }
            line.push(b'}');
        }
    }
    line.push(b'\n');
    debug_assert!(line.capacity() == capacity, "the line has grown");
    line
}

fn push_headers(line: &mut Vec<u8>, key: &[u8]) {
    line.extend_from_slice(b"{\"Authorization\":\"Bearer ");
    push_escaped(line, key);
    line.extend_from_slice(b"\"}");
}

/// Appends the content of a JSON string (RFC 8259, section 7). `text` is UTF-8.
fn push_escaped(line: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        match byte {
            b'"' | b'\\' => line.extend_from_slice(&[b'\\', byte]),
            0..=0x1f => line.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => line.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use claviger_wire::{ExitCode, MAX_KEY_LEN, Token};

    use super::*;

    fn printed(format: Format, key: &[u8], expires_at: Option<&str>) -> Result<String, Failure> {
        let expires_in = expires_at.map(|_| u64::MAX);
        printed_with(format, key, expires_at, expires_in)
    }

    fn printed_with(
        format: Format,
        key: &[u8],
        expires_at: Option<&str>,
        expires_in: Option<u64>,
    ) -> Result<String, Failure> {
        let credential = Response::Credential {
            token: Token::new(key.to_vec()),
            expires_at: expires_at.map(str::to_owned),
            expires_in,
        };
        Ok(String::from_utf8(text(format, credential)?).unwrap())
    }

    #[test]
    fn every_format_is_rendered() {
        let time = Some("2026-11-21T08:13:05Z");
        assert_eq!(printed(Format::Key, b"sk-1", time).unwrap(), "sk-1\n");
        assert_eq!(
            printed(Format::Headers, b"sk-1", time).unwrap(),
            "{\"Authorization\":\"Bearer sk-1\"}\n"
        );
        assert_eq!(
            printed(Format::Json, b"sk-1", time).unwrap(),
            "{\"token\":\"sk-1\",\"headers\":{\"Authorization\":\"Bearer sk-1\"},\
             \"expires_at\":\"2026-11-21T08:13:05Z\"}\n"
        );
        assert_eq!(
            printed(Format::Json, b"sk-1", None).unwrap(),
            "{\"token\":\"sk-1\",\"headers\":{\"Authorization\":\"Bearer sk-1\"},\"expires_at\":null}\n"
        );
    }

    #[test]
    fn a_token_response_contains_the_seconds_if_they_are_known() {
        let start = "{\"access_token\":\"sk-1\",\"token_type\":\"Bearer\"";
        let time = Some("2026-11-21T08:13:05Z");
        for (expires_at, expires_in, end) in [
            (time, Some(3_599), ",\"expires_in\":3599}\n"),
            (time, Some(0), ",\"expires_in\":0}\n"),
            // Of a key without an end, and of a daemon of an earlier version.
            (None, None, "}\n"),
            (time, None, "}\n"),
        ] {
            let printed = printed_with(Format::Oauth, b"sk-1", expires_at, expires_in).unwrap();
            assert_eq!(printed, format!("{start}{end}"));
        }
        let escaped = printed(Format::Oauth, br#"a"\b"#, None).unwrap();
        assert!(
            escaped.starts_with(r#"{"access_token":"a\"\\b","#),
            "{escaped}"
        );
    }

    #[test]
    fn json_is_escaped_and_keys_are_not() {
        assert_eq!(printed(Format::Key, br#"a"\b"#, None).unwrap(), "a\"\\b\n");
        assert_eq!(
            printed(Format::Json, br#"a"\b"#, Some("x\n\"é\u{1f}")).unwrap(),
            "{\"token\":\"a\\\"\\\\b\",\"headers\":{\"Authorization\":\"Bearer a\\\"\\\\b\"},\
             \"expires_at\":\"x\\u000a\\\"é\\u001f\"}\n"
        );
    }

    #[test]
    fn the_line_never_grows() {
        let key = vec![b'"'; MAX_KEY_LEN];
        for format in [Format::Key, Format::Headers, Format::Json, Format::Oauth] {
            assert!(printed(format, &key, Some(&"\u{1}".repeat(64))).is_ok());
        }
    }

    #[test]
    fn a_key_that_claude_code_rejects_is_an_error() {
        let long = vec![b'k'; MAX_KEY_LEN + 1];
        let rejected: [&[u8]; 8] = [
            b"",
            b"a b",
            b"a\nb",
            b"a\r",
            b"a\tb",
            b"a\0b",
            "é".as_bytes(),
            &long,
        ];
        for key in rejected {
            let failure = printed(Format::Key, key, None).unwrap_err();
            assert_eq!(failure.code, ExitCode::KeyUnusable);
            assert!(
                failure.message.starts_with("the source's key "),
                "{}",
                failure.message
            );
        }
        let all: Vec<u8> = (0x21..=0x7e).collect();
        assert!(printed(Format::Key, &all, None).is_ok());
    }
}
