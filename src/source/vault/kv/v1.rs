//! KV v1: no versions, no leases. Its `lease_duration` is advice on caching and not an expiry.

use async_trait::async_trait;
use vaultrs::api::kv1::requests::GetSecretRequest;

use crate::{
    credential::Credential,
    source::{
        SourceError,
        vault::{
            engine::SecretsEngine,
            field::{self, SecretFields},
            location::SecretLocation,
            session::VaultSession,
        },
    },
};

/// A secret in a KV v1 engine.
pub(crate) struct Kv1 {
    location: SecretLocation,
}

impl Kv1 {
    pub(crate) fn new(location: SecretLocation) -> Self {
        Self { location }
    }
}

#[async_trait]
impl SecretsEngine for Kv1 {
    async fn issue(&self, session: &VaultSession) -> Result<Credential, SourceError> {
        let SecretLocation { mount, path, field } = &self.location;
        let read = session
            .read(&self.location.full(), || GetSecretRequest {
                mount: mount.clone(),
                path: path.clone(),
            })
            .await?;
        let response = read.parse::<SecretFields>(session.host())?;
        let fields = response.data.unwrap_or_default();
        Ok(Credential {
            secret: field::extract_field(session.host(), fields, field)?,
            obtained: read.sent_at,
            lifetime: None,
            version: None,
            lease: None,
        })
    }
}
