//! A source that signs JWTs. See RFC 7519 (claims), RFC 7515 (signature), RFC 7518 and RFC 8037
//! (algorithms).
//!
//! The claims are `iat`, `exp`, a random `jti`, and those of the configuration (`iss`, `sub`,
//! `aud`, `claims`). There is no `nbf`: it would equal `iat`, and a gateway whose clock is behind
//! would refuse the token.

mod key;

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::rand;
use jsonwebtoken::Header;
use serde_json::{Map, Value};

use self::key::KeyRing;
use super::{Source, SourceError, secret_input::SecretInput};
use crate::{
    clock::{Clock, Timestamp},
    config::JwtConfig,
    credential::{Credential, check_usable},
    principal::Principal,
    secret::Secret,
};

/// Signs a JWT for each credential.
pub(crate) struct JwtSource {
    name: String,
    config: JwtConfig,
    subject: Option<String>,
    keys: KeyRing,
    clock: Arc<dyn Clock>,
}

impl JwtSource {
    /// The source `name`. The key is not read yet.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if a placeholder has no value.
    pub(crate) fn new(
        name: &str,
        config: &JwtConfig,
        principal: &Principal,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SourceError> {
        let subject = config
            .subject
            .as_ref()
            .map(|subject| super::resolve(name, "subject", subject, principal))
            .transpose()?;
        let key = SecretInput::new(name, "key", &config.key, principal)?;
        Ok(Self {
            name: name.to_owned(),
            config: config.clone(),
            subject,
            keys: KeyRing::new(config.algorithm, key),
            clock,
        })
    }

    fn claims(&self, now: Timestamp) -> Result<Map<String, Value>, SourceError> {
        let mut claims = self.config.claims.clone();
        let strings = [
            ("iss", &self.config.issuer),
            ("sub", &self.subject),
            ("aud", &self.config.audience),
        ];
        for (name, value) in strings {
            if let Some(value) = value {
                claims.insert(name.to_owned(), Value::from(value.as_str()));
            }
        }
        let issued = now.as_second();
        let ttl = i64::try_from(self.config.ttl.as_secs()).unwrap_or(i64::MAX);
        claims.insert("iat".to_owned(), Value::from(issued));
        claims.insert("exp".to_owned(), Value::from(issued.saturating_add(ttl)));
        claims.insert("jti".to_owned(), Value::from(self.random_id()?));
        Ok(claims)
    }

    /// Returns 128 random bits in hexadecimal digits.
    fn random_id(&self) -> Result<String, SourceError> {
        let mut bytes = [0; 16];
        rand::fill(&mut bytes).map_err(|_| SourceError::Configuration {
            reason: format!(
                "source '{}' cannot read random numbers from the system",
                self.name
            ),
            hint: "restart the daemon".to_owned(),
        })?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[async_trait]
impl Source for JwtSource {
    async fn issue(&self) -> Result<Credential, SourceError> {
        let obtained = self.clock.now();
        let header = Header {
            kid: self.config.key_id.clone(),
            ..Header::new(self.config.algorithm)
        };
        let claims = self.claims(obtained.wall)?;
        let jwt = self.keys.sign(&header, &claims)?;
        let secret = Secret::new(jwt);
        check_usable(&secret).map_err(|e| SourceError::Unusable {
            host: self.name.clone(),
            field: "jwt".to_owned(),
            reason: e.to_string(),
        })?;
        // `exp` is rounded down to a second: the JWT expires up to a second before `ttl` is over.
        let fraction = u32::try_from(obtained.wall.subsec_nanosecond()).unwrap_or(0);
        let fraction = std::time::Duration::from_nanos(fraction.into());
        Ok(Credential {
            secret,
            obtained,
            lifetime: Some(self.config.ttl.saturating_sub(fraction)),
            version: None,
            lease: None,
        })
    }

    /// There is no host: the name in the configuration.
    fn host(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests;
