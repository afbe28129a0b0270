//! A login session: one token, renewed and replaced as needed, and the requests made with it.

mod life;
mod read;

use std::sync::Arc;

use rustify::Endpoint;
use serde::de::IgnoredAny;
use tokio::sync::Mutex;
use vaultrs::api::token::requests::{RenewTokenSelfRequest, RevokeTokenSelfRequest};
use zeroize::Zeroizing;

pub(super) use self::read::{ReadResponse, path_of};
use super::{
    auth::LoginMethod,
    error::RequestError,
    response::{self, AuthResponse},
    status,
    token::{self, TokenAction, VaultToken},
    transport::Transport,
};
use crate::{
    clock::{Clock, Now},
    source::{Revoked, SourceError},
};

/// One Vault and the token for it.
pub(super) struct VaultSession {
    pub(super) clock: Arc<dyn Clock>,
    transport: Transport,
    /// `None` if an agent adds its own token to every request.
    method: Option<Box<dyn LoginMethod>>,
    /// Locked during a login or renewal, so that there is one at a time; not during a read.
    state: Mutex<SessionState>,
}

#[derive(Default)]
struct SessionState {
    token: Option<VaultToken>,
    /// The number of logins so far.
    logins: u64,
    /// Whether the token of the last login was revoked, and there was no login since.
    is_revoked: bool,
}

impl VaultSession {
    pub(super) fn new(
        transport: Transport,
        clock: Arc<dyn Clock>,
        method: Option<Box<dyn LoginMethod>>,
    ) -> Self {
        Self {
            clock,
            transport,
            method,
            state: Mutex::default(),
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.transport.address.name
    }

    pub(super) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Sends one request and returns the body of the response and the time when it was sent.
    ///
    /// # Errors
    ///
    /// [`RequestError`], not yet interpreted.
    pub(super) async fn call(
        &self,
        token: Option<&VaultToken>,
        request: impl Endpoint,
    ) -> Result<(Zeroizing<Vec<u8>>, Now), RequestError> {
        let sent_at = self.clock.now();
        let token = token.map(VaultToken::secret);
        let body = self.transport.call(token, request, sent_at.wall).await?;
        Ok((body, sent_at))
    }

    /// Returns the token to use now, after renewing or replacing it if that is due, or, with
    /// `extend`, if it is renewable at all. `None` without a login method.
    ///
    /// # Errors
    ///
    /// Those of the login. A token that is still valid is returned even if it could not be
    /// replaced.
    pub(super) async fn token(&self, extend: bool) -> Result<Option<VaultToken>, SourceError> {
        let Some(method) = &self.method else {
            return Ok(None);
        };
        let mut state = self.state.lock().await;
        let is_former = |token: &mut VaultToken| {
            token::claims(Some(token)).is_some_and(|claims| !method.is_current(claims))
        };
        if let Some(former) = state.token.take_if(is_former) {
            self.revoke_former(&former).await;
        }
        if let Some(token) = state.token.clone() {
            let action = match token.action(self.clock.now()) {
                TokenAction::Use if extend && token.is_renewable() => TokenAction::Renew,
                action => action,
            };
            match action {
                TokenAction::Use => return Ok(Some(token)),
                TokenAction::Renew => match self.renew(&token).await {
                    Ok(Some(renewed)) => {
                        state.token = Some(renewed.clone());
                        return Ok(Some(renewed));
                    }
                    // The token is still valid, and the next request may succeed.
                    Err(error) if !error.is_final() => return Ok(Some(token)),
                    Ok(None) | Err(_) => {}
                },
                TokenAction::LogIn => {}
            }
        }
        let sent_at = self.clock.now();
        match method.log_in(&self.transport, sent_at.wall).await {
            Ok(auth) => {
                let is_own = method.owns_token();
                let known = state.token.take().filter(|known| {
                    !is_own && *known.secret() == auth.client_token && !known.is_expired(sent_at)
                });
                let token = match known {
                    // The same file with the same token.
                    Some(known) => known,
                    None => {
                        state.logins += 1;
                        state.is_revoked = false;
                        match is_own {
                            true => VaultToken::new(auth, sent_at, state.logins),
                            false => VaultToken::created_elsewhere(
                                auth.client_token,
                                sent_at,
                                state.logins,
                            ),
                        }
                    }
                };
                state.token = Some(token.clone());
                Ok(Some(token))
            }
            Err(error) => {
                let now = self.clock.now();
                let _ = state.token.take_if(|token| token.is_expired(now));
                if state.token.is_none() {
                    return Err(error);
                }
                // That a user must sign in is not news at every request until the token ends.
                if !matches!(error, SourceError::LoginRequired { .. }) {
                    tracing::warn!(
                        event = "login-failed",
                        host = self.host(),
                        %error,
                        "login failed; the last token is still valid",
                    );
                }
                Ok(state.token.clone())
            }
        }
    }

    /// Puts the login of a user, whose request was sent at `sent_at`, in force, and returns its
    /// token. That of another user is revoked.
    pub(super) async fn adopt(&self, auth: AuthResponse, sent_at: Now) -> VaultToken {
        let mut state = self.state.lock().await;
        state.logins += 1;
        state.is_revoked = false;
        let token = VaultToken::new(auth, sent_at, state.logins);
        let former = state.token.replace(token.clone());
        drop(state);
        let user = token::claims(Some(&token));
        if let Some(former) = former
            && !token::claims(Some(&former))
                .zip(user)
                .is_some_and(|(former, user)| former.is_same_user(user))
        {
            self.revoke_former(&former).await;
        }
        token
    }

    /// Revokes the token of a former user, with all its leases. Only a login has a user, so that
    /// this session created it.
    async fn revoke_former(&self, token: &VaultToken) {
        if let Err(error) = self.call(Some(token), RevokeTokenSelfRequest {}).await {
            tracing::warn!(
                event = "revocation-failed",
                host = self.host(), %error,
                "the token of the former user was not revoked and is valid until it expires"
            );
        }
    }

    /// Discards the token and revokes it, with all its leases, if this session created it.
    ///
    /// # Errors
    ///
    /// Those of [`status::refusal`]: Vault could not be asked.
    pub(super) async fn log_out(&self) -> Result<Revoked, SourceError> {
        let Some(token) = self.state.lock().await.token.take() else {
            return Ok(Revoked::Nothing);
        };
        if !self.method.as_ref().is_some_and(|m| m.owns_token()) {
            return Ok(Revoked::StaysValid);
        }
        let Err(error) = self.call(Some(&token), RevokeTokenSelfRequest {}).await else {
            let mut state = self.state.lock().await;
            state.is_revoked = state.token.is_none();
            return Ok(Revoked::Done);
        };
        // 400: a batch token, which cannot be revoked; 403: the token is not valid any more, or its
        // policies do not allow this.
        status::refusal(self.host(), error)?;
        Ok(if self.is_alive(Some(&token)).await? {
            Revoked::StaysValid
        } else {
            Revoked::Nothing
        })
    }

    /// Drops the token, which stays valid at Vault, and what the login method keeps, after a login
    /// or renewal under way. The connections are closed: their buffers contain the token.
    pub(super) async fn forget_login(&self) {
        let mut state = self.state.lock().await;
        state.token = None;
        if let Some(method) = &self.method {
            method.forget();
        }
        self.transport.close();
    }

    /// Whether a logout has revoked the last token, with all its leases, and there was no login
    /// since.
    pub(super) async fn is_revoked(&self) -> bool {
        self.state.lock().await.is_revoked
    }

    /// The token as it is, without a renewal or login.
    pub(super) async fn current_token(&self) -> Option<VaultToken> {
        self.state.lock().await.token.clone()
    }

    /// Discards `token`, unless it was replaced in the meantime.
    async fn forget(&self, token: &VaultToken) {
        let mut state = self.state.lock().await;
        let _ = state.token.take_if(|current| current.login == token.login);
    }

    /// Returns `None` if Vault refuses to renew the token.
    async fn renew(&self, token: &VaultToken) -> Result<Option<VaultToken>, SourceError> {
        let renewed = self
            .call(Some(token), RenewTokenSelfRequest { increment: None })
            .await
            .and_then(|(body, sent_at)| Ok((response::parse::<IgnoredAny>(&body)?, sent_at)));
        match renewed {
            Ok((response, sent_at)) => Ok(response.auth.map(|auth| token.renewed(&auth, sent_at))),
            Err(error) => status::refusal(self.host(), error).map(|_| None),
        }
    }
}
