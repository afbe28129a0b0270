//! A policy as a secret in Vault: not because it is one, but because the company has that server.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Fetched, Publisher};
use crate::source::{Source, SourceError};

/// A source whose key is the policy.
pub(super) struct SecretPublisher {
    pub(super) source: Result<Arc<dyn Source>, SourceError>,
}

#[async_trait]
impl Publisher for SecretPublisher {
    async fn fetch(&self, _: Option<&str>) -> Result<Fetched, String> {
        let source = self.source.as_ref().map_err(ToString::to_string)?;
        let issued = source.issue().await;
        let credential = issued.map_err(|error| error.to_string())?;
        Ok(Fetched::Text {
            text: credential.secret.expose().as_bytes().to_vec(),
            etag: None,
        })
    }

    async fn forget(&self) {
        if let Ok(source) = &self.source {
            source.forget().await;
        }
    }
}
