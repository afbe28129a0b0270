//! The Windows Credential Manager: generic credentials of the user, on this machine alone.
//!
//! The system encrypts them with the user's password. One contains at most 2,560 bytes, so a login
//! is in [several](super::chunks).

mod credentials;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use self::credentials::Credentials;
use super::chunks::{self, Items as _};
use crate::{
    secret::Secret,
    store::{SecretStore, StoreError, StoreKey, blocking, check_len, random, secret},
    sync::lock,
};

/// The name in messages.
const NAME: &str = "the Windows Credential Manager";

/// The user's credentials.
#[derive(Default)]
pub(super) struct CredentialManager {
    /// Held, by a thread for blocking work, while a login changes.
    writing: Arc<Mutex<()>>,
}

#[async_trait]
impl SecretStore for CredentialManager {
    fn name(&self) -> &str {
        NAME
    }

    async fn get(&self, key: &StoreKey) -> Result<Option<Secret>, StoreError> {
        let target = target(key);
        blocking::run(NAME, move || {
            let Some(value) = chunks::get(&Credentials, &target)? else {
                return Ok(None);
            };
            let damaged = || Credentials.damaged();
            secret(&value).ok_or_else(damaged).map(Some)
        })
        .await
    }

    async fn put(&self, key: &StoreKey, secret: &Secret) -> Result<(), StoreError> {
        check_len(NAME, secret)?;
        let (target, secret) = (target(key), secret.clone());
        let writing = Arc::clone(&self.writing);
        blocking::run(NAME, move || {
            let generation = random(NAME)?.fingerprint().to_string();
            let _writing = lock(&writing);
            let value = secret.expose().as_bytes();
            chunks::put(&Credentials, &target, value, &generation)
        })
        .await
    }

    async fn delete(&self, key: &StoreKey) -> Result<(), StoreError> {
        let target = target(key);
        let writing = Arc::clone(&self.writing);
        blocking::run(NAME, move || {
            let _writing = lock(&writing);
            chunks::delete(&Credentials, &target)
        })
        .await
    }
}

/// The name of a login's header: unique to its key.
fn target(key: &StoreKey) -> String {
    format!("Claviger:{}", key.id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    #[tokio::test]
    async fn it_conforms() {
        conformance::check(&CredentialManager::default()).await;
    }
}
