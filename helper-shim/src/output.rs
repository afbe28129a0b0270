//! The text that is printed on stdout.

use claviger_wire::{ExitCode, Failure, Format, MAX_KEY_LEN, Response, client};

/// Renders a credential in `format`, with a newline. The caller wipes the text.
///
/// # Errors
///
/// The daemon's failure; [`ExitCode::KeyUnusable`] for a key that Claude Code rejects;
/// [`ExitCode::DaemonUnavailable`] for any other response.
pub(crate) fn text(format: Format, response: Response) -> Result<Vec<u8>, Failure> {
    let (token, expires_at) = match response {
        Response::Credential { token, expires_at } => (token, expires_at),
        Response::Failure(failure) => return Err(failure),
        other => return Err(client::unexpected_response(&other)),
    };
    let key = token.expose();
    check(key)?;
    Ok(line(format, key, expires_at.as_deref()))
}

/// Checks the form that Claude Code accepts from a helper.
fn check(key: &[u8]) -> Result<(), Failure> {
    let problem = if key.is_empty() {
        "is empty".to_owned()
    } else if key.len() > MAX_KEY_LEN {
        format!("has more than {MAX_KEY_LEN} characters")
    } else if key.iter().any(u8::is_ascii_whitespace) {
        "contains whitespace".to_owned()
    } else if !key.iter().all(u8::is_ascii_graphic) {
        "is not printable ASCII".to_owned()
    } else {
        return Ok(());
    };
    Err(Failure::new(
        ExitCode::KeyUnusable,
        format!("the source's key {problem}"),
        "check which 'field' of the source the configuration names",
    ))
}

fn line(format: Format, key: &[u8], expires_at: Option<&str>) -> Vec<u8> {
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
    use claviger_wire::Token;

    use super::*;

    fn printed(format: Format, key: &[u8], expires_at: Option<&str>) -> Result<String, Failure> {
        let token = Token::new(key.to_vec());
        let expires_at = expires_at.map(str::to_owned);
        let text = text(format, Response::Credential { token, expires_at })?;
        Ok(String::from_utf8(text).unwrap())
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
        for format in [Format::Key, Format::Headers, Format::Json] {
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
