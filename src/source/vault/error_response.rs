//! A response with a status other than success: Vault's own, or another program's.
//!
//! Only Vault's own says anything about a key. A gateway, a proxy or a load balancer in front of
//! Vault uses the same statuses for its own purposes.

use std::time::Duration;

use serde::{Deserialize, de::IgnoredAny};

use super::{
    foreign::{Author, AuthorHeaders},
    response::VersionMetadata,
    subject::Subject,
};
use crate::network::{ForeignText, RequestSecrets};

/// A response with a status other than success.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ErrorResponse {
    pub(super) status: u16,
    /// Vault's `errors`, else `warnings`, as one line; empty if there are none.
    pub(super) reason: String,
    /// What the reason is about, if this is the response to a login: also that of a reason that is
    /// not shown, because it contains a short password.
    pub(super) subject: Subject,
    /// Whether this is Vault's 403 for a valid token whose policies do not allow the request. Its
    /// 403 for an invalid token (expired, revoked, used up) has the bare text, or, in newer
    /// versions, a second error.
    pub(super) denies_by_policy: bool,
    /// The program that wrote the response in Vault's place.
    pub(super) foreign: Option<Box<Author>>,
    /// The version that KV v2 reports with 404 if it was deleted or destroyed.
    pub(super) deleted: Option<VersionMetadata>,
    pub(super) retry_after: Option<Duration>,
}

/// The body of Vault's own. Any other field is another program's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorBody {
    /// Strings. Cloudflare and GraphQL have objects here.
    errors: Option<Vec<ForeignText>>,
    warnings: Option<Vec<ForeignText>>,
    data: Option<ErrorData>,
    request_id: Option<ForeignText>,
    // The rest of the frame of a successful response, which Vault also sends with 404.
    #[serde(rename = "lease_id")]
    _lease_id: Option<IgnoredAny>,
    #[serde(rename = "lease_duration")]
    _lease_duration: Option<IgnoredAny>,
    #[serde(rename = "renewable")]
    _renewable: Option<IgnoredAny>,
    #[serde(rename = "wrap_info")]
    _wrap_info: Option<IgnoredAny>,
    #[serde(rename = "auth")]
    _auth: Option<IgnoredAny>,
    #[serde(rename = "mount_type")]
    _mount_type: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ErrorData {
    /// `null` if the version was deleted.
    data: Option<IgnoredAny>,
    metadata: Option<VersionMetadata>,
}

impl ErrorBody {
    /// Parses the body of a response; `None` if Vault did not write it.
    fn parse(status: u16, body: &[u8]) -> Option<Self> {
        // Vault never asks for a proxy's authorization, and always sends a body.
        if status == 407 {
            return None;
        }
        let body: Self = serde_json::from_slice(body).ok()?;
        let has_warnings = body.warnings.as_ref().is_some_and(|list| !list.is_empty());
        let is_vaults = body.errors.is_some()
            || body.deleted().is_some()
            || has_warnings && body.request_id.is_some();
        is_vaults.then_some(body)
    }

    fn deleted(&self) -> Option<VersionMetadata> {
        let data = self.data.as_ref()?;
        data.metadata.filter(|_| data.data.is_none())
    }
}

impl ErrorResponse {
    /// The response to a request that contained `secrets`: what is kept of it repeats none of them.
    pub(super) fn new(
        status: u16,
        body: &[u8],
        headers: &AuthorHeaders,
        secrets: &RequestSecrets,
    ) -> Self {
        let Some(parsed) = ErrorBody::parse(status, body) else {
            return Self {
                status,
                foreign: Some(Box::new(Author::new(body, headers, secrets))),
                ..Self::default()
            };
        };
        let deleted = parsed.deleted();
        let reasons = parsed
            .errors
            .filter(|errors| !errors.is_empty())
            .or(parsed.warnings);
        let reasons = ForeignText::join(&reasons.unwrap_or_default());
        Self {
            status,
            reason: reasons.clean(secrets),
            subject: Subject::of(reasons.uncleaned()),
            denies_by_policy: status == 403 && reasons.uncleaned().starts_with("1 error occurred:"),
            deleted,
            ..Self::default()
        }
    }

    pub(super) fn is_vaults(&self) -> bool {
        self.foreign.is_none()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn response(status: u16, body: &str) -> ErrorResponse {
        ErrorResponse::new(
            status,
            body.as_bytes(),
            &AuthorHeaders::default(),
            &RequestSecrets::default(),
        )
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
            (r#"{"message":"1 error occurred:"}"#, false),
        ] {
            assert_eq!(response(403, body).denies_by_policy, by_policy, "{body}");
        }
    }

    /// A password may be a part of Vault's sentence.
    #[test]
    fn a_reason_that_is_not_shown_counts() {
        let secrets = [Secret::new("password".to_owned())].into_iter().collect();
        let headers = AuthorHeaders::default();
        let body = r#"{"errors":["invalid username or password"]}"#;
        let response = ErrorResponse::new(400, body.as_bytes(), &headers, &secrets);
        assert!(response.reason.starts_with("(omitted"), "{response:?}");
        assert_eq!(response.subject, Subject::Secret);
    }

    #[test]
    fn vaults_own_bodies_are_recognized() {
        let frame = r#""request_id":"27d1","lease_id":"","renewable":false,"lease_duration":0,
            "wrap_info":null,"auth":null"#;
        for body in [
            r#"{"errors":["permission denied"]}"#.to_owned(),
            r#"{"errors":[]}"#.to_owned(),
            r#"{"errors":["a","b"],"data":null}"#.to_owned(),
            r#"{"errors":["a"],"data":{"error":"b"}}"#.to_owned(),
            r#"{"data":{"data":null,"metadata":{"version":3,"destroyed":true}}}"#.to_owned(),
            format!(r#"{{{frame},"data":null,"warnings":["Invalid path"]}}"#),
            format!(r#"{{{frame},"data":null,"warnings":["Invalid path"],"mount_type":"kv"}}"#),
        ] {
            assert!(response(404, &body).is_vaults(), "{body}");
        }
    }

    /// What gateways, proxies and web servers send with 400, 403 or 404.
    #[test]
    fn any_other_body_is_not_vaults() {
        for body in [
            "",
            " \n",
            "null",
            "{}",
            "[]",
            "403",
            r#""Forbidden""#,
            // AWS API Gateway, Kong, Azure API Management, Spring, Google, Apigee.
            r#"{"message":"Forbidden"}"#,
            r#"{"message":"no Route matched with those values"}"#,
            r#"{"statusCode":401,"message":"Access denied due to missing subscription key."}"#,
            r#"{"timestamp":1,"status":404,"error":"Not Found","path":"/v1/secret"}"#,
            r#"{"error":{"code":403,"message":"x","status":"PERMISSION_DENIED"}}"#,
            r#"{"fault":{"faultstring":"Invalid ApiKey"}}"#,
            // Cloudflare, with and without errors; GraphQL; ASP.NET.
            r#"{"success":false,"errors":[{"code":1000,"message":"x"}],"messages":[],"result":null}"#,
            r#"{"success":false,"errors":[],"messages":[],"result":null}"#,
            r#"{"errors":[{"message":"Forbidden"}]}"#,
            r#"{"errors":["Forbidden",{}]}"#,
            r#"{"title":"Bad Request","status":400,"errors":{"name":["required"]}}"#,
            r#"{"status":403,"errors":["Forbidden"]}"#,
            r#"{"errors":"Forbidden"}"#,
            r#"{"errors":null}"#,
            // A frame without anything of Vault's in it.
            r#"{"data":null}"#,
            r#"{"data":null,"warnings":[]}"#,
            r#"{"warnings":["quota exceeded"]}"#,
            r#"{"data":{"metadata":{"page":1}}}"#,
            r#"{"data":{"data":{"a":1},"metadata":{"version":3,"destroyed":false}}}"#,
            // Envoy, Traefik, nginx.
            "RBAC: access denied",
            "404 page not found\n",
            "<html><head><title>403 Forbidden</title></head></html>",
            r#"<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>"#,
            r#"{"errors":["permission denied"]"#,
        ] {
            for status in [400, 403, 404] {
                let response = response(status, body);
                assert!(!response.is_vaults(), "{status} {body}");
                assert_eq!((response.reason.as_str(), response.deleted), ("", None));
            }
        }
        assert!(!response(407, r#"{"errors":["permission denied"]}"#).is_vaults());
    }
}
