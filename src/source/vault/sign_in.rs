//! What a user does to log in with `method = "oidc"`.
//!
//! The token is in the daemon's memory only: a daemon that starts again requires a new sign-in.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::{
    auth::{OidcLogin, SignInPage},
    session::VaultSession,
    token::{self, VaultToken},
};
use crate::{
    config::{AuthConfig, AuthMethod},
    network::{ForeignText, RequestSecrets},
    secret::Secret,
    source::{
        Authorization, DeviceAuthorization, Login, SignIn, SignInSettings, SourceError, random,
        sign_in::NAME_CLAIMS,
    },
};

/// The sign-in of a source.
pub(super) struct VaultSignIn {
    source: String,
    login: OidcLogin,
    session: Arc<VaultSession>,
    settings: SignInSettings,
}

/// A sign-in under way.
struct VaultAuthorization {
    login: OidcLogin,
    session: Arc<VaultSession>,
    page: SignInPage,
    /// Proves to Vault that the code comes from this process.
    client_nonce: Secret,
}

impl VaultSignIn {
    /// The sign-in of the source `name`; `None` if its login needs no user.
    pub(super) fn new(
        name: &str,
        config: Option<&AuthConfig>,
        session: &Arc<VaultSession>,
    ) -> Option<Self> {
        let config = config?;
        let AuthMethod::Oidc {
            role,
            redirect_port,
            redirect_path,
        } = &config.method
        else {
            return None;
        };
        Some(Self {
            source: name.to_owned(),
            login: OidcLogin::new(config.mount.clone(), role.clone()),
            session: Arc::clone(session),
            settings: SignInSettings {
                is_device: false,
                redirect_port: *redirect_port,
                redirect_path: redirect_path.clone(),
                may_prompt: false,
            },
        })
    }
}

#[async_trait]
impl SignIn for VaultSignIn {
    fn source(&self) -> &str {
        &self.source
    }

    fn host(&self) -> &str {
        self.session.host()
    }

    fn settings(&self) -> SignInSettings {
        self.settings.clone()
    }

    async fn login(&self) -> Result<Option<Login>, SourceError> {
        let token = self.session.current_token().await;
        let now = self.session.clock.now();
        Ok(token
            .filter(|token| !token.is_expired(now))
            .map(|token| login_of(&token)))
    }

    /// The login is kept in memory.
    async fn prepare(&self) -> Result<(), SourceError> {
        Ok(())
    }

    async fn authorize(&self, redirect_uri: &Url) -> Result<Box<dyn Authorization>, SourceError> {
        let client_nonce = random::text(&self.source)?;
        let now = self.session.clock.now().wall;
        let transport = self.session.transport();
        let page = self
            .login
            .page(transport, redirect_uri, &client_nonce, now)
            .await?;
        Ok(Box::new(VaultAuthorization {
            login: self.login.clone(),
            session: Arc::clone(&self.session),
            page,
            client_nonce,
        }))
    }

    async fn authorize_device(&self) -> Result<Box<dyn DeviceAuthorization>, SourceError> {
        Err(SourceError::Configuration {
            reason: format!(
                "source '{}' signs in with Vault's method \"oidc\", which requires a browser on this \
                 machine",
                self.source
            ),
            hint: "use 'method = \"jwt\"' with the 'jwt_source' of an identity provider".to_owned(),
        })
    }
}

#[async_trait]
impl Authorization for VaultAuthorization {
    fn url(&self) -> &Url {
        &self.page.url
    }

    fn state(&self) -> &Secret {
        &self.page.state
    }

    /// Vault does not say which issuer it expects.
    fn issuer(&self) -> Option<&str> {
        None
    }

    async fn complete(self: Box<Self>, code: Secret) -> Result<Login, SourceError> {
        let sent_at = self.session.clock.now();
        let transport = self.session.transport();
        let auth = self
            .login
            .exchange(
                transport,
                &self.page,
                &code,
                &self.client_nonce,
                sent_at.wall,
            )
            .await?;
        Ok(login_of(&self.session.adopt(auth, sent_at).await))
    }

    fn refused(&self, error: &str, description: Option<&str>) -> SourceError {
        let texts: Vec<_> = [Some(error), description]
            .into_iter()
            .flatten()
            .map(ForeignText::new)
            .collect();
        let secrets = [&self.page.state, &self.client_nonce];
        let secrets: RequestSecrets = secrets.into_iter().cloned().collect();
        let reason = ForeignText::join(&texts).clean(&secrets);
        let host = self.session.host().to_owned();
        match error {
            "temporarily_unavailable" | "server_error" => SourceError::Unavailable {
                host,
                reason: format!("cannot sign in for now: the identity provider reports {reason}"),
                retry_after: None,
            },
            _ => SourceError::LoginRefused {
                reason: format!("the identity provider reports {reason}"),
                hint: format!(
                    "sign in again, as a user whom the administrator of '{host}' has allowed"
                ),
                host,
                is_final: false,
            },
        }
    }
}

/// The login that `token` is from.
fn login_of(token: &VaultToken) -> Login {
    let claims = token::claims(Some(token));
    let text = |name| {
        claims
            .and_then(|claims| claims.text(name))
            .map(str::to_owned)
    };
    let is_renewable = token.is_renewable();
    Login {
        subject: text("sub").or_else(|| claims?.user.clone()),
        name: NAME_CLAIMS.into_iter().find_map(text),
        groups: Vec::new(),
        signed_in_at: token.logged_in_at,
        // Vault does not say how often it renews the token.
        expires_at: token.expires_at().filter(|_| !is_renewable),
        is_renewable,
    }
}
