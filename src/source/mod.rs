//! Where credentials come from: the trait that every source fulfils, and what can go wrong there.

pub mod catalog;
mod error;
pub(crate) mod exec;
pub(crate) mod jwt;
mod sanitize;
mod secret_file;
pub(crate) mod vault;

use async_trait::async_trait;

pub use self::error::{SourceError, TlsError, TransportError};
use crate::{
    config::{Principal, Template},
    credential::Credential,
};

/// A place that issues gateway credentials.
///
/// A source keeps what it needs to be asked again (a Vault token, say), but no credential: that is the broker's. It does
/// not retry and does not cache failures either; it says what happened and the broker decides. Every call ends within
/// the source's own time-out.
#[async_trait]
pub trait Source: Send + Sync {
    /// Obtains a credential. Where the source stores keys, this is the one that is stored there now, which may be the
    /// one already in hand.
    async fn issue(&self) -> Result<Credential, SourceError>;

    /// Makes the lease of `credential` longer: the same secret, a later end. `None` where that is not possible (no
    /// lease, not renewable, at its maximum): then a new one has to be issued.
    async fn renew(&self, credential: &Credential) -> Result<Option<Credential>, SourceError> {
        let _ = credential;
        Ok(None)
    }

    /// Looks whether `credential` is still what the source has, without reading the secret.
    ///
    /// # Errors
    ///
    /// [`SourceError::Missing`] where it was deleted, destroyed or revoked.
    async fn revalidate(&self, credential: &Credential) -> Result<Freshness, SourceError> {
        let _ = credential;
        Ok(Freshness::Unknown)
    }

    /// Tells the source that `credential` is no longer wanted, and gives up what the source holds for itself (its
    /// login). Nothing in hand is no error.
    async fn revoke(&self, credential: Option<&Credential>) -> Result<(), SourceError> {
        let _ = credential;
        Ok(())
    }

    /// The host that a message or `status` names; the program's name for one that asks no host.
    fn host(&self) -> &str;
}

/// What a look at a source found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing has changed.
    Fresh,
    /// The source has another one by now.
    Stale,
    /// This source can't be looked at; it need not be tried again.
    Unknown,
}

/// Fills in a template of the configuration; `key` is its name in the source's table.
fn resolve(
    source: &str,
    key: &str,
    template: &Template,
    principal: &Principal,
) -> Result<String, SourceError> {
    template
        .resolve(principal)
        .map_err(|e| SourceError::Configuration {
            reason: format!("'source.{source}.{key}' cannot be resolved: {e}"),
            hint: "correct the placeholder, or set its value".to_owned(),
        })
}
