//! What the session finds out about the life of its token.

use vaultrs::api::token::requests::LookupTokenSelfRequest;

use super::{
    super::{
        error::RequestError,
        response::{self, MalformedResponse},
        status,
        token::{TokenLife, TokenLookup, VaultToken},
    },
    VaultSession,
};
use crate::{clock::Now, source::SourceError};

/// The path of a lookup, for messages.
const LOOKUP: &str = "auth/token/lookup-self";

impl VaultSession {
    /// Returns `token` with its life, after a lookup if that is not known yet. A lookup that fails
    /// for now leaves it unknown.
    pub(in super::super) async fn look_up(&self, token: &VaultToken) -> VaultToken {
        if !matches!(token.life, TokenLife::Unused | TokenLife::Used) {
            return token.clone();
        }
        let life = match self.lookup(Some(token)).await {
            Ok((lookup, sent_at)) => {
                return self.replace(token.looked_up(&lookup, sent_at)).await;
            }
            Err(error) => match status::refusal(self.host(), error) {
                Ok(response) if response.denies_by_policy => TokenLife::Hidden,
                // Valid a moment ago, so that the read was the last of its uses.
                Ok(response) if response.status == 403 => TokenLife::Limited,
                // An agent that does not pass it on.
                Ok(response) if matches!(response.status, 404 | 405) => TokenLife::Hidden,
                Ok(_) | Err(_) => return token.clone(),
            },
        };
        self.replace(token.with_life(life)).await
    }

    /// Asks Vault for the life of `token`; `None` for that of an agent.
    async fn lookup(&self, token: Option<&VaultToken>) -> Result<(TokenLookup, Now), RequestError> {
        let (body, sent_at) = self.call(token, LookupTokenSelfRequest {}).await?;
        let lookup = response::parse::<TokenLookup>(&body)?.data.ok_or_else(|| {
            MalformedResponse("the response to a token's lookup has no data".to_owned())
        })?;
        Ok((lookup, sent_at))
    }

    /// Whether the token may be spent on a check of what was read: not if its uses are limited.
    ///
    /// # Errors
    ///
    /// Those of the login.
    pub(in super::super) async fn may_check(&self) -> Result<bool, SourceError> {
        let Some(token) = self.token(false).await? else {
            return Ok(true);
        };
        Ok(self.look_up(&token).await.life != TokenLife::Limited)
    }

    /// Replaces the session's token by `token`, which is the same with more known about it. Returns
    /// `token`.
    pub(super) async fn replace(&self, token: VaultToken) -> VaultToken {
        let mut state = self.state.lock().await;
        if let Some(current) = &mut state.token
            && current.login == token.login
        {
            *current = token.clone();
        }
        token
    }

    /// Whether `token` is still valid; `None` for that of an agent. If its policies do not allow a
    /// lookup, the refusal shows that it is.
    ///
    /// # Errors
    ///
    /// Those of [`status::refusal`], or another status than 200 and 403: Vault could not be asked.
    pub(in super::super) async fn is_alive(
        &self,
        token: Option<&VaultToken>,
    ) -> Result<bool, SourceError> {
        let Err(error) = self.lookup(token).await else {
            return Ok(true);
        };
        let response = status::refusal(self.host(), error)?;
        match response.status {
            403 => Ok(response.denies_by_policy),
            _ => Err(status::failed(self.host(), LOOKUP, &response)),
        }
    }
}
