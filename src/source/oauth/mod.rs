//! A token of an OAuth 2.0 authorization server or OpenID provider.
//!
//! A user signs in once (`sign_in`); the refresh token that this brings is kept in a store, and
//! each [`Source::issue`] is one refresh. With client credentials there is no user, and nothing is
//! kept.
//!
//! ```text
//! OauthSource ─▶ session: the login, one refresh at a time ─▶ record ─▶ store
//!      │            ▲     └▶ state: what follows from what is known; pure
//!      │            └── sign_in: browser, device ─▶ poll; pure
//!      ├─▶ client: what is asked for, and what a refusal means
//!      ├─▶ tokens, facts: the credential and the claims of a response
//!      └─▶ server: the trait of the authorization server ◀─ provider: over HTTP
//! ```
//!
//! Only `invalid_grant` ends a login: the server accepts the refresh token no longer. Whatever else
//! fails keeps it, and the keys that were obtained before are served to their end.

mod client;
mod exposed;
mod facts;
#[cfg(feature = "test-util")]
pub(crate) mod fuzzing;
mod login_sessions;
mod provider;
mod record;
pub(crate) mod server;
mod session;
mod sign_in;
mod tokens;

use std::sync::Arc;

use async_trait::async_trait;

pub use self::login_sessions::LoginSessions;
use self::{
    client::OauthClient,
    provider::Provider,
    server::{Claims, Grant, TokenKind},
    session::{LoginSession, revoke_token},
    sign_in::UserSignIn,
    tokens::Tokens,
};
use super::{Revocation, SignIn, Source, SourceError};
use crate::{clock::Clock, config::OauthConfig, credential::Credential, principal::Principal};

/// A token of an authorization server.
pub(crate) struct OauthSource {
    client: Arc<OauthClient>,
    /// `None` with client credentials.
    session: Option<Arc<LoginSession>>,
}

impl OauthSource {
    /// The source `name`. No store is opened and no request is sent yet.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] or [`SourceError::ClientVariable`] if a placeholder has no
    /// value.
    pub(crate) fn new(
        name: &str,
        config: &OauthConfig,
        principal: &Principal,
        clock: Arc<dyn Clock>,
        logins: &LoginSessions,
    ) -> Result<Self, SourceError> {
        let server = Provider::new(name, config, principal, Arc::clone(&clock))?;
        let client = OauthClient {
            name: name.to_owned(),
            config: config.clone(),
            server: Arc::new(server),
            clock,
        };
        let session = client.has_user().then(|| logins.session(name, config));
        Ok(Self {
            client: Arc::new(client),
            session,
        })
    }
}

#[async_trait]
impl Source for OauthSource {
    async fn issue(&self) -> Result<Credential, SourceError> {
        let tokens = match &self.session {
            Some(session) => session.tokens(&self.client).await?,
            None => {
                let response = self.client.server.token(Grant::ClientCredentials).await;
                Tokens::new(&response.map_err(|error| self.client.error(error))?)
            }
        };
        self.client.credential(&tokens)
    }

    async fn revoke(&self, credential: Option<&Credential>) -> Result<Revocation, SourceError> {
        let mut revocation = Revocation::default();
        match (&self.session, credential) {
            (Some(session), _) => revocation.login = session.end(&self.client).await?,
            (None, Some(credential)) => {
                let (token, kind) = (&credential.secret, TokenKind::Access);
                revocation.login = revoke_token(&self.client, token, kind).await?;
            }
            (None, None) => {}
        }
        Ok(revocation)
    }

    async fn forget(&self) {
        if let Some(session) = &self.session {
            session.forget().await;
        }
        self.client.server.forget();
    }

    fn sign_in(&self) -> Result<Option<Arc<dyn SignIn>>, SourceError> {
        let sign_in = |session: &Arc<LoginSession>| {
            let sign_in: Arc<dyn SignIn> = Arc::new(UserSignIn {
                client: Arc::clone(&self.client),
                session: Arc::clone(session),
            });
            sign_in
        };
        Ok(self.session.as_ref().map(sign_in))
    }

    fn claims(&self) -> Option<Arc<Claims>> {
        self.session.as_ref()?.claims()
    }

    fn host(&self) -> &str {
        self.client.host()
    }
}

#[cfg(test)]
mod tests;
