//! KV v1: no versions, no leases. Its `lease_duration` is advice on caching and not an expiry.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    credential::Credential,
    source::{
        SourceError,
        vault::{
            engine::{self, SecretsEngine},
            field,
            location::SecretTemplate,
            session::VaultSession,
            token,
        },
    },
};

/// A secret in a KV v1 engine.
pub(crate) struct Kv1 {
    template: Arc<SecretTemplate>,
}

impl Kv1 {
    pub(crate) fn new(template: Arc<SecretTemplate>) -> Self {
        Self { template }
    }
}

#[async_trait]
impl SecretsEngine for Kv1 {
    async fn issue(&self, session: &VaultSession) -> Result<Credential, SourceError> {
        let (read, response) = engine::read_secret(session, &self.template).await?;
        let fields = response.data.unwrap_or_default();
        Ok(Credential {
            secret: field::extract_field(
                session.host(),
                &fields,
                &self.template.field,
                &token::secrets(read.token.as_ref()),
            )?,
            obtained: read.sent_at,
            issued: None,
            lifetime: None,
            version: None,
            lease: None,
        })
    }
}
