//! What is printed on stdout.

use claviger_wire::{Failure, Format, MAX_KEY_LEN, Response};

use crate::failure::{UNAVAILABLE, UNUSABLE, failure};

const RESTART: &str = "run claviger stop; the next call starts the daemon that is installed";

/// The line for a response: a credential in `format`, with its line feed. The caller wipes it.
///
/// # Errors
///
/// The daemon's failure; code 6 for a key that Claude Code would refuse; code 8 for any other response.
pub(crate) fn text(format: Format, response: Response) -> Result<Vec<u8>, Failure> {
    let unexpected = |message: String| failure(UNAVAILABLE, message, RESTART);
    let (token, expires_at) = match response {
        Response::Credential { token, expires_at } => (token, expires_at),
        Response::Failure(failure) => return Err(failure),
        Response::Unsupported { version } => {
            let what = "the daemon does not know this request";
            return Err(unexpected(format!("{what} (it speaks version {version})")));
        }
        Response::Unknown { kind } => {
            let what = "the daemon's answer is of an unknown kind";
            return Err(unexpected(format!("{what} ({kind})")));
        }
        Response::Report(_) | Response::Done => {
            return Err(unexpected("the daemon answers something else".to_owned()));
        }
    };
    let key = token.expose();
    check(key)?;
    Ok(line(format, key, expires_at.as_deref()))
}

/// What Claude Code takes from a helper, and nothing else.
fn check(key: &[u8]) -> Result<(), Failure> {
    let problem = if key.is_empty() {
        "is empty".to_owned()
    } else if key.len() > MAX_KEY_LEN {
        format!("has more than {MAX_KEY_LEN} characters")
    } else if key.iter().any(u8::is_ascii_whitespace) {
        "has white space in it".to_owned()
    } else if !key.iter().all(u8::is_ascii_graphic) {
        "is not printable ASCII".to_owned()
    } else {
        return Ok(());
    };
    Err(failure(
        UNUSABLE,
        format!("the source's key {problem}"),
        "see the source's \"field\" in the configuration; run claviger status",
    ))
}

fn line(format: Format, key: &[u8], expires_at: Option<&str>) -> Vec<u8> {
    // The longest that it can become, so that it does not grow and leave a copy of the key behind.
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

/// The inside of a JSON string (RFC 8259, section 7). `text` is UTF-8.
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
    fn there_are_three_formats() {
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
    fn what_claude_code_refuses_is_refused() {
        let long = vec![b'k'; MAX_KEY_LEN + 1];
        let refused: [&[u8]; 8] = [
            b"",
            b"a b",
            b"a\nb",
            b"a\r",
            b"a\tb",
            b"a\0b",
            "é".as_bytes(),
            &long,
        ];
        for key in refused {
            let failure = printed(Format::Key, key, None).unwrap_err();
            assert_eq!(failure.code, UNUSABLE);
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
