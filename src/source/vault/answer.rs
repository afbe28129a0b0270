//! What Vault's answers mean. See <https://developer.hashicorp.com/vault/api-docs#http-status-codes>.

use std::time::Duration;

use jiff::fmt::rfc2822;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    clock::Timestamp,
    secret::Secret,
    source::{SourceError, TransportError, sanitize},
};

/// Why a request has no result.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Failure {
    /// No answer.
    #[error("{0}")]
    NoAnswer(TransportError),
    /// A status other than success.
    #[error("status {}", .0.status)]
    Refused(Refusal),
    /// A redirect to another host, which was not followed.
    #[error("redirected to '{0}'")]
    Redirected(String),
    /// No answer of Vault's.
    #[error("{0}")]
    Malformed(String),
    /// Nothing was sent.
    #[error(transparent)]
    Ours(#[from] SourceError),
}

/// An answer that is not a success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// `errors`, or else `warnings`, as one line; empty where there is none.
    pub(super) reason: String,
    /// Whether the body is Vault's: a JSON object, or nothing at all.
    is_vaults: bool,
    /// KV v2's 404 for a version that was there.
    pub(super) gone: Option<Gone>,
    pub(super) retry_after: Option<Duration>,
}

/// A version of KV v2 that has no data any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Gone {
    pub(super) version: u64,
    pub(super) destroyed: bool,
}

impl Gone {
    /// As the end of a [`SourceError::Missing`].
    pub(super) fn said(self) -> String {
        let Self { version, destroyed } = self;
        let how = if destroyed { "destroyed" } else { "deleted" };
        format!("version {version}, the current version, was {how}")
    }
}

/// Every answer's frame.
#[derive(Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) data: Option<T>,
    pub(super) auth: Option<Auth>,
    #[serde(default)]
    pub(super) lease_id: String,
    /// Seconds.
    #[serde(default)]
    pub(super) lease_duration: u64,
    #[serde(default)]
    pub(super) renewable: bool,
}

/// What a login or a token's renewal answers with.
#[derive(Deserialize)]
pub(super) struct Auth {
    pub(super) client_token: Secret,
    /// Seconds; 0 is without an end.
    #[serde(default)]
    pub(super) lease_duration: u64,
    #[serde(default)]
    pub(super) renewable: bool,
}

/// Reads a success.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<Envelope<T>, Failure> {
    // The place only: serde's own message quotes values.
    serde_json::from_slice(body).map_err(|e| {
        Failure::Malformed(if starts_like_json(body) {
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

impl Refusal {
    pub(super) fn new(status: u16, body: &[u8]) -> Self {
        #[derive(Default, Deserialize)]
        struct Body {
            #[serde(default)]
            errors: Option<Vec<String>>,
            #[serde(default)]
            warnings: Option<Vec<String>>,
            #[serde(default)]
            data: Option<Data>,
        }
        #[derive(Deserialize)]
        struct Data {
            metadata: Option<Gone>,
        }
        let parsed = serde_json::from_slice::<Body>(body);
        let is_vaults = parsed.is_ok() || body.is_empty();
        let parsed = parsed.unwrap_or_default();
        let words = parsed
            .errors
            .filter(|errors| !errors.is_empty())
            .or(parsed.warnings);
        Self {
            status,
            reason: sanitize::one_line(&words.unwrap_or_default().join("; ")),
            is_vaults,
            gone: parsed.data.and_then(|data| data.metadata),
            retry_after: None,
        }
    }

    /// Vault's words, or `instead`, with the status.
    pub(super) fn words(&self, instead: &str) -> String {
        let reason = if self.reason.is_empty() {
            instead
        } else {
            &self.reason
        };
        format!("{reason} ({})", self.status)
    }
}

/// `Retry-After`: seconds, or a date of RFC 9110, section 5.6.7.
pub(super) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// What `failure` is where `path` was read. What a login makes of it is `auth`'s.
pub(super) fn on_read(host: &str, path: &str, failure: Failure) -> SourceError {
    let refusal = match common(host, failure) {
        Ok(refusal) => refusal,
        Err(error) => return error,
    };
    let host = host.to_owned();
    let path = path.to_owned();
    match refusal.status {
        404 => SourceError::Missing {
            host,
            path,
            reason: match refusal.gone {
                Some(gone) => gone.said(),
                None if refusal.reason.is_empty() => refusal.status.to_string(),
                None => format!("{}: {}", refusal.status, refusal.reason),
            },
        },
        405 => SourceError::Configuration {
            reason: format!(
                "'{path}' on '{host}' cannot be read: {}",
                refusal.words("unsupported operation")
            ),
            hint: "check 'path' and 'kv'".to_owned(),
        },
        _ => SourceError::Denied {
            host,
            path,
            reason: refusal.words("permission denied"),
        },
    }
}

/// What means the same whatever was asked; a refusal that does not is handed back: 400, 403, 404 and their like.
pub(super) fn common(host: &str, failure: Failure) -> Result<Refusal, SourceError> {
    let host = host.to_owned();
    let refusal = match failure {
        Failure::NoAnswer(error) => return Err(SourceError::Unreachable { host, error }),
        Failure::Malformed(reason) => return Err(SourceError::Malformed { host, reason }),
        Failure::Ours(error) => return Err(error),
        Failure::Redirected(to) => {
            return Err(SourceError::Unavailable {
                host,
                reason: format!(
                    "is a standby that redirects to '{to}'; redirects to other hosts are not followed"
                ),
                retry_after: None,
            });
        }
        Failure::Refused(refusal) => refusal,
    };
    let Some(reason) = unavailable(&refusal) else {
        if refusal.is_vaults && (400..500).contains(&refusal.status) {
            return Ok(refusal);
        }
        let reason = format!("status {} without a Vault error", refusal.status);
        return Err(SourceError::Malformed { host, reason });
    };
    Err(SourceError::Unavailable {
        host,
        reason,
        retry_after: refusal.retry_after,
    })
}

/// What says that there is no answer for now only. A load balancer in front says it with a page of its own.
fn unavailable(refusal: &Refusal) -> Option<String> {
    let lower = refusal.reason.to_lowercase();
    let instead = match refusal.status {
        503 if lower.contains("sealed") => return Some("is sealed (503)".to_owned()),
        429 if lower.contains("standby") => return Some("is a standby (429)".to_owned()),
        // 473: a performance standby, 472: a replica for disasters.
        472 | 473 => return Some(format!("is a standby ({})", refusal.status)),
        429 => "too many requests",
        412 => "replication is behind the leader",
        408 => "request timed out",
        500 if refusal.is_vaults => "internal error",
        502 => "bad gateway",
        503 => "service unavailable",
        504 => "gateway timeout",
        _ => return None,
    };
    Some(format!(
        "is temporarily unavailable: {}",
        refusal.words(instead)
    ))
}

fn starts_like_json(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> SourceError {
        let refusal = Refusal::new(status, body.as_bytes());
        on_read("v:8200", "kv/team", Failure::Refused(refusal))
    }

    /// Bodies as OpenBao 2.7 sends them.
    #[test]
    fn every_refusal_says_what_it_is() {
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
    fn what_may_pass_is_told_from_what_is_final() {
        for status in [412, 429, 472, 473, 500, 502, 503, 504] {
            assert!(!read(status, "").is_final(), "{status}");
        }
        for status in [400, 403, 404] {
            assert!(read(status, "").is_final(), "{status}");
        }
    }

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

    #[test]
    fn a_page_is_not_an_answer_and_is_not_quoted() {
        for body in ["<html>hunter2</html>", "{\"data\": \"hunter2\"}"] {
            let Err(failure) = parse::<Gone>(body.as_bytes()) else {
                panic!("{body} was read");
            };
            assert!(matches!(failure, Failure::Malformed(_)));
            assert!(!format!("{failure:?}").contains("hunter2"));
        }
    }
}
