//! What the login methods have in common.

use async_trait::async_trait;
use serde::de::IgnoredAny;

use crate::{
    clock::Timestamp,
    secret::Secret,
    source::{
        SourceError, sanitize,
        vault::{
            error::RequestError,
            request::SecretRequest,
            response::{self, AuthResponse, ErrorResponse},
            status,
            transport::Transport,
        },
    },
};

/// A way to obtain a token.
#[async_trait]
pub(crate) trait LoginMethod: Send + Sync {
    /// Reads the secrets anew and logs in. `now` is the base of a `Retry-After` date.
    ///
    /// # Errors
    ///
    /// - [`SourceError::LoginRefused`], with what to replace or check
    /// - [`SourceError::Configuration`] if a secret cannot be read
    /// - the temporary errors of every request
    async fn log_in(
        &self,
        transport: &Transport,
        now: Timestamp,
    ) -> Result<AuthResponse, SourceError>;

    /// Whether [`log_in`](Self::log_in) creates the token, so that its life is known and a logout
    /// may revoke it.
    fn owns_token(&self) -> bool {
        true
    }

    /// The error of a `token` that Vault has just refused as invalid; `None` if
    /// [`log_in`](Self::log_in) creates the token.
    fn refused_token(
        &self,
        _host: &str,
        _response: &ErrorResponse,
        _token: &Secret,
    ) -> Option<SourceError> {
        None
    }
}

/// Sends a login request. `secret` is removed from Vault's reason, `hint` says what to do if the
/// login is refused.
///
/// # Errors
///
/// As [`LoginMethod::log_in`].
pub(super) async fn submit(
    transport: &Transport,
    request: SecretRequest,
    secret: Option<&Secret>,
    hint: String,
    now: Timestamp,
) -> Result<AuthResponse, SourceError> {
    let host = &transport.address.name;
    let body = transport.call(None, request, now).await.map_err(|error| {
        login_error(
            host,
            error,
            secret,
            hint,
            "; check 'auth.mount' and 'namespace'",
        )
    })?;
    response::parse::<IgnoredAny>(&body)
        .map_err(|error| status::malformed(host, &error))?
        .auth
        .filter(|auth| !auth.client_token.expose().is_empty())
        .ok_or_else(|| SourceError::LoginRefused {
            host: host.clone(),
            reason: "the response has no token (a second factor may be required)".to_owned(),
            hint: "disable the second factor for this login, or use another method".to_owned(),
        })
}

/// The error of a failed login. A wrong secret is 400, a missing mount point 403 to 405, for which
/// the hint ends with `if_not_mounted`. `secret` is removed from Vault's reason.
pub(super) fn login_error(
    host: &str,
    error: RequestError,
    secret: Option<&Secret>,
    hint: String,
    if_not_mounted: &str,
) -> SourceError {
    let response = match status::refusal(host, error) {
        Ok(response) => response,
        Err(error) => return error,
    };
    let reason = response.reason_or("no reason given");
    SourceError::LoginRefused {
        host: host.to_owned(),
        reason: sanitize::one_line_without(&reason, secret.map_or("", Secret::expose)),
        hint: match response.status {
            403..=405 => format!("{hint}{if_not_mounted}"),
            _ => hint,
        },
    }
}
