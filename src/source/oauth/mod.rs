//! A token of an OAuth 2.0 authorization server or OpenID provider.

#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the source that uses it follows")
)]
mod provider;
pub(crate) mod server;

use async_trait::async_trait;

use super::{Source, SourceError};
use crate::{config::OauthConfig, credential::Credential};

/// A token of an authorization server.
pub(crate) struct OauthSource {
    name: String,
}

impl OauthSource {
    /// The source `name`. No file is read and no request is sent yet.
    pub(crate) fn new(name: &str, _config: &OauthConfig) -> Self {
        Self {
            name: name.to_owned(),
        }
    }
}

#[async_trait]
impl Source for OauthSource {
    async fn issue(&self) -> Result<Credential, SourceError> {
        Err(SourceError::Configuration {
            reason: format!("source '{}' is not supported by this version", self.name),
            hint: "use another source".to_owned(),
        })
    }

    fn host(&self) -> &str {
        &self.name
    }
}
