//! The tokens of one response, and the credential that one of them is.

use std::time::Duration;

use serde_json::Value;

use super::{
    client::OauthClient,
    record::StoredTokens,
    server::{Claims, TokenResponse},
};
use crate::{
    clock::{Now, Timestamp},
    config::OauthToken,
    credential::{Credential, check_usable},
    jwt_claims,
    network::one_line,
    secret::Secret,
    source::SourceError,
};

/// How far the clocks of this machine and of a server may differ before it is worth a warning. The
/// servers that verify a token mostly allow as much.
const LEEWAY: Duration = Duration::from_secs(60);

/// What a server has issued.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    access_token: Secret,
    pub(super) id_token: Option<Secret>,
    /// `expires_in`: of the access token, from `obtained` on.
    lifetime: Option<Duration>,
    obtained: Now,
    /// What was left of the credential when it was read from the store; `None` if it is new.
    left: Option<Duration>,
}

impl Tokens {
    pub(super) fn new(response: &TokenResponse) -> Self {
        Self {
            access_token: response.access_token.clone(),
            id_token: response.id_token.clone(),
            lifetime: response.lifetime,
            obtained: response.obtained,
            left: None,
        }
    }

    /// Those that were stored, at `now`.
    pub(super) fn restored(stored: &StoredTokens, now: Now) -> Self {
        let remaining = |end: Timestamp| Duration::try_from(end.duration_since(now.wall));
        Self {
            access_token: stored.access_token.clone(),
            id_token: stored.id_token.clone(),
            lifetime: None,
            obtained: now,
            // A negative one is over.
            left: stored
                .expires_at
                .map(|end| remaining(end).unwrap_or_default()),
        }
    }

    /// Whether the access token is known to have expired.
    pub(super) fn is_expired(&self, now: Now) -> bool {
        let passed = now.tick.since(self.obtained.tick);
        self.lifetime.is_some_and(|lifetime| lifetime <= passed)
            || jwt_claims::expiry(&self.access_token).is_some_and(|exp| exp <= now.wall)
    }

    /// As they are stored, with the end of the credential.
    pub(super) fn to_stored(&self, expires_at: Option<Timestamp>) -> StoredTokens {
        StoredTokens {
            access_token: self.access_token.clone(),
            id_token: self.id_token.clone(),
            expires_at,
        }
    }

    /// The claims of the access token, which are not verified; `None` if it is not a JWT.
    pub(super) fn claims(&self) -> Option<Claims> {
        jwt_claims::of(&self.access_token)
    }
}

impl OauthClient {
    /// The credential among `tokens` that the configuration asks for.
    ///
    /// The access token expires after `expires_in` or at its own `exp`, which is sooner, else after
    /// the configured `ttl`; an ID token at its `exp`.
    ///
    /// # Errors
    ///
    /// [`SourceError::Unusable`] if that token is missing, if the client would refuse it, or if
    /// the access token is a JWT for another audience.
    pub(super) fn credential(&self, tokens: &Tokens) -> Result<Credential, SourceError> {
        let field = match self.config.token {
            OauthToken::Access => "access_token",
            OauthToken::Id => "id_token",
        };
        let unusable = |reason: String| SourceError::Unusable {
            host: self.host().to_owned(),
            field: field.to_owned(),
            reason,
        };
        let (secret, lifetime) = match self.config.token {
            OauthToken::Access => (Some(&tokens.access_token), tokens.lifetime),
            OauthToken::Id => (tokens.id_token.as_ref(), None),
        };
        let secret = secret.ok_or_else(|| unusable("is missing in the response".to_owned()))?;
        check_usable(secret).map_err(|error| unusable(error.to_string()))?;
        let claims = jwt_claims::of::<Claims>(secret).unwrap_or_default();
        if self.config.token == OauthToken::Access {
            self.check_audience(&claims).map_err(unusable)?;
        }
        self.warn_of_skew(&claims, tokens.obtained);
        let by_claim = jwt_claims::date(&claims, "exp")
            .and_then(|exp| Duration::try_from(exp.duration_since(tokens.obtained.wall)).ok())
            // By a wrong clock it has expired before it was obtained.
            .filter(|lifetime| !lifetime.is_zero());
        let lifetime = match (tokens.left, lifetime, by_claim) {
            (Some(left), ..) => Some(left),
            (None, Some(a), Some(b)) => Some(a.min(b)),
            (None, a, b) => a.or(b).or(self.config.ttl),
        };
        Ok(Credential {
            secret: secret.clone(),
            obtained: tokens.obtained,
            issued: None,
            lifetime,
            version: None,
            lease: None,
        })
    }

    /// Checks that the configured `audience` is among those of the access token, if it has any. The
    /// server may map a `resource` to another audience (RFC 8707, section 2), which proves nothing.
    fn check_audience(&self, claims: &Claims) -> Result<(), String> {
        let Some(expected) = &self.config.audience else {
            return Ok(());
        };
        let audiences: Vec<&str> = match claims.get("aud") {
            Some(Value::String(audience)) => vec![audience],
            Some(Value::Array(all)) => all
                .iter()
                .filter_map(|audience| audience.as_str())
                .collect(),
            _ => return Ok(()),
        };
        match audiences.contains(&expected.as_str()) {
            true => Ok(()),
            false => {
                let actual = one_line(&audiences.join("', '"));
                Err(format!(
                    "is for the audience '{actual}', expected '{expected}'"
                ))
            }
        }
    }

    /// Logs that this machine's clock differs from the server's. It is not an error: the gateway's
    /// clock, not this one, decides if a token is valid.
    fn warn_of_skew(&self, claims: &Claims, obtained: Now) {
        let date = |name| jwt_claims::date(claims, name);
        let ahead = |at: Timestamp| Duration::try_from(at.duration_since(obtained.wall)).ok();
        let is_behind = [date("nbf"), date("iat")]
            .into_iter()
            .flatten()
            .any(|at| ahead(at).is_some_and(|ahead| ahead > LEEWAY));
        if is_behind {
            let host = self.host();
            tracing::warn!(
                event = "clock-skewed",
                host,
                "the new token is not valid yet: check this machine's clock, which is behind"
            );
        } else if date("exp").is_some_and(|exp| exp <= obtained.wall) {
            let host = self.host();
            tracing::warn!(
                event = "clock-skewed",
                host,
                "the new token has already expired: check this machine's clock, which is ahead"
            );
        }
    }
}
