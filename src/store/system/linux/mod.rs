//! The freedesktop Secret Service, which GNOME Keyring, KWallet and KeePassXC implement.
//!
//! <https://specifications.freedesktop.org/secret-service/>
//!
//! Each operation has a connection of its own: between two of them nothing is open or wakes up. No
//! prompt is opened, because none may be seen: what only a prompt can unlock is locked.

mod error;
mod service;
mod session;

use std::path::PathBuf;

use async_trait::async_trait;
use tokio::time;

use self::service::Service;
use crate::{
    secret::Secret,
    store::{SecretStore, StoreError, StoreKey, TIMEOUT, check_len},
};

/// The name in messages.
const NAME: &str = "the Secret Service";

/// The Secret Service on the user's session bus.
pub(super) struct SecretService {
    bus: PathBuf,
}

impl SecretService {
    /// The one on the bus with this socket.
    pub(super) fn new(bus: PathBuf) -> Self {
        Self { bus }
    }

    async fn limited<T>(
        &self,
        operation: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match time::timeout(TIMEOUT, operation).await {
            Ok(result) => result,
            Err(_) => Err(StoreError::timed_out(NAME)),
        }
    }
}

#[async_trait]
impl SecretStore for SecretService {
    fn name(&self) -> &str {
        NAME
    }

    async fn get(&self, key: &StoreKey) -> Result<Option<Secret>, StoreError> {
        self.limited(async {
            let service = Service::connect(&self.bus).await?;
            match service.search(key).await?.first() {
                None => Ok(None),
                Some(item) => {
                    service.unlock(item.path()).await?;
                    service.open_session().await?.secret(item).await.map(Some)
                }
            }
        })
        .await
    }

    async fn put(&self, key: &StoreKey, secret: &Secret) -> Result<(), StoreError> {
        check_len(NAME, secret)?;
        self.limited(async {
            let service = Service::connect(&self.bus).await?;
            let session = service.open_session().await?;
            match service.search(key).await?.first() {
                // In its collection: in the one that is now the default it would be a second item.
                Some(item) => {
                    service.unlock(item.path()).await?;
                    session.set_secret(item, secret).await
                }
                None => {
                    let collection = service.default_collection().await?;
                    service.unlock(&collection).await?;
                    session.create_item(&collection, key, secret).await
                }
            }
        })
        .await
    }

    async fn delete(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.limited(async {
            let service = Service::connect(&self.bus).await?;
            for item in service.search(key).await? {
                service.unlock(item.path()).await?;
                service.delete(&item).await?;
            }
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests;
