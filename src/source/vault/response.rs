//! Vault's responses. See <https://developer.hashicorp.com/vault/api-docs#http-status-codes>.

use std::time::Duration;

use jiff::fmt::rfc2822;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    clock::Timestamp,
    network::{ForeignText, RequestSecrets},
    secret::Secret,
};

/// The frame of every successful response.
#[derive(Deserialize)]
pub(super) struct VaultResponse<T> {
    pub(super) data: Option<T>,
    pub(super) auth: Option<AuthResponse>,
    #[serde(default)]
    pub(super) lease_id: String,
    /// Seconds.
    #[serde(default)]
    pub(super) lease_duration: u64,
    #[serde(default)]
    pub(super) renewable: bool,
}

/// The part of a response that a login or a token's renewal fills in.
#[derive(Deserialize)]
pub(super) struct AuthResponse {
    pub(super) client_token: Secret,
    /// Seconds; 0 if the token does not expire.
    #[serde(default)]
    pub(super) lease_duration: u64,
    #[serde(default)]
    pub(super) renewable: bool,
}

/// The state of a version of a KV v2 secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct VersionMetadata {
    pub(super) version: u64,
    pub(super) destroyed: bool,
}

impl VersionMetadata {
    /// Why the current version has no data, as the `reason` of
    /// [`SourceError::Missing`](crate::source::SourceError::Missing).
    pub(super) fn missing_reason(self) -> String {
        let Self { version, destroyed } = self;
        let how = if destroyed { "destroyed" } else { "deleted" };
        format!("version {version}, the current version, was {how}")
    }
}

/// A response with a status other than success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorResponse {
    pub(super) status: u16,
    /// `errors`, else `warnings`, as one line; empty if the response contains neither.
    pub(super) reason: String,
    /// Whether Vault wrote the body: a JSON object, or nothing at all.
    pub(super) is_vaults: bool,
    /// The version that KV v2 reports with 404 if it was deleted or destroyed.
    pub(super) deleted: Option<VersionMetadata>,
    pub(super) retry_after: Option<Duration>,
}

/// A successful response whose body is not Vault's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct MalformedResponse(pub(super) String);

impl ErrorResponse {
    /// The response to a request that contained `secrets`: Vault's reason repeats none of them.
    pub(super) fn new(status: u16, body: &[u8], secrets: &RequestSecrets) -> Self {
        #[derive(Default, Deserialize)]
        struct ErrorBody {
            #[serde(default)]
            errors: Option<Vec<ForeignText>>,
            #[serde(default)]
            warnings: Option<Vec<ForeignText>>,
            #[serde(default)]
            data: Option<DeletedData>,
        }
        #[derive(Deserialize)]
        struct DeletedData {
            metadata: Option<VersionMetadata>,
        }
        let parsed = serde_json::from_slice::<ErrorBody>(body);
        let is_vaults = parsed.is_ok() || body.is_empty();
        let parsed = parsed.unwrap_or_default();
        let reasons = parsed
            .errors
            .filter(|errors| !errors.is_empty())
            .or(parsed.warnings);
        Self {
            status,
            reason: ForeignText::join(&reasons.unwrap_or_default()).clean(secrets),
            is_vaults,
            deleted: parsed.data.and_then(|data| data.metadata),
            retry_after: None,
        }
    }

    /// Whether this is Vault's 403 for a valid token whose policies do not allow the request. Its
    /// 403 for an invalid token (expired, revoked, used up) has the bare text, or, in newer
    /// versions, a second error.
    pub(super) fn denies_by_policy(&self) -> bool {
        self.status == 403 && self.reason.starts_with("1 error occurred:")
    }

    /// Vault's reason, or else `default`, followed by the status in parentheses.
    pub(super) fn reason_or(&self, default: &str) -> String {
        let reason = if self.reason.is_empty() {
            default
        } else {
            &self.reason
        };
        format!("{reason} ({})", self.status)
    }
}

/// Parses the body of a successful response.
///
/// # Errors
///
/// [`MalformedResponse`] if it is not JSON or not shaped like `T`; it quotes nothing of the body.
pub(super) fn parse<T: DeserializeOwned>(
    body: &[u8],
) -> Result<VaultResponse<T>, MalformedResponse> {
    // Only the position: serde's message quotes values.
    serde_json::from_slice(body).map_err(|e| {
        MalformedResponse(if body.trim_ascii_start().starts_with(b"{") {
            format!(
                "expected a Vault response, got other JSON (line {}, column {})",
                e.line(),
                e.column()
            )
        } else {
            "the response is not JSON; it may come from another program".to_owned()
        })
    })
}

/// Parses a `Retry-After` header: seconds, or a date (RFC 9110, section 5.6.7).
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "1994-11-06T08:49:07Z".parse().unwrap();
        let after = |value| retry_after(value, now);
        assert_eq!(after("30"), Some(Duration::from_secs(30)));
        assert_eq!(
            after("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(after("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
    }

    /// Bodies of OpenBao 2.7 and of Vault 1.18.
    #[test]
    fn an_invalid_token_and_a_missing_permission_differ() {
        for (body, by_policy) in [
            (
                r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#,
                true,
            ),
            (r#"{"errors":["permission denied"]}"#, false),
            (
                r#"{"errors":["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}"#,
                false,
            ),
            ("", false),
        ] {
            let response = ErrorResponse::new(403, body.as_bytes(), &RequestSecrets::default());
            assert_eq!(response.denies_by_policy(), by_policy, "{body}");
        }
    }

    #[test]
    fn an_unexpected_body_is_an_error_that_does_not_quote_it() {
        for body in ["<html>hunter2</html>", "{\"data\": \"hunter2\"}"] {
            let Err(error) = parse::<VersionMetadata>(body.as_bytes()) else {
                panic!("{body} was parsed");
            };
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }
}
