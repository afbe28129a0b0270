//! This client at its authorization server: what it asks for, and what a refusal means.

use std::{sync::Arc, time::Duration};

use super::{
    provider::remedy::remedy,
    record::Request,
    server::{AuthorizationServer, TokenError},
};
use crate::{
    clock::Clock,
    config::{IdpName, OauthConfig},
    source::SourceError,
};

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
        self.config.has_user()
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
            hint: None,
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
                let description = description.as_deref();
                let reason = format!("{} ({status})", described(&code, description));
                let known = self.known_remedy(&code, description);
                self.refusal(meaning(&code, status), &code, reason, known, retry_after)
            }
        }
    }

    /// The error of a sign-in that the server, or the user at it, has refused with a redirect.
    pub(super) fn sign_in_refused(&self, code: &str, description: Option<&str>) -> SourceError {
        let reason = described(code, description);
        let known = self.known_remedy(code, description);
        self.refusal(meaning(code, 0), code, reason, known, None)
    }

    /// What to do about an error that the provider's preset knows.
    fn known_remedy(&self, code: &str, description: Option<&str>) -> Option<String> {
        let preset = self.config.preset.and_then(IdpName::preset)?;
        preset.remedy(code, description, &self.config.facts())
    }

    /// The error for a `code` with this meaning; `known` is what the preset knows about it.
    fn refusal(
        &self,
        meaning: Meaning,
        code: &str,
        reason: String,
        known: Option<String>,
        retry_after: Option<Duration>,
    ) -> SourceError {
        let host = self.host().to_owned();
        let hint = || known.clone().unwrap_or_else(|| remedy(code).to_owned());
        match meaning {
            Meaning::Temporary => SourceError::Unavailable {
                host,
                reason: format!("is temporarily unavailable: {reason}"),
                retry_after,
            },
            Meaning::Login | Meaning::Denied if !self.has_user() => SourceError::Configuration {
                reason: format!("'{host}' refused the request: {reason}"),
                hint: format!("check 'client_id', and that '{host}' allows it client credentials"),
            },
            // Another login may be refused as well: a consent or an assignment may be missing.
            Meaning::Login => SourceError::LoginRequired {
                host,
                reason,
                hint: known,
            },
            Meaning::Denied => SourceError::LoginRefused {
                host,
                reason,
                hint: hint(),
                // Not the secret, but the person or the permission is the wrong one.
                is_final: false,
            },
            Meaning::Client => SourceError::Configuration {
                reason: format!("'{host}' refused the request: {reason}"),
                hint: hint(),
            },
        }
    }
}

/// What a server's error means, for what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Only time helps.
    Temporary,
    /// A login helps: the code or token is not accepted, or the user must act at the server.
    Login,
    /// The user, or the policy of the server, has refused.
    Denied,
    /// The configuration of the client, here or at the server, does not fit.
    Client,
}

/// Returns what the error `code` means (RFC 6749, sections 4.1.2.1 and 5.2; RFC 8628, section 3.5;
/// OpenID Connect Core 1.0, section 3.1.2.6) in a response with `status`.
pub(super) fn meaning(code: &str, status: u16) -> Meaning {
    match code {
        "temporarily_unavailable" | "server_error" | "slow_down" => Meaning::Temporary,
        "invalid_grant"
        | "expired_token"
        | "interaction_required"
        | "login_required"
        | "consent_required"
        | "account_selection_required" => Meaning::Login,
        "access_denied" => Meaning::Denied,
        "invalid_client"
        | "unauthorized_client"
        | "unsupported_grant_type"
        | "invalid_scope"
        | "invalid_target"
        | "invalid_request" => Meaning::Client,
        _ if status == 429 || status >= 500 => Meaning::Temporary,
        _ => Meaning::Client,
    }
}

/// Whether the error `code` is about what is asked for (RFC 6749, section 5.2; RFC 8707, section
/// 2).
pub(super) fn is_about_request(code: &str) -> bool {
    matches!(code, "invalid_scope" | "invalid_target")
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
    fn a_known_code_means_the_same_with_every_status() {
        for status in [0, 400, 401, 403, 429, 503] {
            for (code, expected) in [
                ("invalid_grant", Meaning::Login),
                ("expired_token", Meaning::Login),
                ("interaction_required", Meaning::Login),
                ("access_denied", Meaning::Denied),
                ("invalid_client", Meaning::Client),
                ("invalid_scope", Meaning::Client),
                ("temporarily_unavailable", Meaning::Temporary),
            ] {
                assert_eq!(meaning(code, status), expected, "{code} {status}");
            }
        }
    }

    #[test]
    fn an_unknown_error_is_judged_by_its_status() {
        for (status, expected) in [
            (0, Meaning::Client),
            (400, Meaning::Client),
            (403, Meaning::Client),
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
