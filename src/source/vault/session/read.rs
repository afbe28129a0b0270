//! Reads with the session's token, which is replaced if Vault has stopped accepting it.

use rustify::Endpoint;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{
    super::{
        error::RequestError,
        response::{self, ErrorResponse, VaultResponse},
        status,
        token::{TokenLife, VaultToken},
    },
    VaultSession,
};
use crate::{clock::Now, source::SourceError};

/// A successful response to a read.
pub(in super::super) struct ReadResponse {
    body: Zeroizing<Vec<u8>>,
    /// The token that the request was sent with; `None` without a login method.
    pub(in super::super) token: Option<VaultToken>,
    /// When the request was sent.
    pub(in super::super) sent_at: Now,
}

impl VaultSession {
    /// Sends the read that `request` creates; `path` is for messages.
    ///
    /// Vault refuses an invalid token and a missing permission with the same 403. If the token is
    /// from an earlier call, the session logs in again and repeats the read once. A token that was
    /// issued for this read is valid, so that 403 is final.
    ///
    /// # Errors
    ///
    /// Those of the login, else [`status::read_error`].
    pub(in super::super) async fn read<E: Endpoint>(
        &self,
        path: &str,
        request: impl Fn() -> E,
    ) -> Result<ReadResponse, SourceError> {
        let read_error = |error| status::read_error(self.host(), path, error);
        let logins_before = self.state.lock().await.logins;
        let token = self.token(false).await?;
        let denied = match self.read_with(token.as_ref(), request()).await {
            Err(RequestError::Status(response)) if response.status == 403 => response,
            other => return other.map_err(read_error),
        };
        // Only Vault's own 403 is a reason to log in again.
        status::refusal(self.host(), RequestError::Status(denied.clone()))?;
        let Some(old) = token else {
            return Err(read_error(RequestError::Status(denied)));
        };
        if old.login > logins_before {
            return Err(self.denied(path, &old, denied).await);
        }
        self.forget(&old).await;
        let token = self.token(false).await?;
        if let Some(same) = token.as_ref().filter(|new| new.secret() == old.secret()) {
            return Err(self.denied(path, same, denied).await);
        }
        match (self.read_with(token.as_ref(), request()).await, token) {
            (Err(RequestError::Status(response)), Some(token)) if response.status == 403 => {
                Err(self.denied(path, &token, response).await)
            }
            (other, _) => other.map_err(read_error),
        }
    }

    /// Sends a read with `token`, and records that the token is valid.
    async fn read_with(
        &self,
        token: Option<&VaultToken>,
        request: impl Endpoint,
    ) -> Result<ReadResponse, RequestError> {
        let (body, sent_at) = self.call(token, request).await?;
        let token = match token {
            Some(token) if token.life == TokenLife::Unused => {
                Some(self.replace(token.with_life(TokenLife::Used)).await)
            }
            // It is in use for longer, so that it may have to be renewed.
            Some(token) if token.life == TokenLife::Used => Some(self.look_up(token).await),
            other => other.cloned(),
        };
        Ok(ReadResponse {
            body,
            token,
            sent_at,
        })
    }

    /// The error of a read of `path` that Vault has denied to `token`, which is as new as can be.
    async fn denied(&self, path: &str, token: &VaultToken, response: ErrorResponse) -> SourceError {
        let host = self.host();
        let refused = match &self.method {
            Some(method) if !response.denies_by_policy() => {
                method.refused_token(host, &response, token.secret())
            }
            _ => None,
        };
        if let Some(error) = refused
            && self.is_alive(Some(token)).await == Ok(false)
        {
            self.forget(token).await;
            return error;
        }
        status::read_error(host, path, RequestError::Status(response))
    }
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
