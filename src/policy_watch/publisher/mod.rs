//! What a policy is fetched from.

mod http;
mod secret;

use std::sync::Arc;

use async_trait::async_trait;

use self::{http::HttpPublisher, secret::SecretPublisher};
use crate::{
    config::{PolicyPlace, VaultConfig},
    source::{Source, SourceError},
};

/// Publishes a policy.
#[async_trait]
pub(super) trait Publisher: Send + Sync {
    /// Fetches what is published, whether or not it is a policy. `etag` is the entity tag of the
    /// text that is known.
    ///
    /// # Errors
    ///
    /// The end of a sentence whose start names the place.
    async fn fetch(&self, etag: Option<&str>) -> Result<Fetched, String>;

    /// Drops the secrets that it keeps for the next fetch.
    async fn forget(&self) {}
}

/// Makes the source with a name, as it is configured, for no client and no user.
pub(crate) type SecretSources =
    Box<dyn Fn(&str, &VaultConfig) -> Result<Arc<dyn Source>, SourceError> + Send + Sync>;

/// What is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// The text with the entity tag that was sent.
    Unchanged,
    /// This text.
    Text {
        text: Vec<u8>,
        /// Its entity tag, if the server sends one.
        etag: Option<String>,
    },
}

/// The publisher at `place`. No file is read and no request is sent yet.
pub(super) fn of(place: &PolicyPlace, secrets: &SecretSources) -> Box<dyn Publisher> {
    match place {
        PolicyPlace::Url { url, network } => Box::new(HttpPublisher::new(url, network)),
        PolicyPlace::Vault { name, config } => Box::new(SecretPublisher {
            source: secrets(name, config),
        }),
    }
}
