//! The stores in which the secrets of logins rest between runs of the daemon: OAuth refresh tokens,
//! each with its record.
//!
//! ```text
//! StoreKind ─▶ Stores ─▶ SecretStore ◀─ system: the Secret Service, the macOS Keychain,
//!                                    │          the Windows Credential Manager
//!                                    ◀─ file:   sealed, in the state directory
//!                                    ◀─ memory: of the daemon
//! ```
//!
//! The configuration chooses the store, and there is no other one in its place if that fails: a
//! secret never rests in a weaker store than the configured one. [`SecretStore::round_trip`] finds
//! out before a login whether it could be kept.
//!
//! Only the daemon uses a store, and unattended: an operation never opens a prompt, and ends within
//! [`TIMEOUT`].
//!
//! What each store protects from:
//!
//! - system: other users, and readers of the disk, because the user's password encrypts it
//! - file: other users, and readers of a copy that lacks the sealing key
//! - memory: readers of the disk as well, because nothing of it is there
//!
//! None protects from a program that runs as the same user. Only the Keychain asks before it gives
//! an item to another program.

mod blocking;
#[cfg(test)]
mod conformance;
mod error;
mod file;
mod key;
mod memory;
mod system;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_lc_rs::rand;

pub(crate) use self::{error::StoreError, key::StoreKey};
use self::{file::FileStore, memory::MemoryStore};
use crate::{config::StoreKind, secret::Secret};

/// The longest time that an operation takes. A client that waits for a key gives up after a few
/// seconds more; a keyring that the bus has to start first takes one.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest secret in bytes: tokens with many groups have up to 20,000.
const MAX_LEN: usize = 64 * 1024;

/// One place where secrets rest.
#[async_trait]
pub(crate) trait SecretStore: Send + Sync {
    /// The store's name in messages: "the Secret Service".
    fn name(&self) -> &str;

    /// Returns the secret of `key`, if there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError`]. The secret may still be there.
    async fn get(&self, key: &StoreKey) -> Result<Option<Secret>, StoreError>;

    /// Stores `secret` for `key`. A secret that is there is replaced as a whole.
    ///
    /// # Errors
    ///
    /// [`StoreError`]. The former secret is still there; after a time-out it may be the new one.
    async fn put(&self, key: &StoreKey, secret: &Secret) -> Result<(), StoreError>;

    /// Removes the secret of `key`, if there is one.
    ///
    /// # Errors
    ///
    /// [`StoreError`]. The secret may still be there.
    async fn delete(&self, key: &StoreKey) -> Result<(), StoreError>;

    /// Stores, reads and removes a random value under a key of its own: a login is not started if
    /// it could not be kept.
    ///
    /// # Errors
    ///
    /// That of the first step that fails.
    async fn round_trip(&self) -> Result<(), StoreError> {
        let value = random(self.name())?;
        // Two at once do not meet.
        let key = StoreKey::of_round_trip(&value.fingerprint());
        self.put(&key, &value).await?;
        let read = self.get(&key).await;
        self.delete(&key).await?;
        match read? {
            Some(read) if read == value => Ok(()),
            _ => Err(StoreError::failed(
                self.name(),
                "it returned another value than it was given",
            )),
        }
    }
}

/// Opens the stores of a daemon. All that are of one kind are the same.
pub(crate) struct Stores {
    system: Arc<dyn SecretStore>,
    file: Arc<dyn SecretStore>,
    memory: Arc<MemoryStore>,
}

impl Stores {
    /// The stores of the daemon with this state directory. Nothing is read or made yet.
    #[must_use]
    pub(crate) fn new(state_dir: PathBuf) -> Self {
        Self {
            system: system::open(),
            file: Arc::new(FileStore::new(state_dir)),
            memory: Arc::new(MemoryStore::default()),
        }
    }

    /// Returns the store of this kind.
    #[must_use]
    pub(crate) fn open(&self, kind: StoreKind) -> Arc<dyn SecretStore> {
        match kind {
            StoreKind::System => Arc::clone(&self.system),
            StoreKind::File => Arc::clone(&self.file),
            StoreKind::Memory => Arc::clone(&self.memory) as _,
        }
    }

    /// Drops the secrets that are in memory only.
    pub(crate) fn forget(&self) {
        self.memory.clear();
    }
}

/// A random value of 64 hex digits, for the store of this name.
fn random(store: &str) -> Result<Secret, StoreError> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| StoreError::no_randomness(store))?;
    Ok(Secret::new(hex(&bytes)))
}

/// `bytes` in hex digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text in `bytes` as a secret; `None` if it is not UTF-8.
fn secret(bytes: &[u8]) -> Option<Secret> {
    let text = str::from_utf8(bytes).ok()?;
    Some(Secret::new(text.to_owned()))
}

/// Checks the length of `secret`, for the store of this name.
fn check_len(store: &str, secret: &Secret) -> Result<(), StoreError> {
    let len = secret.expose().len();
    match len <= MAX_LEN {
        true => Ok(()),
        false => Err(StoreError::TooLarge {
            store: store.to_owned(),
            len,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns for each key what a store with a fault would.
    struct Faulty {
        returned: Option<&'static str>,
        log: std::sync::Mutex<Vec<String>>,
    }

    #[async_trait]
    impl SecretStore for Faulty {
        fn name(&self) -> &str {
            "a faulty store"
        }

        async fn get(&self, _: &StoreKey) -> Result<Option<Secret>, StoreError> {
            Ok(self.returned.map(|text| Secret::new(text.to_owned())))
        }

        async fn put(&self, key: &StoreKey, _: &Secret) -> Result<(), StoreError> {
            crate::sync::lock(&self.log).push(format!("put {}", key.source));
            Ok(())
        }

        async fn delete(&self, key: &StoreKey) -> Result<(), StoreError> {
            crate::sync::lock(&self.log).push(format!("delete {}", key.source));
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_store_that_loses_or_changes_a_value_fails_the_round_trip_and_is_left_clean() {
        for returned in [None, Some(""), Some("other")] {
            let log = std::sync::Mutex::default();
            let store = Faulty { returned, log };
            let error = store.round_trip().await.unwrap_err();
            assert!(error.to_string().contains("another value"), "{error}");
            let log = crate::sync::lock(&store.log);
            let (put, delete) = (log[0].strip_prefix("put "), log[1].strip_prefix("delete "));
            assert!(put.is_some() && put == delete, "{log:?}");
        }
    }

    #[test]
    fn stores_of_one_kind_are_the_same() {
        let stores = Stores::new(PathBuf::from("/state"));
        let kinds = [StoreKind::System, StoreKind::File, StoreKind::Memory];
        for kind in kinds {
            assert!(Arc::ptr_eq(&stores.open(kind), &stores.open(kind)));
        }
        let mut names: Vec<_> = kinds.map(|kind| stores.open(kind).name().to_owned()).into();
        names.dedup();
        assert_eq!(names.len(), kinds.len());
    }

    #[test]
    fn a_longer_secret_than_the_limit_is_refused() {
        let check = |len| check_len("memory", &Secret::new("x".repeat(len)));
        assert_eq!(check(MAX_LEN), Ok(()));
        let error = check(MAX_LEN + 1).unwrap_err().to_string();
        assert!(error.contains(&(MAX_LEN + 1).to_string()), "{error}");
    }
}
