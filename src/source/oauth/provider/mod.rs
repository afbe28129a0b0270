//! An authorization server over HTTP: OAuth 2.0 (RFC 6749) and OpenID Connect.
//!
//! ```text
//! Provider ─▶ discovery: its endpoints ── registration: which client
//!    │           client_auth: how it proves that
//!    ├─▶ request: the requests of oauth2 ─▶ exchange: HTTP, and whether a request was sent
//!    │           token_response, refusal: what the answer means ── remedy: what to do about it
//!    └─▶ id_token ─▶ key_set
//! ```
//!
//! # oauth2
//!
//! [`oauth2`] defines the requests: the address of the sign-in page, and the forms for codes,
//! refresh tokens, client credentials and device authorization. Done without it:
//!
//! - Secrets (`request`, `form`). Its types hold them as `String`s, and its forms are buffers that
//!   are freed without being wiped. It makes each request with empty fields, which are filled in as
//!   the request is sent.
//! - Client authentication (`client_auth`), for the same reason; and it has no `private_key_jwt`.
//! - Responses (`token_response`, `refusal`). Its types hold tokens as `String`s, its errors
//!   contain the body, and it reads neither a status, a `Retry-After`, an empty body nor
//!   `expires_in` as a string. It returns an error of the HTTP client to its caller unread: so the
//!   answer is one.
//! - One poll for a device code: it only has the whole loop, by its own clock.
//! - Revocation: it refuses an endpoint on plain `http`, even on this machine.
//! - PKCE: it makes a challenge only together with its verifier, which it holds as a `String`.

mod client;
mod client_auth;
mod discovery;
mod exchange;
mod form;
#[cfg(feature = "test-util")]
pub(super) mod fuzzing;
mod id_token;
mod key_set;
mod refusal;
mod registration;
pub(crate) mod remedy;
mod request;
mod token_response;

use std::{borrow::Cow, sync::Arc};

use async_trait::async_trait;
use oauth2::{AuthUrl, ClientId, CsrfToken, RedirectUrl, Scope, basic::BasicClient};
use url::Url;

use self::{
    client::Client,
    client_auth::{ClientAuth, Credentials},
    discovery::{Discovery, Metadata},
    exchange::{Answer, Exchange},
    id_token::Expected,
    key_set::KeySet,
    refusal::{Asked, Meaning},
    registration::Registrations,
    request::{Requests, Target},
};
use super::server::{
    AuthorizationRequest, AuthorizationServer, Claims, DeviceCode, Grant, Offer, Registration,
    TokenError, TokenKind, TokenResponse,
};
use crate::{
    clock::Clock,
    config::{OauthConfig, OauthFlow, host_and_port},
    principal::Principal,
    secret::Secret,
    source::SourceError,
};

/// An authorization server, as the configuration names it.
pub(crate) struct Provider {
    /// The source's name in the configuration.
    name: String,
    config: OauthConfig,
    host: String,
    exchange: Exchange,
    discovery: Discovery,
    auth: ClientAuth,
    registrations: Registrations,
    keys: KeySet,
    clock: Arc<dyn Clock>,
}

impl Provider {
    /// The server of the source `name`. No file is read and no request is sent yet.
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
    ) -> Result<Self, SourceError> {
        let wants_device_flow = config.flow == OauthFlow::Device;
        let discovery = Discovery::new(name, config, wants_device_flow, Arc::clone(&clock));
        let server = discovery.server();
        Ok(Self {
            name: name.to_owned(),
            host: host_and_port(server),
            exchange: Exchange::new(server, config, principal, Arc::clone(&clock))?,
            auth: ClientAuth::new(name, &config.client_auth, principal, Arc::clone(&clock))?,
            registrations: Registrations::default(),
            keys: KeySet::new(Arc::clone(&clock)),
            config: config.clone(),
            discovery,
            clock,
        })
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, SourceError> {
        self.discovery.metadata(&self.exchange).await
    }

    fn requests<'a>(
        &'a self,
        client: &'a Client,
        metadata: &'a Metadata,
    ) -> Result<Requests<'a>, SourceError> {
        let credentials = match &client.secret {
            Some(secret) => Credentials::of_secret(&client.id, secret.clone(), metadata),
            None => self.auth.credentials(&client.id, metadata)?,
        };
        Ok(Requests {
            exchange: &self.exchange,
            client_id: &client.id,
            credentials,
            target: self.target(metadata),
        })
    }

    /// What tokens are for: the configuration's scopes, and those that the gateway adds.
    fn target<'a>(&'a self, metadata: &'a Metadata) -> Target<'a> {
        let mut scopes = self.config.scopes.clone();
        for scope in &metadata.advice.scopes {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        let resource = self.config.resource.as_deref();
        Target {
            scopes,
            resource: resource
                .or(metadata.advice.resource.as_deref())
                .map(Cow::Borrowed),
            audience: self.config.audience.as_deref(),
        }
    }

    /// The error of an answer without what was asked for.
    async fn error(&self, asked: Asked, answer: &Answer, metadata: &Metadata) -> TokenError {
        if answer.is_gone() {
            self.discovery.expire();
        }
        match asked.meaning(answer) {
            Meaning::Error(error) => error,
            Meaning::Unexplained { error, otherwise } => match self.is_there(metadata).await {
                true => error,
                false => TokenError::Other(otherwise),
            },
        }
    }

    /// Whether the server itself answers at this moment on the origin of the token endpoint.
    async fn is_there(&self, metadata: &Metadata) -> bool {
        metadata.found_at.origin() == metadata.token_endpoint.origin()
            && match self.discovery.discover(&self.exchange).await {
                Ok(found) => found.issuer == metadata.issuer,
                Err(_) => false,
            }
    }

    /// The error of a flow that the server does not offer.
    fn not_offered(&self, what: &str, hint: &str) -> SourceError {
        SourceError::Configuration {
            reason: format!("'{}' offers no {what}", self.host),
            hint: hint.to_owned(),
        }
    }
}

#[async_trait]
impl AuthorizationServer for Provider {
    fn host(&self) -> &str {
        &self.host
    }

    async fn offer(&self) -> Result<Offer, SourceError> {
        let metadata = self.metadata().await?;
        let client = self.client(&metadata, false);
        Ok(Offer {
            issuer: metadata.issuer.clone(),
            client_id: client.map(|client| client.id).unwrap_or_default(),
            sends_issuer: metadata.sends_issuer,
            has_device_flow: metadata.device_authorization_endpoint.is_some(),
        })
    }

    async fn authorization_url(
        &self,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Url, SourceError> {
        let metadata = self.metadata().await?;
        let endpoint = metadata.authorization_endpoint.clone().ok_or_else(|| {
            self.not_offered(
                "sign-in in a browser",
                "set 'flow = \"device\"' in the source",
            )
        })?;
        let client = self
            .client_for_sign_in(&metadata, request.redirect_uri)
            .await?;
        let target = self.target(&metadata);
        // An OpenID provider refuses it without that scope.
        let nonce = target.is_openid().then(|| request.nonce.expose());
        let client = BasicClient::new(ClientId::new(client.id))
            .set_auth_uri(AuthUrl::from_url(endpoint))
            .set_redirect_uri(RedirectUrl::from_url(request.redirect_uri.clone()));
        let state = || CsrfToken::new(request.state.expose().to_owned());
        let mut address = client
            .authorize_url(state)
            .add_scopes(target.scopes.into_iter().map(Scope::new))
            .add_extra_param("code_challenge", request.code_challenge)
            .add_extra_param("code_challenge_method", "S256");
        if let Some(nonce) = nonce {
            address = address.add_extra_param("nonce", nonce);
        }
        if let Some(resource) = target.resource {
            address = address.add_extra_param("resource", resource);
        }
        if let Some(audience) = target.audience {
            address = address.add_extra_param("audience", audience);
        }
        for (name, value) in &self.config.parameters {
            address = address.add_extra_param(name, value);
        }
        Ok(address.url().0)
    }

    async fn device_code(&self) -> Result<DeviceCode, TokenError> {
        let metadata = self.metadata().await?;
        let endpoint = metadata.device_authorization_endpoint.as_ref();
        let endpoint = endpoint.ok_or_else(|| {
            self.not_offered("device flow", "set 'flow = \"browser\"' in the source")
        })?;
        let redirect_uri = format!("http://127.0.0.1{}", self.config.redirect_path);
        let redirect_uri = Url::parse(&redirect_uri).map_err(|_| SourceError::Configuration {
            reason: "'redirect_path' is no path of a URL".to_owned(),
            hint: "correct 'redirect_path'".to_owned(),
        })?;
        let client = self.client_for_sign_in(&metadata, &redirect_uri).await?;
        let obtained = self.clock.now();
        let requests = self.requests(&client, &metadata)?;
        let answer = requests.device_code(endpoint).await?;
        if refusal::is_success(&answer) {
            let code = token_response::device_code(&answer, obtained, self.config.plain_http);
            return Ok(code?);
        }
        let asked = Asked {
            has_grant: false,
            is_confidential: self.auth.is_confidential(),
        };
        Err(self.error(asked, &answer, &metadata).await)
    }

    async fn token(&self, grant: Grant<'_>) -> Result<TokenResponse, TokenError> {
        let metadata = self.metadata().await?;
        let is_sign_in = matches!(grant, Grant::Code { .. } | Grant::Device(_));
        let client = self.client(&metadata, is_sign_in)?;
        let is_confidential = self.auth.is_confidential() || client.secret.is_some();
        let obtained = self.clock.now();
        let requests = self.requests(&client, &metadata)?;
        let answer = requests.token(&metadata.token_endpoint, grant).await?;
        if refusal::is_success(&answer) {
            let tokens = token_response::tokens(&answer, obtained)?;
            if is_sign_in {
                self.registrations.complete(&client.id);
            }
            return Ok(tokens);
        }
        let asked = Asked::with(&grant, is_confidential);
        Err(self.error(asked, &answer, &metadata).await)
    }

    async fn verify(
        &self,
        id_token: &Secret,
        nonce: Option<&Secret>,
    ) -> Result<Claims, SourceError> {
        let metadata = self.metadata().await?;
        let host = metadata.host();
        let client = self.client(&metadata, false)?;
        let (algorithm, key_id) = id_token::header(id_token, &host)?;
        let url = metadata.jwks_uri.as_ref().ok_or_else(|| {
            self.not_offered(
                "key set, so that its ID tokens cannot be verified",
                "remove 'openid' from 'scopes' of the source",
            )
        })?;
        let keys = self
            .keys
            .candidates(&self.exchange, url, key_id.as_deref(), algorithm)
            .await?;
        Expected {
            host: &host,
            issuer: &metadata.issuer,
            client_id: &client.id,
            nonce: nonce.filter(|_| self.target(&metadata).is_openid()),
            claims: &self.config.required_claims,
            now: self.clock.now().wall,
            clock_offset: self.exchange.clock_offset(),
        }
        .verify(id_token, algorithm, &keys)
    }

    async fn revoke(&self, token: &Secret, kind: TokenKind) -> Result<bool, TokenError> {
        let metadata = self.metadata().await?;
        let Some(endpoint) = &metadata.revocation_endpoint else {
            return Ok(false);
        };
        let client = self.client(&metadata, false)?;
        let requests = self.requests(&client, &metadata)?;
        let answer = requests.revocation(endpoint, token, kind).await?;
        let refused = refusal::of_body(&answer);
        match (answer.status, refused) {
            // RFC 7009, section 2.2: the body says nothing.
            (200 | 204, None) if !answer.is_page => Ok(true),
            (400.., Some((code, _))) if code == "unsupported_token_type" => Ok(false),
            _ => {
                let asked = Asked {
                    has_grant: false,
                    is_confidential: self.auth.is_confidential(),
                };
                Err(self.error(asked, &answer, &metadata).await)
            }
        }
    }

    fn registration(&self) -> Option<Registration> {
        self.registrations.current()
    }

    fn set_registration(&self, registration: Option<Registration>) {
        self.registrations.set_current(registration);
    }

    fn forget(&self) {
        self.registrations.forget_secret();
        self.exchange.close();
    }
}

#[cfg(test)]
mod tests;
