//! A source that signs JWTs. See RFC 7519 (claims), RFC 7515 (signature), RFC 7518 and RFC 8037
//! (algorithms).
//!
//! The claims are `iat`, `exp`, a random `jti`, and those of the configuration (`iss`, `sub`,
//! `aud`, `claims`, and `nbf` if a gateway requires it). Many gateways refuse a token whose `iat`
//! or `nbf` is in the future, even by a second: both are `leeway` before now, so that a gateway's
//! clock may be behind. `exp` is `ttl` after now.

mod signer;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Map, Value};

use self::signer::Signer;
use super::{Source, SourceError, random, secret_input::SecretInput};
use crate::{
    clock::{Clock, Timestamp},
    config::{Audience, JwtConfig},
    credential::{Credential, check_usable},
    principal::Principal,
};

/// Signs a JWT for each credential.
pub(crate) struct JwtSource {
    name: String,
    config: JwtConfig,
    subject: Option<String>,
    signer: Signer,
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
        let password = config
            .key_password
            .as_ref()
            .map(|password| SecretInput::new(name, "key_password", password, principal))
            .transpose()?;
        Ok(Self {
            name: name.to_owned(),
            config: config.clone(),
            subject,
            signer: Signer::new(name, config.algorithm, key, password),
            clock,
        })
    }

    fn claims(&self, now: Timestamp) -> Result<Map<String, Value>, SourceError> {
        let mut claims = self.config.claims.clone();
        let config = &self.config;
        let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        if let Some(issuer) = &config.issuer {
            set("iss", Value::from(issuer.as_str()));
        }
        if let Some(subject) = &self.subject {
            set("sub", Value::from(subject.as_str()));
        }
        match &config.audience {
            Some(Audience::One(audience)) => set("aud", Value::from(audience.as_str())),
            Some(Audience::List(audiences)) => set("aud", Value::from(audiences.as_slice())),
            None => None,
        };
        let now = now.as_second();
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let issued = now.saturating_sub(seconds(config.leeway));
        set("iat", Value::from(issued));
        if config.not_before {
            set("nbf", Value::from(issued));
        }
        set("exp", Value::from(now.saturating_add(seconds(config.ttl))));
        set("jti", Value::from(self.random_id()?));
        Ok(claims)
    }

    /// Returns 128 random bits in hexadecimal digits.
    fn random_id(&self) -> Result<String, SourceError> {
        let bytes = random::bytes::<16>(&self.name)?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[async_trait]
impl Source for JwtSource {
    async fn issue(&self) -> Result<Credential, SourceError> {
        let obtained = self.clock.now();
        let claims = self.claims(obtained.wall)?;
        let secret = self.signer.sign(self.config.key_id.as_deref(), &claims)?;
        check_usable(&secret).map_err(|e| SourceError::Unusable {
            host: self.name.clone(),
            field: "jwt".to_owned(),
            reason: e.to_string(),
        })?;
        // `exp` is rounded down to a second: the JWT expires up to a second before `ttl` is over.
        let fraction = u32::try_from(obtained.wall.subsec_nanosecond()).unwrap_or(0);
        let fraction = Duration::from_nanos(fraction.into());
        Ok(Credential {
            secret,
            obtained,
            issued: None,
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
