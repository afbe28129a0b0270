//! This client at its authorization server: what it asks for, and what a refusal means.

use std::sync::Arc;

use super::{
    record::Request,
    server::{AuthorizationServer, TokenError},
};
use crate::{
    clock::Clock,
    config::{OauthConfig, OauthFlow},
    source::SourceError,
};

/// What helps if a user must sign in. The profile's name is added to it.
pub(super) const SIGN_IN: &str = "run claviger login";

/// The client that a source is, with its server.
pub(super) struct OauthClient {
    /// The source's name in the configuration.
    pub(super) name: String,
    pub(super) config: OauthConfig,
    pub(super) server: Arc<dyn AuthorizationServer>,
    pub(super) clock: Arc<dyn Clock>,
}

impl OauthClient {
    /// Host and port of the server.
    pub(super) fn host(&self) -> &str {
        self.server.host()
    }

    /// Whether a user signs in.
    pub(super) fn has_user(&self) -> bool {
        self.config.flow != OauthFlow::ClientCredentials
    }

    /// What tokens are asked for.
    pub(super) fn request(&self) -> Request {
        Request::of(&self.config)
    }

    /// The error of a source that has no login, or has no longer one.
    pub(super) fn login_required(&self, reason: impl Into<String>) -> SourceError {
        SourceError::LoginRequired {
            host: self.host().to_owned(),
            reason: reason.into(),
            hint: SIGN_IN.to_owned(),
        }
    }

    /// The error of a login that the server, or the user at it, has refused.
    pub(super) fn login_refused(&self, reason: String) -> SourceError {
        SourceError::LoginRefused {
            host: self.host().to_owned(),
            reason,
            hint: format!("{SIGN_IN} to try again"),
            is_final: false,
        }
    }

    /// The error of an endpoint that returned no tokens.
    pub(super) fn error(&self, error: TokenError) -> SourceError {
        match error {
            TokenError::Other(error) => error,
            TokenError::Lost(error) => SourceError::Unreachable {
                host: self.host().to_owned(),
                error,
            },
            TokenError::Refused {
                code,
                description,
                status,
                retry_after,
            } => {
                let reason = format!("{} ({status})", described(&code, description.as_deref()));
                match meaning(&code, status) {
                    Meaning::User | Meaning::Grant if !self.has_user() => self.misconfigured(
                        &reason,
                        "allow client credentials for the client, and check 'client_id', of source",
                    ),
                    Meaning::Temporary => SourceError::Unavailable {
                        host: self.host().to_owned(),
                        reason: format!("is temporarily unavailable: {reason}"),
                        retry_after,
                    },
                    Meaning::User => self.login_required(reason),
                    Meaning::Grant => self.login_refused(reason),
                    Meaning::Client => self.misconfigured(
                        &reason,
                        "check 'client_id', and the client's secret or key, of source",
                    ),
                    Meaning::Request => self.misconfigured(
                        &reason,
                        "check 'scopes', 'resource' and 'audience' of source",
                    ),
                    Meaning::Unknown => SourceError::Unavailable {
                        host: self.host().to_owned(),
                        reason: format!("refused the request: {reason}"),
                        retry_after,
                    },
                }
            }
        }
    }

    fn misconfigured(&self, reason: &str, hint: &str) -> SourceError {
        SourceError::Configuration {
            reason: format!("'{}' refused the request: {reason}", self.host()),
            hint: format!("{hint} '{}'", self.name),
        }
    }
}

/// What a server's error means, for its remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Only time helps.
    Temporary,
    /// The user must do something at the server.
    User,
    /// The code or token that was presented is not accepted.
    Grant,
    /// This client is not known, not proven, or not allowed to do this.
    Client,
    /// What is asked for does not exist, or not for this client.
    Request,
    /// Not in a standard.
    Unknown,
}

/// Returns what the error `code` means (RFC 6749, sections 4.1.2.1 and 5.2; RFC 8707, section 2;
/// OpenID Connect Core 1.0, section 3.1.2.6) in a response with `status`.
pub(super) fn meaning(code: &str, status: u16) -> Meaning {
    match code {
        "invalid_grant" => Meaning::Grant,
        "temporarily_unavailable" | "server_error" | "slow_down" => Meaning::Temporary,
        "interaction_required"
        | "login_required"
        | "consent_required"
        | "account_selection_required" => Meaning::User,
        "invalid_client" | "unauthorized_client" | "unsupported_grant_type" => Meaning::Client,
        "invalid_scope"
        | "invalid_target"
        | "invalid_request"
        | "unsupported_response_type"
        | "invalid_resource" => Meaning::Request,
        "access_denied" | "expired_token" => Meaning::Grant,
        _ if status == 429 || status >= 500 => Meaning::Temporary,
        _ => Meaning::Unknown,
    }
}

/// An error of the server with its description, for messages.
pub(super) fn described(code: &str, description: Option<&str>) -> String {
    match description.map(|text| text.trim().trim_end_matches('.')) {
        None | Some("") => code.to_owned(),
        Some(description) => format!("{code}: {description}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_invalid_grant_and_the_users_own_no_are_about_the_grant() {
        for status in [400, 401, 403, 429, 503] {
            for code in ["invalid_grant", "access_denied", "expired_token"] {
                assert_eq!(meaning(code, status), Meaning::Grant);
            }
            assert_eq!(meaning("invalid_client", status), Meaning::Client);
            assert_eq!(meaning("invalid_scope", status), Meaning::Request);
            assert_eq!(
                meaning("temporarily_unavailable", status),
                Meaning::Temporary
            );
        }
    }

    #[test]
    fn an_unknown_error_is_judged_by_its_status() {
        for (status, expected) in [
            (400, Meaning::Unknown),
            (403, Meaning::Unknown),
            (429, Meaning::Temporary),
            (500, Meaning::Temporary),
            (503, Meaning::Temporary),
        ] {
            assert_eq!(meaning("", status), expected, "{status}");
            assert_eq!(meaning("teapot", status), expected, "{status}");
        }
    }

    #[test]
    fn a_description_without_text_adds_nothing() {
        for description in [None, Some(""), Some(" . ")] {
            assert_eq!(described("invalid_grant", description), "invalid_grant");
        }
        let described = described("invalid_grant", Some("Token expired."));
        assert_eq!(described, "invalid_grant: Token expired");
    }
}
