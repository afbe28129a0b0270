//! The meaning of a failed request: which [`SourceError`] each status stands for.
//!
//! See <https://developer.hashicorp.com/vault/api-docs#http-status-codes>.

use super::{
    error::RequestError, error_response::ErrorResponse, foreign::Author,
    response::MalformedResponse,
};
use crate::source::SourceError;

/// The error of a failed read of `path` with a token that is known to be valid, so that 403 is due
/// to its policies. A failed login has its own, in `auth`.
pub(super) fn read_error(host: &str, path: &str, error: RequestError) -> SourceError {
    let response = match refusal(host, error) {
        Ok(response) => response,
        Err(error) => return error,
    };
    let host = host.to_owned();
    let path = path.to_owned();
    match response.status {
        403 => SourceError::Denied {
            host,
            path,
            reason: response.reason_or("permission denied"),
        },
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
        _ => failed(&host, &path, &response),
    }
}

/// The error of a refusal that is no answer to the request for `path`: Vault reports with 400 what
/// is wrong with itself, too ("cannot write to readonly storage", an upgrade of the engine).
pub(super) fn failed(host: &str, path: &str, response: &ErrorResponse) -> SourceError {
    SourceError::Failed {
        host: host.to_owned(),
        path: path.to_owned(),
        reason: response.reason_or("no reason given"),
    }
}

/// Separates the errors that depend on the request from those that mean the same for every request.
///
/// Returns Vault's own 4xx response (400, 403, 404, …), which the caller interprets.
///
/// # Errors
///
/// The [`SourceError`] of anything else, none of which is final: no response, a temporary refusal,
/// the response of another program.
pub(super) fn refusal(host: &str, error: RequestError) -> Result<ErrorResponse, SourceError> {
    let host = host.to_owned();
    let response = match error {
        RequestError::NoResponse(error) => return Err(SourceError::Unreachable { host, error }),
        RequestError::Malformed(error) => return Err(malformed(&host, &error)),
        RequestError::NotSent(error) => return Err(error),
        RequestError::Redirected { to, reason } => {
            return Err(SourceError::Redirected { host, to, reason });
        }
        RequestError::WebPage(response) => {
            let reason = format!(
                "a web page ({}), not JSON",
                status_and_name(&response, "status ")
            );
            return Err(SourceError::WebPage { host, reason });
        }
        RequestError::Status(response) => response,
    };
    if let Some(reason) = unavailable(&response) {
        return Err(SourceError::Unavailable {
            host,
            reason,
            retry_after: response.retry_after,
        });
    }
    let reason = match &response.foreign {
        None if (400..500).contains(&response.status) => return Ok(response),
        None => format!("status {}", response.status),
        Some(author) => foreign(response.status, author),
    };
    Err(SourceError::Malformed { host, reason })
}

/// The error of a response that is not Vault's.
pub(super) fn malformed(host: &str, error: &MalformedResponse) -> SourceError {
    SourceError::Malformed {
        host: host.to_owned(),
        reason: error.to_string(),
    }
}

/// What the response of another program is, and which program it is.
fn foreign(status: u16, author: &Author) -> String {
    let details = author.details();
    match status {
        407 => format!("status 407: a proxy in front of it demands authorization{details}"),
        _ => format!("status {status} that is not Vault's{details}"),
    }
}

/// The status, with the name of the program if that is not Vault: `502, server 'nginx'`.
fn status_and_name(response: &ErrorResponse, before: &str) -> String {
    let status = format!("{before}{}", response.status);
    match response.foreign.as_ref().and_then(|author| author.name()) {
        Some(name) => format!("{status}, {name}"),
        None => status,
    }
}

/// The end of a sentence about the host if `response` is a temporary refusal. A load balancer in
/// front of Vault sends some of these with a body that is not Vault's.
fn unavailable(response: &ErrorResponse) -> Option<String> {
    let lower = response.reason.to_lowercase();
    let is_vaults = response.is_vaults();
    let default = match response.status {
        503 if lower.contains("sealed") => return Some("is sealed (503)".to_owned()),
        429 if lower.contains("standby") => return Some("is a standby (429)".to_owned()),
        // 473: a performance standby; 472: a disaster recovery secondary.
        472 | 473 => return Some(format!("is a standby ({})", response.status)),
        429 => "too many requests",
        412 if is_vaults => "replication is behind the leader",
        408 => "request timed out",
        502 => "bad gateway",
        503 => "service unavailable",
        504 => "gateway timeout",
        500.. if is_vaults => "internal error",
        _ => return None,
    };
    let reason = match response.reason.as_str() {
        "" => default,
        reason => reason,
    };
    let status = status_and_name(response, "");
    Some(format!("is temporarily unavailable: {reason} ({status})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{network::RequestSecrets, source::vault::foreign::AuthorHeaders};

    fn read(status: u16, body: &str) -> SourceError {
        read_from("", status, body)
    }

    fn read_from(server: &str, status: u16, body: &str) -> SourceError {
        let headers = AuthorHeaders::new("", server, "");
        let secrets = RequestSecrets::default();
        let response = ErrorResponse::new(status, body.as_bytes(), &headers, &secrets);
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
                "'v:8200' cannot read 'kv/team' for now: bad role (400)",
            ),
            (
                400,
                r#"{"errors":["cannot write to readonly storage"]}"#,
                "'v:8200' cannot read 'kv/team' for now: cannot write to readonly storage (400)",
            ),
            (
                400,
                r#"{"errors":[]}"#,
                "'v:8200' cannot read 'kv/team' for now: no reason given (400)",
            ),
            (
                422,
                r#"{"errors":["unprocessable"]}"#,
                "'v:8200' cannot read 'kv/team' for now: unprocessable (422)",
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
                507,
                r#"{"errors":["out of space"]}"#,
                "'v:8200' is temporarily unavailable: out of space (507)",
            ),
        ];
        for (status, body, message) in table {
            assert_eq!(read(*status, body).to_string(), *message, "{status} {body}");
        }
    }

    /// What is in front of Vault, with the name that it gives itself.
    #[test]
    fn another_programs_response_names_it() {
        for (server, status, body, message) in [
            (
                "",
                403,
                r#"{"message":"Forbidden"}"#,
                "unexpected response from 'v:8200': status 403 that is not Vault's ('Forbidden')",
            ),
            (
                "kong/3.6",
                404,
                r#"{"message":"no Route matched with those values"}"#,
                "unexpected response from 'v:8200': status 404 that is not Vault's \
                 ('no Route matched with those values', server 'kong/3.6')",
            ),
            (
                "awselb/2.0",
                403,
                "",
                "unexpected response from 'v:8200': status 403 that is not Vault's \
                 (no body, server 'awselb/2.0')",
            ),
            (
                "",
                403,
                "<html>Blocked</html>",
                "unexpected response from 'v:8200': status 403 that is not Vault's",
            ),
            (
                "squid/6.6",
                407,
                "",
                "unexpected response from 'v:8200': status 407: a proxy in front of it demands \
                 authorization (no body, server 'squid/6.6')",
            ),
            (
                "nginx",
                500,
                "<html>Oops</html>",
                "unexpected response from 'v:8200': status 500 that is not Vault's (server 'nginx')",
            ),
            (
                "nginx",
                502,
                "<html>Bad Gateway</html>",
                "'v:8200' is temporarily unavailable: bad gateway (502, server 'nginx')",
            ),
            (
                "cloudflare",
                429,
                "",
                "'v:8200' is temporarily unavailable: too many requests (429, server 'cloudflare')",
            ),
            (
                "",
                302,
                "",
                "unexpected response from 'v:8200': status 302 that is not Vault's (no body)",
            ),
        ] {
            let error = read_from(server, status, body);
            assert_eq!(error.to_string(), message);
            assert!(!error.is_final(), "{message}");
        }
    }

    #[test]
    fn a_web_page_names_its_server() {
        let headers = AuthorHeaders::new("text/html", "nginx", "");
        let page = ErrorResponse::new(403, b"<html>x</html>", &headers, &RequestSecrets::default());
        let error = read_error("v:8200", "kv/team", RequestError::WebPage(page));
        assert_eq!(
            error.to_string(),
            "unexpected response from 'v:8200': a web page (status 403, server 'nginx'), not JSON"
        );
        assert!(!error.is_final());
    }

    #[test]
    fn only_vaults_own_403_and_404_are_final() {
        for status in 300..600 {
            let vaults = read(status, r#"{"errors":["permission denied"]}"#).is_final();
            assert_eq!(vaults, matches!(status, 403 | 404), "{status}");
            for body in ["", "{}", r#"{"message":"permission denied"}"#, "<html>"] {
                assert!(!read(status, body).is_final(), "{status} {body}");
            }
        }
    }
}
