//! A user's sign-in: the code or the device code, and what becomes of the tokens.

mod browser;
mod device;
pub(super) mod poll;

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use self::{browser::BrowserAuthorization, device::DeviceCodeAuthorization};
use super::{
    client::OauthClient,
    facts,
    record::Record,
    server::{Claims, TokenResponse},
    session::{LoginSession, end},
    tokens::Tokens,
};
use crate::{
    config::{OauthFlow, OauthPrompt, OauthToken},
    secret::Secret,
    source::{Authorization, DeviceAuthorization, Login, SignIn, SignInSettings, SourceError},
};

/// What a user signs in to.
#[derive(Clone)]
pub(super) struct UserSignIn {
    pub(super) client: Arc<OauthClient>,
    pub(super) session: Arc<LoginSession>,
}

#[async_trait]
impl SignIn for UserSignIn {
    fn source(&self) -> &str {
        &self.client.name
    }

    fn host(&self) -> &str {
        self.client.host()
    }

    fn settings(&self) -> SignInSettings {
        let config = &self.client.config;
        SignInSettings {
            is_device: config.flow == OauthFlow::Device,
            redirect_port: config.redirect_port,
            redirect_path: config.redirect_path.clone(),
            may_prompt: config.prompt == OauthPrompt::Browser,
        }
    }

    async fn login(&self) -> Result<Option<Login>, SourceError> {
        self.session.login(&self.client).await
    }

    fn warning(&self) -> Option<String> {
        let error = self.session.save_error()?;
        let hint = error.hint();
        Some(format!(
            "the login is not stored and ends with the daemon, because {error}; {hint}"
        ))
    }

    async fn prepare(&self) -> Result<(), SourceError> {
        self.session.check_store().await
    }

    async fn authorize(&self, redirect_uri: &Url) -> Result<Box<dyn Authorization>, SourceError> {
        self.restore_registration().await;
        let authorization = BrowserAuthorization::start(self.clone(), redirect_uri).await?;
        Ok(Box::new(authorization))
    }

    async fn authorize_device(&self) -> Result<Box<dyn DeviceAuthorization>, SourceError> {
        self.restore_registration().await;
        Ok(Box::new(
            DeviceCodeAuthorization::start(self.clone()).await?,
        ))
    }
}

impl UserSignIn {
    /// Has the server use the client that it has registered before, if that is known.
    async fn restore_registration(&self) {
        // A store that cannot be read fails later, when it must keep the login.
        let _ = self.session.restore_registration(&self.client).await;
    }

    /// Checks the tokens of a sign-in and puts its login in force. `nonce` is what the ID token
    /// must contain.
    ///
    /// # Errors
    ///
    /// [`SourceError`]. The login before stays in force.
    async fn finish(
        &self,
        response: &TokenResponse,
        nonce: Option<&Secret>,
    ) -> Result<Login, SourceError> {
        let client = &self.client;
        let tokens = Tokens::new(response);
        let claims = self.claims(&tokens, nonce).await?;
        let credential = client.credential(&tokens)?;
        let now = client.clock.now().wall;
        let mut login = facts::login(&claims, &client.config, now);
        login.is_renewable = response.refresh_token.is_some();
        login.expires_at = match (login.is_renewable, response.refresh_lifetime) {
            (true, Some(lifetime)) => end(response.obtained, lifetime),
            (true, None) => None,
            (false, _) => credential.expires_at(),
        };
        let issuer = client.server.offer().await?.issuer;
        let mut record = Record::new(issuer, client.request(), login.clone(), claims);
        record.refresh_token.clone_from(&response.refresh_token);
        record.registration = client.server.registration();
        if !login.is_renewable {
            record.tokens = Some(tokens.to_stored(login.expires_at));
        }
        self.session.begin(client, record, tokens).await?;
        Ok(login)
    }

    /// The claims of the ID token, which is verified, else of the access token.
    async fn claims(&self, tokens: &Tokens, nonce: Option<&Secret>) -> Result<Claims, SourceError> {
        let config = &self.client.config;
        match &tokens.id_token {
            Some(id_token) => self.client.server.verify(id_token, nonce).await,
            None if config.token == OauthToken::Id || !config.required_claims.is_empty() => {
                Err(SourceError::Unusable {
                    host: self.client.host().to_owned(),
                    field: "id_token".to_owned(),
                    reason: "is missing in the response".to_owned(),
                })
            }
            None => Ok(tokens.claims().unwrap_or_default()),
        }
    }
}
