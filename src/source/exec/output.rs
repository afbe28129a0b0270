//! Parses the standard output of a program.

use std::time::Duration;

use serde::Deserialize;

use crate::{clock::Timestamp, credential::check_usable, secret::Secret, source::SourceError};

/// A key, and its remaining lifetime if the program printed one.
#[derive(Debug)]
pub(super) struct ParsedOutput {
    pub(super) key: Secret,
    pub(super) lifetime: Option<Duration>,
}

#[derive(Deserialize)]
struct JsonOutput {
    token: Secret,
    #[serde(default)]
    expires_at: Option<String>,
}

/// Parses a bare key or the JSON object of the module's documentation; `now` is the time before
/// the program ran.
///
/// # Errors
///
/// - [`SourceError::Malformed`] for output that starts with `{` and is not the expected object
/// - [`SourceError::Unusable`] for a key that the client would refuse or that has expired
pub(super) fn parse(
    program: &str,
    stdout: &[u8],
    now: Timestamp,
) -> Result<ParsedOutput, SourceError> {
    let unusable = |field: &str, reason: String| SourceError::Unusable {
        host: program.to_owned(),
        field: field.to_owned(),
        reason,
    };
    if !stdout.trim_ascii_start().starts_with(b"{") {
        let text = std::str::from_utf8(stdout).map_err(|e| {
            unusable(
                "stdout",
                format!("is not UTF-8 at byte {}", e.valid_up_to() + 1),
            )
        })?;
        let key = Secret::trimmed(text.to_owned());
        check_usable(&key).map_err(|e| unusable("stdout", e.to_string()))?;
        return Ok(ParsedOutput {
            key,
            lifetime: None,
        });
    }
    // Only the position: serde's message quotes values.
    let object: JsonOutput = serde_json::from_slice(stdout).map_err(|e| SourceError::BadOutput {
        program: program.to_owned(),
        reason: format!(
            "expected a key or {{\"token\": \"…\", \"expires_at\": \"…\"}} (line {}, column {})",
            e.line(),
            e.column()
        ),
    })?;
    check_usable(&object.token).map_err(|e| unusable("token", e.to_string()))?;
    let lifetime = match object.expires_at {
        None => None,
        Some(text) => {
            let end: Timestamp = text.trim().parse().map_err(|_| {
                unusable("expires_at", "is not an RFC 3339 date and time".to_owned())
            })?;
            let left = Duration::try_from(end.duration_since(now)).unwrap_or(Duration::ZERO);
            if left.is_zero() {
                return Err(unusable("expires_at", format!("is in the past ({end})")));
            }
            Some(left)
        }
    };
    Ok(ParsedOutput {
        key: object.token,
        lifetime,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(stdout: &str) -> Result<ParsedOutput, SourceError> {
        parse(
            "/bin/x",
            stdout.as_bytes(),
            "2026-01-01T00:00:00Z".parse().unwrap(),
        )
    }

    #[test]
    fn a_bare_key() {
        let printed = parsed("\n sk-1\n").unwrap();
        assert_eq!(printed.key.expose(), "sk-1");
        assert_eq!(printed.lifetime, None);
    }

    #[test]
    fn an_object() {
        let printed =
            parsed(r#"{"token":"sk-1","expires_at":"2026-01-01T01:30:00+01:00","more":1}"#)
                .unwrap();
        assert_eq!(printed.lifetime, Some(Duration::from_secs(1800)));
        assert_eq!(parsed(r#" {"token":"sk-1"}"#).unwrap().lifetime, None);
    }

    #[test]
    fn an_invalid_field_is_named_and_its_value_hidden() {
        for (stdout, field) in [
            ("", "stdout"),
            ("sk-1 sk-2", "stdout"),
            (r#"{"token":""}"#, "token"),
            (
                r#"{"token":"sk","expires_at":"2025-12-31T23:59:59Z"}"#,
                "expires_at",
            ),
            (r#"{"token":"sk","expires_at":"tomorrow"}"#, "expires_at"),
        ] {
            match parsed(stdout).unwrap_err() {
                SourceError::Unusable { field: found, .. } => assert_eq!(found, field, "{stdout}"),
                other => panic!("{stdout}: {other:?}"),
            }
        }
        for stdout in [
            "{\"token\": \"hunter2\"",
            "{\"token\": 42}",
            "{\"tok\": \"hunter2\"}",
        ] {
            let error = parsed(stdout).unwrap_err();
            assert!(matches!(error, SourceError::BadOutput { .. }), "{error:?}");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }
}
