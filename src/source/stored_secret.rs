//! A secret of a login that rests in its store between runs of the daemon.

use std::sync::Arc;

use super::SourceError;
use crate::{
    secret::Secret,
    store::{SecretStore, StoreError, StoreKey},
};

/// The place of one secret in a store.
pub(crate) struct StoredSecret {
    store: Arc<dyn SecretStore>,
    key: StoreKey,
}

impl StoredSecret {
    /// The place that `store` has for `key`. Nothing is read yet.
    pub(super) fn new(store: Arc<dyn SecretStore>, key: StoreKey) -> Self {
        Self { store, key }
    }

    /// Returns the secret, if there is one.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if the store cannot be read.
    pub(super) async fn get(&self) -> Result<Option<Secret>, SourceError> {
        let found = self.store.get(&self.key).await;
        found.map_err(|error| of_store(&error))
    }

    /// Finds out whether the store would keep a secret.
    ///
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if it would not.
    pub(super) async fn check(&self) -> Result<(), SourceError> {
        let kept = self.store.round_trip().await;
        kept.map_err(|error| of_store(&error))
    }

    /// Stores `secret` in place of the one that is there.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub(super) async fn put(&self, secret: &Secret) -> Result<(), StoreError> {
        self.store.put(&self.key, secret).await
    }
}

/// The error of a source whose store failed.
pub(super) fn of_store(error: &StoreError) -> SourceError {
    SourceError::Configuration {
        reason: error.to_string(),
        hint: error.hint().to_owned(),
    }
}
