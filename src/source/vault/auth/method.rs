//! What the login methods have in common.

use async_trait::async_trait;
use rustify::Endpoint;
use serde::de::IgnoredAny;

use super::proven::ProvenSecret;
use crate::{
    clock::Timestamp,
    secret::Secret,
    source::{
        SourceError, sanitize,
        vault::{
            claims::LoginClaims,
            error::RequestError,
            error_response::ErrorResponse,
            foreign::shorten,
            response::{self, AuthResponse, MalformedResponse},
            status,
            subject::Subject,
            transport::Transport,
        },
    },
};

/// The most characters of Vault's reason why it could not check a login. They name addresses of
/// other servers twice.
const MAX_REASON: usize = 140;

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

    /// Whether [`log_in`](Self::log_in) creates the token, so that it is valid at first, its life
    /// is known and a logout may revoke it.
    fn owns_token(&self) -> bool {
        true
    }

    /// Whether only a user can log in: the token is kept as long as it is valid.
    fn needs_user(&self) -> bool {
        false
    }

    /// Whether the user of a login with `claims` is still the one that [`log_in`](Self::log_in)
    /// logs in.
    fn is_current(&self, _claims: &LoginClaims) -> bool {
        true
    }

    /// Drops the secrets that it has in memory and can read again.
    fn forget(&self) {}

    /// Records that a request with `token` has succeeded.
    fn accepted_token(&self, _token: &Secret) {}

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

/// A login request and what belongs to it.
pub(super) struct Login<'a, R> {
    pub(super) request: R,
    /// The secret in the request, which Vault's reason must not repeat.
    pub(super) secret: Option<&'a Secret>,
    /// What of the secret must be the same as at the last login for it to be proven.
    pub(super) identity: &'a str,
    pub(super) proven: &'a ProvenSecret,
    /// What to do if the login is refused.
    pub(super) hint: String,
}

/// A login that Vault has refused.
pub(super) struct RefusedLogin<'a> {
    pub(super) secret: Option<&'a Secret>,
    /// Whether the same secret has worked before.
    pub(super) is_proven: bool,
    pub(super) hint: String,
    /// What to add to the hint if nothing is mounted there.
    pub(super) if_not_mounted: &'static str,
}

/// Sends a login request.
///
/// # Errors
///
/// As [`LoginMethod::log_in`].
pub(super) async fn submit<R: Endpoint>(
    transport: &Transport,
    login: Login<'_, R>,
    now: Timestamp,
) -> Result<AuthResponse, SourceError> {
    let host = &transport.address.name;
    let is_proven = login.proven.is(login.identity);
    let sent = transport.call(None, login.request, now).await;
    let body = sent.map_err(|error| {
        let refused = RefusedLogin {
            secret: login.secret,
            is_proven,
            hint: login.hint,
            if_not_mounted: "; check 'auth.mount' and 'namespace'",
        };
        refused.error(host, error)
    })?;
    let auth = response::parse::<IgnoredAny>(&body)
        .map_err(|error| status::malformed(host, &error))?
        .auth
        .ok_or_else(|| {
            let reason = "the response to the login contains no login".to_owned();
            status::malformed(host, &MalformedResponse(reason))
        })?;
    if auth.client_token.expose().is_empty() {
        return Err(SourceError::LoginRefused {
            host: host.clone(),
            reason: "the response has no token (a second factor may be required)".to_owned(),
            hint: "disable the second factor for this login, or use another method".to_owned(),
            is_final: !is_proven,
        });
    }
    login.proven.record(login.identity);
    Ok(auth)
}

impl RefusedLogin<'_> {
    /// The error of the login at `host`. A wrong secret is 400, a missing mount point 403 to 405.
    ///
    /// It is final if the reason is about the secret, or if that has never worked. If Vault itself
    /// could not check it, the error is temporary.
    pub(super) fn error(self, host: &str, error: RequestError) -> SourceError {
        let response = match status::refusal(host, error) {
            Ok(response) => response,
            Err(error) => return error,
        };
        let secret = self.secret.map_or("", Secret::expose);
        let reason = sanitize::one_line_without(&response.reason, secret);
        let reason = match reason.as_str() {
            "" => "no reason given",
            reason => reason,
        };
        let status = response.status;
        let host = host.to_owned();
        if response.subject == Subject::Vault {
            let reason = shorten(reason, MAX_REASON);
            return SourceError::Unavailable {
                host,
                reason: format!("cannot check the login for now: {reason} ({status})"),
                retry_after: response.retry_after,
            };
        }
        SourceError::LoginRefused {
            host,
            reason: format!("{reason} ({status})"),
            hint: match status {
                403..=405 => format!("{}{}", self.hint, self.if_not_mounted),
                _ => self.hint,
            },
            is_final: response.subject == Subject::Secret || !self.is_proven,
        }
    }
}
