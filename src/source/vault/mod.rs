//! A key in Vault or OpenBao. See <https://developer.hashicorp.com/vault/api-docs>.
//!
//! The first [`Source::issue`] is one login and one read; each later one is a read. The token is
//! kept and renewed after two thirds of its lifetime. A token that was created elsewhere is used
//! without a lookup at first: see `token`.
//!
//! ```text
//! VaultSource ─▶ kv (v1, v2), lease: what is read, and whether it is current
//!                   └▶ session: the token ─▶ auth: one file for each login method
//!                        │    ▲
//!                        │  sign_in: what a user does for `oidc`; claims: who the user is
//!                        └▶ transport: HTTP ─▶ error_response, foreign: who has answered
//!                                        └▶ status: what a refusal means
//! ```
//!
//! # vaultrs
//!
//! [`vaultrs`] defines the requests: their paths, methods and queries. Done without it:
//!
//! - Sending (`transport`). Its client discards the headers of a response (`Retry-After`), follows
//!   a redirect to another host with the token, and reads `VAULT_*` from the environment.
//! - Bodies with secrets (`request`). Its login requests hold secrets as `String`s and serialize
//!   them into buffers that are freed without being wiped. A login uses the type for its path and
//!   method, leaves its secret fields empty, and writes the body into a wiped buffer.
//! - The body of a `cert` login (`auth::cert`). It sends the role as `cert_name`; Vault reads
//!   `name`.
//! - The callback of an `oidc` login (`request`). It sends `nonce`; Vault reads `client_nonce`.
//! - `sys/leases` and `sys/internal/ui/mounts` (`request`), for which it has no requests.
//! - Responses (`response`, `field`). Its types hold secrets as `String`s and JSON values, and its
//!   errors contain the body.

mod address;
mod auth;
mod claims;
mod engine;
mod error;
mod error_response;
mod field;
mod foreign;
#[cfg(feature = "test-util")]
pub(crate) mod fuzzing;
mod kv;
mod lease;
mod location;
mod mount;
mod request;
mod response;
mod session;
mod sign_in;
mod status;
mod subject;
mod token;
mod transport;

use std::sync::Arc;

use async_trait::async_trait;

use self::{
    engine::SecretsEngine,
    kv::{Kv1, Kv2},
    lease::LeaseEngine,
    location::SecretTemplate,
    mount::ExpectedMount,
    session::VaultSession,
    sign_in::VaultSignIn,
    transport::Transport,
};
use super::{Freshness, Revocation, SignIn, Source, SourceError, stored_secret::StoredSecret};
use crate::{clock::Clock, config, credential::Credential, principal::Principal};

/// A key in Vault.
pub(crate) struct VaultSource {
    session: Arc<VaultSession>,
    /// `None` if no user signs in.
    sign_in: Option<Arc<VaultSignIn>>,
    template: Arc<SecretTemplate>,
    engine: Box<dyn SecretsEngine>,
    expected: ExpectedMount,
}

impl VaultSource {
    /// The source `name`. `jwt_source` is the source that `auth.jwt_source` names, `stored` the
    /// place of its unwrapped secret-id. No file is read and no request is sent yet.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if a placeholder has no value, a path segment or the
    /// namespace is invalid, or the system does not support the address.
    pub(crate) fn new(
        name: &str,
        config: &config::VaultConfig,
        principal: &Principal,
        clock: Arc<dyn Clock>,
        jwt_source: Option<Arc<dyn Source>>,
        stored: Option<StoredSecret>,
    ) -> Result<Self, SourceError> {
        let template = Arc::new(SecretTemplate::new(name, config, principal)?);
        let method = config
            .auth
            .as_ref()
            .map(|auth| auth::new(name, auth, principal, jwt_source, stored))
            .transpose()?;
        let transport = Transport::new(name, config, principal)?;
        let session = Arc::new(VaultSession::new(transport, clock, method));
        Ok(Self {
            expected: ExpectedMount::new(name, config.engine),
            sign_in: VaultSignIn::new(name, config.auth.as_ref(), &session).map(Arc::new),
            session,
            engine: match config.engine {
                config::Engine::Kv1 => Box::new(Kv1::new(Arc::clone(&template))),
                config::Engine::Kv2 { .. } => Box::new(Kv2::new(Arc::clone(&template))),
                config::Engine::Lease => Box::new(LeaseEngine::new(Arc::clone(&template))),
            },
            template,
        })
    }
}

#[async_trait]
impl Source for VaultSource {
    async fn issue(&self) -> Result<Credential, SourceError> {
        match self.engine.issue(&self.session).await {
            Ok(credential) => Ok(credential),
            Err(error) => {
                let token = self.session.current_token().await;
                match self.template.resolve(token::claims(token.as_ref())) {
                    Ok(at) => Err(self.expected.explain(&self.session, &at, error).await),
                    Err(_) => Err(error),
                }
            }
        }
    }

    async fn renew(&self, credential: &Credential) -> Result<Option<Credential>, SourceError> {
        self.engine.renew(&self.session, credential).await
    }

    async fn revalidate(&self, credential: &Credential) -> Result<Freshness, SourceError> {
        let freshness = self.engine.revalidate(&self.session, credential).await?;
        if !self.template.has_claims() {
            return Ok(freshness);
        }
        // Another user may have signed in, whose secret is another one.
        let token = self.session.token(false).await?;
        Ok(
            match self.template.has_moved(token::claims(token.as_ref())) {
                true => Freshness::Stale,
                false => freshness,
            },
        )
    }

    async fn revoke(&self, credential: Option<&Credential>) -> Result<Revocation, SourceError> {
        self.engine.revoke(&self.session, credential).await
    }

    async fn forget(&self) {
        self.session.forget_login().await;
    }

    fn sign_in(&self) -> Result<Option<Arc<dyn SignIn>>, SourceError> {
        let sign_in = self.sign_in.clone();
        Ok(sign_in.map(|sign_in| sign_in as Arc<dyn SignIn>))
    }

    fn host(&self) -> &str {
        self.session.host()
    }
}

#[cfg(test)]
mod tests;
