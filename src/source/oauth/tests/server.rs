//! An authorization server that rotates refresh tokens, detects their reuse, and fails on demand.

use std::{collections::VecDeque, sync::Mutex, time::Duration};

use async_trait::async_trait;
use serde_json::{Value, json};
use url::Url;

use super::faults::{Faults, Moment};
use crate::{
    clock::{Clock as _, ManualClock},
    network::TransportError,
    secret::Secret,
    source::{
        SourceError,
        oauth::server::{
            AuthorizationRequest, AuthorizationServer, Claims, DeviceCode, Grant, Offer,
            Registration, TokenError, TokenKind, TokenResponse,
        },
    },
    sync,
};

/// The lifetime of an access token.
pub(super) const LIFETIME: Duration = Duration::from_secs(3600);

/// What becomes of a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rotation {
    /// It stays.
    Off,
    /// It is replaced, and accepted once more.
    Grace,
    /// It is replaced; to use it again ends the login.
    Strict,
}

/// What the tests set, and what they look at.
pub(super) struct Settings {
    pub(super) issuer: &'static str,
    pub(super) rotation: Rotation,
    pub(super) issues_refresh_token: bool,
    pub(super) issues_id_token: bool,
    pub(super) refresh_lifetime: Option<Duration>,
    pub(super) lifetime: Option<Duration>,
    /// The claims of access tokens, which are JWTs then.
    pub(super) access_claims: Option<Value>,
    pub(super) id_claims: Value,
    /// Refusals of the next requests to the token endpoint.
    pub(super) refusals: VecDeque<TokenError>,
    pub(super) revokes: bool,
    pub(super) registration: Option<Registration>,
    /// The requests so far.
    pub(super) requests: Vec<String>,
    issued: u32,
    logins: Vec<Family>,
}

/// The refresh tokens of one login.
#[derive(Default)]
struct Family {
    /// Those that are accepted, the newest one last.
    accepted: Vec<String>,
    used: Vec<String>,
}

/// The server.
pub(super) struct FakeServer {
    pub(super) settings: Mutex<Settings>,
    /// Of the token endpoint.
    pub(super) faults: Faults,
    /// Of the key set, which the verification of an ID token needs.
    pub(super) key_faults: Faults,
    /// Of the revocation endpoint.
    pub(super) revocation_faults: Faults,
    clock: ManualClock,
}

/// A refusal with this code and status.
pub(super) fn refused(code: &str, status: u16) -> TokenError {
    TokenError::Refused {
        code: code.to_owned(),
        description: Some("the reason".to_owned()),
        status,
        retry_after: None,
    }
}

/// A secret of this text.
pub(super) fn secret(text: impl Into<String>) -> Secret {
    Secret::new(text.into())
}

impl FakeServer {
    pub(super) fn new(clock: ManualClock, rotation: Rotation) -> Self {
        let settings = Settings {
            issuer: "https://idp.test",
            rotation,
            issues_refresh_token: true,
            issues_id_token: true,
            refresh_lifetime: None,
            lifetime: Some(LIFETIME),
            access_claims: None,
            id_claims: json!({"sub": "1", "preferred_username": "ada"}),
            refusals: VecDeque::new(),
            revokes: true,
            registration: None,
            requests: Vec::new(),
            issued: 0,
            logins: Vec::new(),
        };
        Self {
            settings: Mutex::new(settings),
            faults: Faults::default(),
            key_faults: Faults::default(),
            revocation_faults: Faults::default(),
            clock,
        }
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut sync::lock(&self.settings));
    }

    /// How many requests of this kind there were.
    pub(super) fn count(&self, kind: &str) -> usize {
        let settings = sync::lock(&self.settings);
        let requests = settings.requests.iter();
        requests.filter(|request| request.starts_with(kind)).count()
    }

    /// Ends all logins, as an administrator does.
    pub(super) fn end_logins(&self) {
        sync::lock(&self.settings).logins.clear();
    }

    fn revoke_now(&self, token: &Secret, kind: TokenKind) {
        let mut settings = sync::lock(&self.settings);
        settings
            .requests
            .push(format!("revoke {kind:?} {}", token.expose()));
        if settings.revokes {
            let is_revoked =
                |family: &Family| family.accepted.iter().any(|known| known == token.expose());
            settings.logins.retain(|family| !is_revoked(family));
        }
    }

    fn answer(&self, grant: Grant<'_>) -> Result<TokenResponse, TokenError> {
        let mut settings = sync::lock(&self.settings);
        if let Some(refusal) = settings.refusals.pop_front() {
            return Err(refusal);
        }
        let login = match grant {
            Grant::Refresh(token) => settings.login_of(token.expose())?,
            _ => {
                settings.logins.push(Family::default());
                settings.logins.len() - 1
            }
        };
        settings.issued += 1;
        let number = settings.issued;
        let rotates = settings.rotation != Rotation::Off || !matches!(grant, Grant::Refresh(_));
        let issues = settings.issues_refresh_token && !matches!(grant, Grant::ClientCredentials);
        let refresh_token = (issues && rotates).then(|| format!("refresh-{number}"));
        if let Some(new) = &refresh_token {
            let keeps = usize::from(settings.rotation == Rotation::Grace);
            let family = &mut settings.logins[login];
            let superseded = family.accepted.len().saturating_sub(keeps);
            family.used.extend(family.accepted.drain(..superseded));
            family.accepted.push(new.clone());
        }
        let access_token = match &settings.access_claims {
            None => format!("access-{number}"),
            Some(claims) => super::jwt(claims, number),
        };
        Ok(TokenResponse {
            access_token: secret(access_token),
            id_token: settings
                .issues_id_token
                .then(|| secret(format!("id-{number}"))),
            refresh_token: refresh_token.map(secret),
            lifetime: settings.lifetime,
            refresh_lifetime: settings.refresh_lifetime,
            obtained: self.clock.now(),
        })
    }
}

impl Settings {
    /// The login of a refresh token. The use of one that was replaced ends it.
    fn login_of(&mut self, token: &str) -> Result<usize, TokenError> {
        let is_in = |tokens: &[String]| tokens.iter().any(|known| known == token);
        self.logins.retain(|family| !is_in(&family.used));
        let mut logins = self.logins.iter();
        let login = logins.position(|family| is_in(&family.accepted));
        login.ok_or_else(|| refused("invalid_grant", 400))
    }
}

fn lost() -> TokenError {
    TokenError::Lost(TransportError::Interrupted("connection reset".to_owned()))
}

fn unreachable() -> SourceError {
    SourceError::Unreachable {
        host: "idp.test".to_owned(),
        error: TransportError::Refused,
    }
}

#[async_trait]
impl AuthorizationServer for FakeServer {
    fn host(&self) -> &str {
        "idp.test"
    }

    async fn offer(&self) -> Result<Offer, SourceError> {
        Ok(Offer {
            issuer: sync::lock(&self.settings).issuer.to_owned(),
            client_id: "claviger".to_owned(),
            sends_issuer: true,
            has_device_flow: true,
        })
    }

    async fn authorization_url(
        &self,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Url, SourceError> {
        let mut url = Url::parse("https://idp.test/authorize").unwrap();
        url.query_pairs_mut()
            .append_pair("redirect_uri", request.redirect_uri.as_str())
            .append_pair("state", request.state.expose())
            .append_pair("nonce", request.nonce.expose())
            .append_pair("code_challenge", request.code_challenge);
        Ok(url)
    }

    async fn device_code(&self) -> Result<DeviceCode, TokenError> {
        Ok(DeviceCode {
            device_code: secret("device"),
            user_code: "ABCD-EFGH".to_owned(),
            verification_uri: "https://idp.test/device".to_owned(),
            verification_uri_complete: None,
            obtained: self.clock.now(),
            lifetime: Duration::from_secs(600),
            interval: Duration::from_secs(5),
        })
    }

    async fn token(&self, grant: Grant<'_>) -> Result<TokenResponse, TokenError> {
        sync::lock(&self.settings).requests.push(match grant {
            Grant::Code { code, .. } => format!("code {}", code.expose()),
            Grant::Refresh(token) => format!("refresh {}", token.expose()),
            Grant::Device(_) => "device".to_owned(),
            Grant::ClientCredentials => "client".to_owned(),
        });
        if self.faults.fails(Moment::Before).await {
            return Err(TokenError::Other(unreachable()));
        }
        let answer = self.answer(grant);
        match self.faults.fails(Moment::After).await {
            true => Err(lost()),
            false => answer,
        }
    }

    async fn verify(&self, _: &Secret, _: Option<&Secret>) -> Result<Claims, SourceError> {
        if self.key_faults.fails(Moment::Before).await {
            return Err(unreachable());
        }
        match &sync::lock(&self.settings).id_claims {
            Value::Object(claims) => Ok(claims.clone()),
            _ => Err(unreachable()),
        }
    }

    async fn revoke(&self, token: &Secret, kind: TokenKind) -> Result<bool, TokenError> {
        if self.revocation_faults.fails(Moment::Before).await {
            return Err(TokenError::Other(unreachable()));
        }
        self.revoke_now(token, kind);
        self.revocation_faults.fails(Moment::After).await;
        Ok(sync::lock(&self.settings).revokes)
    }

    fn registration(&self) -> Option<Registration> {
        sync::lock(&self.settings).registration.clone()
    }

    fn set_registration(&self, registration: Option<Registration>) {
        let id = registration.map(|registration| registration.client_id);
        self.set(|settings| settings.requests.push(format!("registration {id:?}")));
    }

    fn forget(&self) {}
}
