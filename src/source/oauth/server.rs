//! What a source needs of an authorization server. The implementation over HTTP is `provider`.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::exposed;
use crate::{clock::Now, network::TransportError, secret::Secret, source::SourceError};

/// The claims of a verified ID token.
pub(crate) type Claims = Map<String, Value>;

/// An authorization server (RFC 6749), with its metadata and this client's credentials.
#[async_trait]
pub(crate) trait AuthorizationServer: Send + Sync {
    /// Host and port of the issuer.
    fn host(&self) -> &str;

    /// What the server says about itself, discovered at the first call.
    ///
    /// # Errors
    ///
    /// [`SourceError`] if it cannot be discovered.
    async fn offer(&self) -> Result<Offer, SourceError>;

    /// The address of the page that a browser opens (RFC 6749, section 4.1.1; RFC 7636).
    ///
    /// # Errors
    ///
    /// As [`Self::offer`].
    async fn authorization_url(
        &self,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Url, SourceError>;

    /// Asks for a device code (RFC 8628, section 3.1).
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    async fn device_code(&self) -> Result<DeviceCode, TokenError>;

    /// Asks the token endpoint once.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    async fn token(&self, grant: Grant<'_>) -> Result<TokenResponse, TokenError>;

    /// Verifies an ID token (OpenID Connect Core 1.0, section 3.1.3.7): signature by the issuer's
    /// key set, `iss` as written, `aud`, `azp`, `exp`, `nonce` if one was sent, and the claims
    /// that the configuration requires.
    ///
    /// # Errors
    ///
    /// [`SourceError`] that names the claim with the expected and the actual value.
    async fn verify(
        &self,
        id_token: &Secret,
        nonce: Option<&Secret>,
    ) -> Result<Claims, SourceError>;

    /// Revokes a token (RFC 7009). Returns false if the server has no such endpoint.
    ///
    /// # Errors
    ///
    /// [`TokenError`].
    async fn revoke(&self, token: &Secret, kind: TokenKind) -> Result<bool, TokenError>;

    /// The client's registration; `None` if the client is configured, or not registered yet. The
    /// caller keeps it with the login: it is another one after a sign-in that had to register.
    fn registration(&self) -> Option<Registration>;

    /// Uses `registration`, which was kept with the login, or none: the next sign-in then registers
    /// a new client.
    fn set_registration(&self, registration: Option<Registration>);

    /// Closes the idle connections, whose buffers may contain tokens, and drops the secret of a
    /// registered client, which is kept with the login.
    fn forget(&self);
}

/// A client that was registered at the server (RFC 7591) because none is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registration {
    pub(crate) client_id: String,
    /// Only if the server insists on one.
    #[serde(default, serialize_with = "exposed::optional")]
    pub(crate) client_secret: Option<Secret>,
    /// The address that manages the registration (RFC 7592).
    pub(crate) registration_client_uri: Option<String>,
    /// The registered redirects.
    #[serde(default)]
    pub(crate) redirect_uris: Vec<String>,
}

/// What a server offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// The issuer as the server's document has it.
    pub(crate) issuer: String,
    /// This client's identifier: configured, named by the gateway, or registered; empty before the
    /// registration, which the first sign-in makes.
    pub(crate) client_id: String,
    /// Whether redirects contain `iss` (RFC 9207).
    pub(crate) sends_issuer: bool,
    /// Whether it has a device authorization endpoint.
    pub(crate) has_device_flow: bool,
}

/// What the address of the sign-in page contains beside the configured parameters.
pub(crate) struct AuthorizationRequest<'a> {
    pub(crate) redirect_uri: &'a Url,
    pub(crate) state: &'a Secret,
    pub(crate) nonce: &'a Secret,
    /// S256 of the verifier.
    pub(crate) code_challenge: &'a str,
}

/// A grant (RFC 6749, section 1.3).
#[derive(Clone, Copy)]
pub(crate) enum Grant<'a> {
    /// An authorization code.
    Code {
        code: &'a Secret,
        redirect_uri: &'a Url,
        verifier: &'a Secret,
    },
    /// A refresh token.
    Refresh(&'a Secret),
    /// A device code.
    Device(&'a Secret),
    /// The client's own credentials.
    ClientCredentials,
}

/// A token response (RFC 6749, section 5.1).
#[derive(Debug)]
pub(crate) struct TokenResponse {
    pub(crate) access_token: Secret,
    pub(crate) id_token: Option<Secret>,
    pub(crate) refresh_token: Option<Secret>,
    /// `expires_in`.
    pub(crate) lifetime: Option<Duration>,
    /// How long the refresh token is valid, from servers that report it: `refresh_expires_in`
    /// (Keycloak), `refresh_token_expires_in` (Okta, Entra).
    pub(crate) refresh_lifetime: Option<Duration>,
    /// Just before the request was sent.
    pub(crate) obtained: Now,
}

/// A device authorization response (RFC 8628, section 3.2).
#[derive(Debug)]
pub(crate) struct DeviceCode {
    pub(crate) device_code: Secret,
    pub(crate) user_code: String,
    pub(crate) verification_uri: String,
    pub(crate) verification_uri_complete: Option<String>,
    /// Just before the request was sent.
    pub(crate) obtained: Now,
    pub(crate) lifetime: Duration,
    /// 5 s if the server does not say.
    pub(crate) interval: Duration,
}

/// The kind of a token, as a hint for its revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Access,
    Refresh,
}

/// Why an endpoint returned no tokens.
#[derive(Debug)]
pub(crate) enum TokenError {
    /// The server's own error (RFC 6749, section 5.2; RFC 8628, section 3.5), whatever the status.
    Refused {
        /// `error`, such as "invalid_grant".
        code: String,
        /// `error_description`, cleaned for messages.
        description: Option<String>,
        status: u16,
        /// The server's `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// The request was sent, and no complete response arrived: the server may have acted on it.
    Lost(TransportError),
    /// Everything else, as the error of the source. The server did not act on the request.
    Other(SourceError),
}

impl From<SourceError> for TokenError {
    fn from(error: SourceError) -> Self {
        Self::Other(error)
    }
}
