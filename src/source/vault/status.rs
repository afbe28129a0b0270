//! The meaning of a failed request: which [`SourceError`] each status stands for.
//!
//! See <https://developer.hashicorp.com/vault/api-docs#http-status-codes>.

use super::{
    error::RequestError,
    response::{ErrorResponse, MalformedResponse},
};
use crate::source::SourceError;

/// The error of a failed read of `path`. A failed login has its own, in `auth`.
pub(super) fn read_error(host: &str, path: &str, error: RequestError) -> SourceError {
    let response = match refusal(host, error) {
        Ok(response) => response,
        Err(error) => return error,
    };
    let host = host.to_owned();
    let path = path.to_owned();
    match response.status {
        404 => SourceError::Missing {
            host,
            path,
            reason: match response.deleted {
                Some(version) => version.missing_reason(),
                None if response.reason.is_empty() => response.status.to_string(),
                None => format!("{}: {}", response.status, response.reason),
            },
        },
        405 => SourceError::Configuration {
            reason: format!(
                "'{path}' on '{host}' cannot be read: {}",
                response.reason_or("unsupported operation")
            ),
            hint: "check 'path' and 'kv'".to_owned(),
        },
        _ => SourceError::Denied {
            host,
            path,
            reason: response.reason_or("permission denied"),
        },
    }
}

/// Separates the errors that depend on the request from those that mean the same for every request.
///
/// Returns Vault's own 4xx response (400, 403, 404, …), which the caller interprets.
///
/// # Errors
///
/// The [`SourceError`] of anything else: no response, a temporary refusal, a body that is not
/// Vault's.
pub(super) fn refusal(host: &str, error: RequestError) -> Result<ErrorResponse, SourceError> {
    let host = host.to_owned();
    let response = match error {
        RequestError::NoResponse(error) => return Err(SourceError::Unreachable { host, error }),
        RequestError::Malformed(error) => return Err(malformed(&host, &error)),
        RequestError::NotSent(error) => return Err(error),
        RequestError::Redirected { to, reason } => {
            return Err(SourceError::Redirected { host, to, reason });
        }
        RequestError::WebPage(status) => {
            let reason = format!("a web page (status {status}), not JSON");
            return Err(SourceError::WebPage { host, reason });
        }
        RequestError::Status(response) => response,
    };
    let Some(reason) = unavailable(&response) else {
        if response.is_vaults && (400..500).contains(&response.status) {
            return Ok(response);
        }
        let reason = format!("status {} without a Vault error", response.status);
        return Err(SourceError::Malformed { host, reason });
    };
    Err(SourceError::Unavailable {
        host,
        reason,
        retry_after: response.retry_after,
    })
}

/// The error of a response that is not Vault's.
pub(super) fn malformed(host: &str, error: &MalformedResponse) -> SourceError {
    SourceError::Malformed {
        host: host.to_owned(),
        reason: error.to_string(),
    }
}

/// The end of a sentence about the host if `response` is a temporary refusal. A load balancer in
/// front of Vault sends some of these with a body that is not Vault's.
fn unavailable(response: &ErrorResponse) -> Option<String> {
    let lower = response.reason.to_lowercase();
    let default = match response.status {
        503 if lower.contains("sealed") => return Some("is sealed (503)".to_owned()),
        429 if lower.contains("standby") => return Some("is a standby (429)".to_owned()),
        // 473: a performance standby; 472: a disaster recovery secondary.
        472 | 473 => return Some(format!("is a standby ({})", response.status)),
        429 => "too many requests",
        412 => "replication is behind the leader",
        408 => "request timed out",
        500 if response.is_vaults => "internal error",
        502 => "bad gateway",
        503 => "service unavailable",
        504 => "gateway timeout",
        _ => return None,
    };
    Some(format!(
        "is temporarily unavailable: {}",
        response.reason_or(default)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::RequestSecrets;

    fn read(status: u16, body: &str) -> SourceError {
        let response = ErrorResponse::new(status, body.as_bytes(), &RequestSecrets::default());
        read_error("v:8200", "kv/team", RequestError::Status(response))
    }

    /// Bodies as OpenBao 2.7 sends them.
    #[test]
    fn every_status_has_its_message() {
        let deleted = |destroyed: bool| {
            format!(
                r#"{{"request_id":"1","lease_id":"","renewable":false,"lease_duration":0,"data":{{"data":null,
                "metadata":{{"created_time":"2026-01-01T00:00:00Z","custom_metadata":null,
                "deletion_time":"2026-01-02T00:00:00Z","destroyed":{destroyed},"version":3}}}},"warnings":null}}"#
            )
        };
        let denied = r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#;
        let quota = r#"{"errors":["request path \"kv/data/x\": rate limit quota exceeded"]}"#;
        let table: &[(u16, &str, &str)] = &[
            (
                403,
                denied,
                "'v:8200' denied access to 'kv/team': 1 error occurred: * permission denied (403)",
            ),
            (
                400,
                r#"{"errors":["bad role"]}"#,
                "'v:8200' denied access to 'kv/team': bad role (400)",
            ),
            (
                404,
                r#"{"errors":[]}"#,
                "no secret at 'kv/team' on 'v:8200' (404)",
            ),
            (
                404,
                &deleted(false),
                "no secret at 'kv/team' on 'v:8200' (version 3, the current version, was deleted)",
            ),
            (
                404,
                &deleted(true),
                "no secret at 'kv/team' on 'v:8200' (version 3, the current version, was destroyed)",
            ),
            (
                404,
                r#"{"errors":["no handler for route \"kv/x\". route entry not found."]}"#,
                "no secret at 'kv/team' on 'v:8200' (404: no handler for route \"kv/x\". route entry not found.)",
            ),
            (
                405,
                r#"{"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}"#,
                "'kv/team' on 'v:8200' cannot be read: 1 error occurred: * unsupported operation (405)",
            ),
            (
                412,
                r#"{"errors":["required index state not present"]}"#,
                "'v:8200' is temporarily unavailable: required index state not present (412)",
            ),
            (
                429,
                quota,
                "'v:8200' is temporarily unavailable: request path \"kv/data/x\": rate limit quota exceeded (429)",
            ),
            (
                429,
                r#"{"errors":["node is in standby"]}"#,
                "'v:8200' is a standby (429)",
            ),
            (473, "", "'v:8200' is a standby (473)"),
            (
                500,
                r#"{"errors":["internal error"]}"#,
                "'v:8200' is temporarily unavailable: internal error (500)",
            ),
            (
                502,
                "<html>Bad Gateway</html>",
                "'v:8200' is temporarily unavailable: bad gateway (502)",
            ),
            (
                503,
                r#"{"errors":["Vault is sealed"]}"#,
                "'v:8200' is sealed (503)",
            ),
            (
                503,
                "",
                "'v:8200' is temporarily unavailable: service unavailable (503)",
            ),
            (
                403,
                "<html>Blocked</html>",
                "unexpected response from 'v:8200': status 403 without a Vault error",
            ),
            (
                500,
                "<html>Oops</html>",
                "unexpected response from 'v:8200': status 500 without a Vault error",
            ),
            (
                302,
                "",
                "unexpected response from 'v:8200': status 302 without a Vault error",
            ),
        ];
        for (status, body, message) in table {
            assert_eq!(read(*status, body).to_string(), *message, "{status} {body}");
        }
    }

    #[test]
    fn temporary_statuses_are_not_final() {
        for status in [412, 429, 472, 473, 500, 502, 503, 504] {
            assert!(!read(status, "").is_final(), "{status}");
        }
        for status in [400, 403, 404] {
            assert!(read(status, "").is_final(), "{status}");
        }
    }
}
