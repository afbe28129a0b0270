//! Reads with the session's token, which is replaced if Vault has stopped accepting it.

use rustify::Endpoint;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{
    super::{
        error::RequestError,
        error_response::ErrorResponse,
        location::{SecretLocation, SecretTemplate},
        response::{self, VaultResponse},
        status,
        token::{self, TokenLife, VaultToken},
    },
    VaultSession,
};
use crate::{clock::Now, source::SourceError};

/// A successful response to a read.
pub(in super::super) struct ReadResponse {
    body: Zeroizing<Vec<u8>>,
    /// The place that was read.
    pub(in super::super) location: SecretLocation,
    /// Its path, for messages.
    pub(in super::super) path: String,
    /// The token that the request was sent with; `None` without a login method.
    pub(in super::super) token: Option<VaultToken>,
    /// When the request was sent.
    pub(in super::super) sent_at: Now,
}

impl VaultSession {
    /// Sends the read that `request` creates for the place that `template` stands for.
    ///
    /// Vault refuses an invalid token and a missing permission with the same 403. If the token is
    /// from an earlier call, the session logs in again and repeats the read once. A 403 counts as a
    /// missing permission only for a token that is known to be valid.
    ///
    /// # Errors
    ///
    /// Those of the login and of [`SecretTemplate::resolve`], else [`status::read_error`].
    pub(in super::super) async fn read<E: Endpoint>(
        &self,
        template: &SecretTemplate,
        request: impl Fn(&SecretLocation) -> E,
    ) -> Result<ReadResponse, SourceError> {
        let logins_before = self.state.lock().await.logins;
        let token = self.token(false).await?;
        let location = template.resolve(token::claims(token.as_ref()))?;
        let first = request(&location);
        let path = &path_of(&first);
        let denied = match self.read_with(token.as_ref(), location, first).await {
            Err(RequestError::Status(response)) if is_denial(&response) => response,
            other => return other.map_err(|error| status::read_error(self.host(), path, error)),
        };
        let Some(old) = token else {
            return Err(self.denied(path, None, denied).await);
        };
        if old.login > logins_before {
            return Err(self.denied(path, Some(&old), denied).await);
        }
        // A user's login is not given up for a missing permission.
        let needs_user = self.method.as_ref().is_some_and(|m| m.needs_user());
        if needs_user && (denied.denies_by_policy || self.is_alive(Some(&old)).await?) {
            return Err(self.denied(path, Some(&old), denied).await);
        }
        self.forget(&old).await;
        let token = self.token(false).await?;
        if let Some(same) = token.as_ref().filter(|new| new.secret() == old.secret()) {
            return Err(self.denied(path, Some(same), denied).await);
        }
        let location = template.resolve(token::claims(token.as_ref()))?;
        let second = request(&location);
        let path = &path_of(&second);
        match self.read_with(token.as_ref(), location, second).await {
            Err(RequestError::Status(response)) if is_denial(&response) => {
                Err(self.denied(path, token.as_ref(), response).await)
            }
            other => other.map_err(|error| status::read_error(self.host(), path, error)),
        }
    }

    /// Sends the read of `location` with `token`, and records that the token is valid.
    async fn read_with(
        &self,
        token: Option<&VaultToken>,
        location: SecretLocation,
        request: impl Endpoint,
    ) -> Result<ReadResponse, RequestError> {
        let path = path_of(&request);
        let (body, sent_at) = self.call(token, request).await?;
        let token = match token {
            Some(token) if token.life == TokenLife::Unused => {
                if let Some(method) = &self.method {
                    method.accepted_token(token.secret());
                }
                Some(self.replace(token.with_life(TokenLife::Used)).await)
            }
            // It is in use for longer, so that it may have to be renewed.
            Some(token) if token.life == TokenLife::Used => Some(self.look_up(token).await),
            other => other.cloned(),
        };
        Ok(ReadResponse {
            body,
            location,
            path,
            token,
            sent_at,
        })
    }

    /// The error of a read of `path` that Vault has denied to `token`, which is as new as can be;
    /// `None` for that of an agent.
    async fn denied(
        &self,
        path: &str,
        token: Option<&VaultToken>,
        response: ErrorResponse,
    ) -> SourceError {
        let host = self.host();
        let is_new = self.method.as_ref().is_some_and(|m| m.owns_token());
        let is_known_alive = is_new || response.denies_by_policy;
        if !is_known_alive {
            match self.is_alive(token).await {
                Ok(true) => {}
                Ok(false) => return self.dead_token(token, response).await,
                Err(error) => return error,
            }
        }
        status::read_error(host, path, RequestError::Status(response))
    }

    /// The error of a `token` that is not valid, for which Vault has sent `response`.
    async fn dead_token(&self, token: Option<&VaultToken>, response: ErrorResponse) -> SourceError {
        let host = self.host();
        let refused = match (&self.method, token) {
            (Some(method), Some(token)) => {
                self.forget(token).await;
                method.refused_token(host, &response, token.secret())
            }
            _ => None,
        };
        refused.unwrap_or_else(|| SourceError::LoginRefused {
            host: host.to_owned(),
            reason: format!(
                "the agent has no valid token: {}",
                response.reason_or("permission denied")
            ),
            hint: format!(
                "check that the agent at '{host}' has logged in; if '{host}' is Vault itself, add 'auth'"
            ),
            // The agent's login, not the key, is what Vault has refused.
            is_final: false,
        })
    }
}

/// The path that `request` reads, as messages show it: `mount/data/path` for KV v2.
pub(in super::super) fn path_of(request: &impl Endpoint) -> String {
    request.path().trim_start_matches('/').to_owned()
}

/// Whether this is Vault's own 403: only that is a reason to log in again.
fn is_denial(response: &ErrorResponse) -> bool {
    response.status == 403 && response.is_vaults()
}

impl ReadResponse {
    /// Parses the response of `host`.
    ///
    /// # Errors
    ///
    /// [`SourceError::Malformed`] if it is not Vault's or `T` does not fit.
    pub(in super::super) fn parse<T: DeserializeOwned>(
        &self,
        host: &str,
    ) -> Result<VaultResponse<T>, SourceError> {
        response::parse(&self.body).map_err(|error| status::malformed(host, &error))
    }
}
