//! The sources of credentials: their common trait, their errors, and one module for each type.

pub mod catalog;
mod error;
pub(crate) mod exec;
#[cfg(feature = "test-util")]
pub(crate) mod fuzzing;
pub(crate) mod jwt;
pub(crate) mod oauth;
mod random;
mod retry_after;
mod review;
mod sanitize;
mod secret_input;
mod sign_in;
pub(crate) mod signing_key;
mod stored_secret;
pub(crate) mod vault;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

pub use self::{
    error::SourceError,
    sign_in::{Authorization, DeviceAuthorization, Login, SignIn, SignInSettings},
};
pub(crate) use self::{
    retry_after::http_date,
    review::{READABLE_BY_OTHERS, findings},
};
pub use crate::network::{ProxyError, ProxyFailure, ProxyOrigin, TlsError, TransportError};
use crate::{
    credential::Credential,
    principal::Principal,
    template::{ResolveError, Template},
};

/// A source of gateway credentials.
///
/// A source keeps what its next request needs (such as a Vault token), but no credential: the
/// broker caches those. What it keeps it obtains again after [`forget`](Self::forget). It does not
/// retry and does not cache errors: it returns them and the broker decides. Every call ends within
/// the time-out of the source.
#[async_trait]
pub trait Source: Send + Sync {
    /// Obtains a credential. A source that stores keys returns the one that it stores now, which
    /// may be the one that the caller has.
    ///
    /// # Errors
    ///
    /// Any [`SourceError`] except [`SourceError::Forgotten`], which is the broker's.
    async fn issue(&self) -> Result<Credential, SourceError>;

    /// Renews the lease of `credential`: the same secret with a later expiry. `None` if that is not
    /// possible (no lease, not renewable, at its maximum TTL), so that a new one must be issued.
    ///
    /// # Errors
    ///
    /// As [`issue`](Self::issue).
    async fn renew(&self, credential: &Credential) -> Result<Option<Credential>, SourceError> {
        let _ = credential;
        Ok(None)
    }

    /// Checks whether `credential` is still the current one, without reading the secret.
    ///
    /// # Errors
    ///
    /// [`SourceError::Missing`] if it was deleted, destroyed or revoked; else as
    /// [`issue`](Self::issue).
    async fn revalidate(&self, credential: &Credential) -> Result<Freshness, SourceError> {
        let _ = credential;
        Ok(Freshness::Unknown)
    }

    /// Revokes `credential`, if the source can, and ends the login of the source. Returns what that
    /// came to; succeeds if there is nothing to revoke.
    ///
    /// # Errors
    ///
    /// As [`issue`](Self::issue): the credential may still be valid.
    async fn revoke(&self, credential: Option<&Credential>) -> Result<Revocation, SourceError> {
        let _ = credential;
        Ok(Revocation::default())
    }

    /// Drops the secrets that this source has in memory: of its login, and in the connections to
    /// its server. Waits for a request under way that may bring others. Sends nothing, and leaves
    /// what a store has: the next [`issue`](Self::issue) obtains or reads it again. A source that
    /// keeps no secret has nothing to do.
    async fn forget(&self) {}

    /// What a user does to log in, if this source or the one whose credential it presents has such
    /// a login.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] or [`SourceError::ClientVariable`] if the source cannot be
    /// built.
    fn sign_in(&self) -> Result<Option<Arc<dyn SignIn>>, SourceError> {
        Ok(None)
    }

    /// The claims of the login: what `{claim:NAME}` in another source's path stands for. `None`
    /// before the login, and if the source has none.
    fn claims(&self) -> Option<Arc<Map<String, Value>>> {
        None
    }

    /// The name of the source in messages and in `status`: host and port, or the program, or else
    /// the name in the configuration.
    fn host(&self) -> &str;
}

/// The result of [`Source::revalidate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The credential is the current one.
    Fresh,
    /// The source has replaced it.
    Stale,
    /// The source cannot be checked. Further checks are useless.
    Unknown,
}

/// The result of [`Source::revoke`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revocation {
    /// The lease of the credential. The key ends with it.
    pub lease: Revoked,
    /// The login of the source.
    pub login: Revoked,
}

/// Whether a lease or a login was revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revoked {
    /// There was none.
    #[default]
    Nothing,
    /// It is not valid any more.
    Done,
    /// It stays valid until it expires: it cannot be revoked, or another program created it.
    StaysValid,
}

/// Resolves a template of the configuration; `key` is its key in the table of the source `source`.
///
/// # Errors
///
/// [`SourceError::Configuration`] or [`SourceError::ClientVariable`] if a placeholder has no value
/// or an invalid one.
fn resolve(
    source: &str,
    key: &str,
    template: &Template,
    principal: &Principal,
) -> Result<String, SourceError> {
    template
        .resolve(principal)
        .map_err(|error| unresolved(source, key, &error))
}

/// The error of a value of the configuration that cannot be resolved.
fn unresolved(source: &str, key: &str, error: &ResolveError) -> SourceError {
    let reason = format!("'source.{source}.{key}' cannot be resolved: {error}");
    let hint = error.hint();
    match error.variable() {
        Some(_) => SourceError::ClientVariable { reason, hint },
        None => SourceError::Configuration { reason, hint },
    }
}
