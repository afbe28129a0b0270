//! The daemon's memory as a store: a login ends with the daemon.

use std::{collections::HashMap, sync::Mutex};

use async_trait::async_trait;

use super::{SecretStore, StoreError, StoreKey, check_len};
use crate::{secret::Secret, sync::lock};

/// The name in messages.
const NAME: &str = "memory";

/// Secrets in memory.
#[derive(Default)]
pub(super) struct MemoryStore(Mutex<HashMap<StoreKey, Secret>>);

impl MemoryStore {
    /// Drops all secrets.
    pub(super) fn clear(&self) {
        lock(&self.0).clear();
    }
}

#[async_trait]
impl SecretStore for MemoryStore {
    fn name(&self) -> &str {
        NAME
    }

    async fn get(&self, key: &StoreKey) -> Result<Option<Secret>, StoreError> {
        Ok(lock(&self.0).get(key).cloned())
    }

    async fn put(&self, key: &StoreKey, secret: &Secret) -> Result<(), StoreError> {
        check_len(NAME, secret)?;
        lock(&self.0).insert(key.clone(), secret.clone());
        Ok(())
    }

    async fn delete(&self, key: &StoreKey) -> Result<(), StoreError> {
        lock(&self.0).remove(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    #[tokio::test]
    async fn it_conforms() {
        conformance::check(&MemoryStore::default()).await;
    }

    #[tokio::test]
    async fn a_cleared_one_has_nothing() {
        let store = MemoryStore::default();
        let secret = Secret::new("abc".to_owned());
        let key = StoreKey::of_round_trip(&secret.fingerprint());
        store.put(&key, &secret).await.unwrap();
        store.clear();
        assert_eq!(store.get(&key).await.unwrap(), None);
    }
}
