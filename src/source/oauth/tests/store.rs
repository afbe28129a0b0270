//! A store that fails on demand.

use std::{collections::HashMap, sync::Mutex};

use async_trait::async_trait;

use super::faults::{Faults, Moment};
use crate::{
    secret::Secret,
    store::{SecretStore, StoreError, StoreKey},
    sync,
};

/// The store.
#[derive(Default)]
pub(super) struct FakeStore {
    pub(super) secrets: Mutex<HashMap<StoreKey, String>>,
    pub(super) get_faults: Faults,
    pub(super) put_faults: Faults,
    pub(super) delete_faults: Faults,
}

fn failed() -> StoreError {
    StoreError::Locked {
        store: "the fake store".to_owned(),
        reason: "its keyring is locked".to_owned(),
        hint: "unlock it".to_owned(),
    }
}

#[async_trait]
impl SecretStore for FakeStore {
    fn name(&self) -> &str {
        "the fake store"
    }

    async fn get(&self, key: &StoreKey) -> Result<Option<Secret>, StoreError> {
        if self.get_faults.fails(Moment::Before).await {
            return Err(failed());
        }
        Ok(sync::lock(&self.secrets).get(key).cloned().map(Secret::new))
    }

    async fn put(&self, key: &StoreKey, secret: &Secret) -> Result<(), StoreError> {
        if self.put_faults.fails(Moment::Before).await {
            return Err(failed());
        }
        let (key, text) = (key.clone(), secret.expose().to_owned());
        sync::lock(&self.secrets).insert(key, text);
        match self.put_faults.fails(Moment::After).await {
            true => Err(failed()),
            false => Ok(()),
        }
    }

    async fn delete(&self, key: &StoreKey) -> Result<(), StoreError> {
        if self.delete_faults.fails(Moment::Before).await {
            return Err(failed());
        }
        sync::lock(&self.secrets).remove(key);
        match self.delete_faults.fails(Moment::After).await {
            true => Err(failed()),
            false => Ok(()),
        }
    }
}
