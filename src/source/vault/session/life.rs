//! What the session finds out about the life of its token.

use vaultrs::api::token::requests::LookupTokenSelfRequest;

use super::{
    super::{
        response, status,
        token::{TokenLife, TokenLookup, VaultToken},
    },
    VaultSession,
};
use crate::source::SourceError;

impl VaultSession {
    /// Returns `token` with its life, after a lookup if that is not known yet. A lookup that fails
    /// for now leaves it unknown.
    pub(in super::super) async fn look_up(&self, token: &VaultToken) -> VaultToken {
        if !matches!(token.life, TokenLife::Unused | TokenLife::Used) {
            return token.clone();
        }
        let found = self
            .call(Some(token), LookupTokenSelfRequest {})
            .await
            .and_then(|(body, sent_at)| Ok((response::parse::<TokenLookup>(&body)?, sent_at)));
        let life = match found {
            Ok((response, sent_at)) => match response.data {
                Some(lookup) => return self.replace(token.looked_up(&lookup, sent_at)).await,
                None => TokenLife::Hidden,
            },
            Err(error) => match status::refusal(self.host(), error) {
                Ok(response) if response.status != 403 || response.denies_by_policy() => {
                    TokenLife::Hidden
                }
                // Valid a moment ago, so that the read was the last of its uses.
                Ok(_) => TokenLife::Limited,
                Err(_) => return token.clone(),
            },
        };
        self.replace(token.with_life(life)).await
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

    /// Whether `token` is still valid. If its policies do not allow a lookup, the refusal
    /// shows that it is.
    ///
    /// # Errors
    ///
    /// Those of [`status::refusal`]: Vault could not be asked.
    pub(in super::super) async fn is_alive(
        &self,
        token: Option<&VaultToken>,
    ) -> Result<bool, SourceError> {
        match self.call(token, LookupTokenSelfRequest {}).await {
            Ok(_) => Ok(true),
            Err(error) => Ok(status::refusal(self.host(), error)?.denies_by_policy()),
        }
    }
}
