//! Parses the standard output of a program.
//!
//! - the bare key, as most programs print it
//! - `{"token": …, "expires_at": …}`, for programs that are written for Claviger
//! - `{"access_token": …, "expires_in": …}`: an OAuth token response (RFC 6749, section 5.1)
//! - `{"accessToken": …, "expires_on": …}`: that of `az account get-access-token`
//! - `{"kind": "ExecCredential", "status": {"token": …, "expirationTimestamp": …}}`: that of a
//!   credential plugin of `kubectl`
//!
//! The expiry is optional in each, and every object may have any of them; the earliest counts.
//! Other fields are ignored, and so is `null`. Names are compared exactly. Times are those of
//! [`expiry`].

mod expiry;
#[cfg(feature = "test-util")]
pub(super) mod fuzzing;
mod value;

use std::time::Duration;

use serde::Deserialize;

use self::value::{FieldValue, Status};
use crate::{clock::Timestamp, credential::key_from_input, secret::Secret, source::SourceError};

/// A key, and its remaining lifetime if the program printed one.
#[derive(Debug)]
pub(super) struct ParsedOutput {
    pub(super) key: Secret,
    pub(super) lifetime: Option<Duration>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JsonOutput {
    token: FieldValue,
    access_token: FieldValue,
    #[serde(rename = "accessToken")]
    azure_token: FieldValue,
    expires_at: FieldValue,
    expires_in: FieldValue,
    expires_on: FieldValue,
    #[serde(rename = "expiresOn")]
    azure_expires_on: FieldValue,
    kind: FieldValue,
    status: FieldValue,
}

/// Parses a bare key or an object in one of the forms of the module's documentation; `now` is the
/// time before the program ran.
///
/// # Errors
///
/// - [`SourceError::BadOutput`] for output that starts with `{` and is another object
/// - [`SourceError::Unusable`] for a key that the client would refuse or that has expired, for two
///   different keys and for a time in another form
pub(super) fn parse(
    program: &str,
    stdout: &[u8],
    now: Timestamp,
) -> Result<ParsedOutput, SourceError> {
    let unusable = |(field, reason): (&str, String)| SourceError::Unusable {
        host: program.to_owned(),
        field: field.to_owned(),
        reason,
    };
    let bad_output = |position: &str| SourceError::BadOutput {
        program: program.to_owned(),
        reason: format!("expected a key or {{\"token\": \"…\", \"expires_at\": \"…\"}}{position}"),
    };
    // A byte order mark is not part of JSON.
    let stdout = stdout.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stdout);
    if !stdout.trim_ascii_start().starts_with(b"{") {
        let key = key_from_input(stdout).map_err(|e| unusable(("stdout", e.to_string())))?;
        return Ok(ParsedOutput {
            key,
            lifetime: None,
        });
    }
    // Only the position: serde's message quotes values.
    let object: JsonOutput = serde_json::from_slice(stdout)
        .map_err(|e| bad_output(&format!(" (line {}, column {})", e.line(), e.column())))?;
    let key = object
        .key()
        .map_err(unusable)?
        .ok_or_else(|| bad_output(""))?;
    let lifetime = object.lifetime(now).map_err(unusable)?;
    Ok(ParsedOutput { key, lifetime })
}

impl JsonOutput {
    /// The one key; `None` if no field has one.
    ///
    /// # Errors
    ///
    /// The field, and the end of a sentence about it.
    fn key(&self) -> Result<Option<Secret>, (&'static str, String)> {
        let status = self.exec_credential();
        let status = status.map_or(&FieldValue::Absent, |status| &status.token);
        let fields = [
            ("token", &self.token),
            ("access_token", &self.access_token),
            ("accessToken", &self.azure_token),
            ("status.token", status),
        ];
        let mut found: Option<(&'static str, Secret)> = None;
        for (field, value) in fields {
            let key = match value {
                FieldValue::Absent => continue,
                FieldValue::Text(text) => {
                    key_from_input(text.expose().as_bytes()).map_err(|e| (field, e.to_string()))?
                }
                other => return Err((field, format!("is {}, not a string", other.kind()))),
            };
            match &found {
                None => found = Some((field, key)),
                Some((first, other)) if *other != key => {
                    return Err((field, format!("is ambiguous: it differs from '{first}'")));
                }
                Some(_) => {}
            }
        }
        if found.is_none() && self.is_exec_credential() {
            return Err(("status.token", "is missing".to_owned()));
        }
        Ok(found.map(|(_, key)| key))
    }

    /// How long the key is valid from `now`; `None` if no field limits it.
    ///
    /// # Errors
    ///
    /// The field, and the end of a sentence about it.
    fn lifetime(&self, now: Timestamp) -> Result<Option<Duration>, (&'static str, String)> {
        let status = self.exec_credential();
        let status = status.map_or(&FieldValue::Absent, |status| &status.expiration_timestamp);
        let ends = [
            ("expires_at", &self.expires_at),
            ("expires_on", &self.expires_on),
            ("status.expirationTimestamp", status),
        ];
        let mut shortest = None;
        for (field, value) in ends {
            let left = expiry::until(value, now).map_err(|reason| (field, reason))?;
            shortest = earlier(shortest, left);
        }
        let left = expiry::within(&self.expires_in, now);
        shortest = earlier(shortest, left.map_err(|reason| ("expires_in", reason))?);
        // Local time without an offset, which is ambiguous. Newer versions print both.
        let only_local = matches!(self.expires_on, FieldValue::Absent)
            && !matches!(self.azure_expires_on, FieldValue::Absent);
        match shortest {
            None if only_local => Err((
                "expiresOn",
                "has no time zone; expected 'expires_on' beside it".to_owned(),
            )),
            shortest => Ok(shortest),
        }
    }

    fn is_exec_credential(&self) -> bool {
        matches!(&self.kind, FieldValue::Text(kind) if kind.expose() == "ExecCredential")
    }

    /// The field `status` if this is an `ExecCredential`.
    fn exec_credential(&self) -> Option<&Status> {
        match &self.status {
            FieldValue::Object(status) if self.is_exec_credential() => Some(status),
            _ => None,
        }
    }
}

/// The shorter one; `None` is without limit.
fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests;
