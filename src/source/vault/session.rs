//! Being logged in: the token, kept while it lives, and reading with it.

use std::sync::Arc;

use rustify::Endpoint;
use serde::de::IgnoredAny;
use tokio::sync::Mutex;
use vaultrs::api::token::requests::{
    LookupTokenSelfRequest, RenewTokenSelfRequest, RevokeTokenSelfRequest,
};
use zeroize::Zeroizing;

use super::{
    answer::{self, Failure},
    auth::{Login, Unwrapped},
    token::{Step, Token},
    transport::Transport,
};
use crate::{
    clock::{Clock, Now},
    source::SourceError,
};

/// One Vault and our login there.
pub(super) struct Session {
    pub(super) transport: Transport,
    pub(super) clock: Arc<dyn Clock>,
    login: Option<Login>,
    /// Held while we log in, so that there is one login at a time; not while something is read.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    logins: u64,
    unwrapped: Option<Unwrapped>,
}

/// An answer, with what it hangs on.
pub(super) struct Answer {
    pub(super) body: Zeroizing<Vec<u8>>,
    /// `None` where we send none.
    pub(super) token: Option<Token>,
    /// When it was asked for.
    pub(super) asked: Now,
}

impl Session {
    pub(super) fn new(transport: Transport, clock: Arc<dyn Clock>, login: Option<Login>) -> Self {
        Self {
            transport,
            clock,
            login,
            state: Mutex::default(),
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.transport.address.name
    }

    /// Reads what `endpoint` makes a request for. Where a token from before is refused with 403 (expired, revoked, denied:
    /// Vault does not say which), we log in once more and read again; a token that was made for this very read is not
    /// doubted. `path` is for messages.
    pub(super) async fn read<E: Endpoint>(
        &self,
        path: &str,
        endpoint: impl Fn() -> E,
    ) -> Result<Answer, SourceError> {
        let before = self.logins().await;
        let token = self.token(false).await?;
        let first = self.call(token.as_ref(), endpoint()).await;
        let denied = |failure| answer::on_read(self.host(), path, failure);
        let old = match (first, token) {
            (Err(Failure::Refused(refusal)), Some(token))
                if refusal.status == 403 && token.login <= before =>
            {
                // Another program's page, or a token that cannot be better: judged below.
                (Failure::Refused(refusal), token)
            }
            (Ok((body, asked)), token) => return Ok(Answer { body, token, asked }),
            (Err(failure), _) => return Err(denied(failure)),
        };
        let (failure, old) = old;
        answer::common(self.host(), failure.clone())?;
        self.forget(&old).await;
        let token = self.token(false).await?;
        if token
            .as_ref()
            .is_some_and(|new| new.secret() == old.secret())
        {
            // The look-up took the same token: it is valid, so this is policy.
            return Err(denied(failure));
        }
        let (body, asked) = self
            .call(token.as_ref(), endpoint())
            .await
            .map_err(denied)?;
        Ok(Answer { body, token, asked })
    }

    /// One request, with the time when it was sent.
    pub(super) async fn call(
        &self,
        token: Option<&Token>,
        endpoint: impl Endpoint,
    ) -> Result<(Zeroizing<Vec<u8>>, Now), Failure> {
        let asked = self.clock.now();
        let token = token.map(Token::secret);
        let body = self.transport.call(token, endpoint, asked.wall).await?;
        Ok((body, asked))
    }

    /// The token to use now: renewed or replaced where that is due, or, with `longer`, where it can be renewed at all.
    /// `None` where we send none.
    pub(super) async fn token(&self, longer: bool) -> Result<Option<Token>, SourceError> {
        let Some(login) = &self.login else {
            return Ok(None);
        };
        let mut state = self.state.lock().await;
        if let Some(token) = state.token.clone() {
            let step = match token.step(self.clock.now()) {
                Step::Use if longer && token.is_renewable() => Step::Renew,
                step => step,
            };
            match step {
                Step::Use => return Ok(Some(token)),
                Step::Renew => match self.renew(&token).await {
                    Ok(Some(renewed)) => {
                        state.token = Some(renewed.clone());
                        return Ok(Some(renewed));
                    }
                    // It lives yet, and what is asked next may well be answered.
                    Err(error) if !error.is_final() => return Ok(Some(token)),
                    Ok(None) | Err(_) => {}
                },
                Step::LogIn => {}
            }
        }
        let State {
            token,
            logins,
            unwrapped,
        } = &mut *state;
        let now = self.clock.now();
        match login
            .log_in(&self.transport, unwrapped, now, *logins + 1)
            .await
        {
            Ok(new) => {
                *logins += 1;
                *token = Some(new.clone());
                Ok(Some(new))
            }
            // The old one stays until its successor is in hand, or its end has come.
            Err(error) => match token.take_if(|token| token.is_expired(self.clock.now())) {
                None if token.is_some() => {
                    tracing::warn!(host = self.host(), %error, "cannot log in again; the last token lives yet");
                    Ok(token.clone())
                }
                _ => Err(error),
            },
        }
    }

    /// Gives the token up: a token of our own is revoked, and with it all leases that hang on it. Whether it was ours.
    pub(super) async fn log_out(&self) -> Result<bool, SourceError> {
        let token = self.state.lock().await.token.take();
        let owns = self.login.as_ref().is_some_and(Login::owns_token);
        let (Some(token), true) = (token, owns) else {
            return Ok(false);
        };
        match self.call(Some(&token), RevokeTokenSelfRequest {}).await {
            Ok(_) => Ok(true),
            // Batch tokens cannot be revoked (400); one that is not valid any more need not be (403).
            Err(failure) => answer::common(self.host(), failure).map(|_| false),
        }
    }

    /// Whether Vault still knows `token`: it may look itself up whatever its policies are.
    pub(super) async fn is_alive(&self, token: Option<&Token>) -> Result<bool, SourceError> {
        match self.call(token, LookupTokenSelfRequest {}).await {
            Ok(_) => Ok(true),
            Err(failure) => answer::common(self.host(), failure).map(|_| false),
        }
    }

    /// How often we have logged in.
    async fn logins(&self) -> u64 {
        self.state.lock().await.logins
    }

    /// The token in hand, as it is.
    pub(super) async fn in_hand(&self) -> Option<Token> {
        self.state.lock().await.token.clone()
    }

    /// Unless it was replaced meanwhile.
    async fn forget(&self, token: &Token) {
        let mut state = self.state.lock().await;
        let _ = state.token.take_if(|held| held.login == token.login);
    }

    /// `None` where Vault will not.
    async fn renew(&self, token: &Token) -> Result<Option<Token>, SourceError> {
        let renewed = self
            .call(Some(token), RenewTokenSelfRequest { increment: None })
            .await
            .and_then(|(body, asked)| Ok((answer::parse::<IgnoredAny>(&body)?, asked)));
        match renewed {
            Ok((envelope, asked)) => Ok(envelope.auth.map(|auth| token.renewed(&auth, asked))),
            Err(failure) => answer::common(self.host(), failure).map(|_| None),
        }
    }
}
