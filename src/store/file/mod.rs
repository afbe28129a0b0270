//! Sealed files in the daemon's state directory, for machines without a secret store: servers,
//! containers, WSL.
//!
//! ```text
//! STATE/logins/               mode 0700
//!     sealing-key             32 random bytes, made once
//!     ID.login                one login: sealed by AES-256-GCM
//!     lock                    held while a file changes
//! ```
//!
//! The seal binds a file to its key and, if the system names one, to the machine: a file that is
//! renamed, or copied to another machine, does not open. So a backup, a synchronized home directory
//! or a support bundle that contains a login without the sealing key discloses nothing, and a copy
//! with it nothing on its own. It does **not** protect from programs of the same user, nor from
//! root: they can read both files. Only the mode of files and directory keeps other users away.

mod machine;
mod seal;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;

use self::seal::{KEY_LEN, MAX_OVERHEAD, SealingKey};
use super::{
    MAX_LEN, SecretStore, StoreError, StoreKey, blocking, check_len,
    key::{append, id},
};
use crate::{
    secret::Secret,
    trust::{PrivateDirectory, TrustError},
};

/// The directory in the state directory.
const DIRECTORY: &str = "logins";
/// The file with the key that seals all logins.
const SEALING_KEY: &str = "sealing-key";
/// The file that is locked while another one changes.
const LOCK: &str = "lock";

/// Secrets in sealed files.
pub(super) struct FileStore {
    name: String,
    files: Arc<Files>,
}

/// The directory of the sealed files.
struct Files {
    directory: PathBuf,
    /// The store's name in messages.
    store: String,
    /// What the system calls this machine; empty if it has no name for it.
    machine: String,
}

impl FileStore {
    /// The store in the directory `logins` of this state directory, which is made when it is
    /// needed.
    pub(super) fn new(state_dir: PathBuf) -> Self {
        Self::on(state_dir, machine::id().unwrap_or_default())
    }

    fn on(state_dir: PathBuf, machine: String) -> Self {
        let directory = state_dir.join(DIRECTORY);
        let name = format!("the directory of sealed files '{}'", directory.display());
        Self {
            files: Arc::new(Files {
                directory,
                store: name.clone(),
                machine,
            }),
            name,
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Files) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let files = Arc::clone(&self.files);
        blocking::run(&self.name, move || operation(&files)).await
    }
}

#[async_trait]
impl SecretStore for FileStore {
    fn name(&self) -> &str {
        &self.name
    }

    async fn get(&self, key: &StoreKey) -> Result<Option<Secret>, StoreError> {
        let key = key.clone();
        self.run(move |files| files.get(&key)).await
    }

    async fn put(&self, key: &StoreKey, secret: &Secret) -> Result<(), StoreError> {
        check_len(&self.name, secret)?;
        let (key, secret) = (key.clone(), secret.clone());
        self.run(move |files| files.put(&key, &secret)).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<(), StoreError> {
        let key = key.clone();
        self.run(move |files| files.delete(&key)).await
    }
}

impl Files {
    fn get(&self, key: &StoreKey) -> Result<Option<Secret>, StoreError> {
        let directory = self.open()?;
        let context = self.context(key);
        let name = file_name(&context);
        let limit = (MAX_LEN + MAX_OVERHEAD) as u64;
        let Some(sealed) = absent(directory.read(&name, limit)).map_err(|e| self.error(e))? else {
            return Ok(None);
        };
        let Some(sealing_key) = self.sealing_key(&directory)? else {
            return Err(self.corrupt(&name, "its sealing key is missing"));
        };
        match sealing_key.open(&context, &sealed) {
            Some(secret) => Ok(Some(secret)),
            None => Err(self.corrupt(
                &name,
                "it was changed, or sealed for another login or on another machine",
            )),
        }
    }

    fn put(&self, key: &StoreKey, secret: &Secret) -> Result<(), StoreError> {
        let directory = self.open()?;
        let _lock = self.lock(&directory)?;
        let no_randomness = || StoreError::no_randomness(&self.store);
        let sealing_key = match self.sealing_key(&directory)? {
            Some(sealing_key) => sealing_key,
            None => {
                let sealing_key = SealingKey::generate().ok_or_else(no_randomness)?;
                let written = directory.replace(SEALING_KEY, sealing_key.bytes());
                written.map_err(|error| self.error(error.into()))?;
                sealing_key
            }
        };
        let context = self.context(key);
        let sealed = sealing_key
            .seal(&context, secret)
            .ok_or_else(no_randomness)?;
        directory
            .replace(&file_name(&context), &sealed)
            .map_err(|error| self.error(error.into()))
    }

    fn delete(&self, key: &StoreKey) -> Result<(), StoreError> {
        let directory = self.open()?;
        let _lock = self.lock(&directory)?;
        directory
            .remove(&file_name(&self.context(key)))
            .map_err(|error| self.error(error.into()))
    }

    fn open(&self) -> Result<PrivateDirectory, StoreError> {
        PrivateDirectory::open_or_create(&self.directory).map_err(|error| self.error(error))
    }

    /// Excludes other writers, of this process and others, until the file is dropped.
    fn lock(&self, directory: &PrivateDirectory) -> Result<File, StoreError> {
        let file = directory.append(LOCK).map_err(|error| self.error(error))?;
        file.lock().map_err(|error| self.error(error.into()))?;
        Ok(file)
    }

    fn sealing_key(&self, directory: &PrivateDirectory) -> Result<Option<SealingKey>, StoreError> {
        let read = directory.read(SEALING_KEY, KEY_LEN as u64 + 1);
        let Some(bytes) = absent(read).map_err(|error| self.error(error))? else {
            return Ok(None);
        };
        let key = SealingKey::from_bytes(&bytes);
        let wrong = || self.corrupt(SEALING_KEY, "its length is not that of a sealing key");
        key.ok_or_else(wrong).map(Some)
    }

    /// What the seal of a login binds it to.
    fn context(&self, key: &StoreKey) -> Vec<u8> {
        let mut context = key.context();
        append(&mut context, self.machine.as_bytes());
        context
    }

    fn corrupt(&self, name: &str, reason: &str) -> StoreError {
        let file = self.directory.join(name);
        StoreError::Corrupt {
            place: quoted(&file),
            reason: reason.to_owned(),
            hint: format!("move {} away, then run claviger login", quoted(&file)),
        }
    }

    fn error(&self, error: TrustError) -> StoreError {
        let store = self.store.clone();
        match error {
            TrustError::Violation(violation) => StoreError::Denied {
                store,
                reason: violation.to_string(),
                hint: violation.hint,
            },
            TrustError::Io(error) => StoreError::Io {
                store,
                reason: error.to_string(),
                hint: format!(
                    "check that {} can be written and that its disk is not full",
                    quoted(&self.directory)
                ),
            },
        }
    }
}

/// The name of the file with what `context` is of.
fn file_name(context: &[u8]) -> String {
    format!("{}.login", id(context))
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

/// `None` if the file does not exist.
fn absent<T>(read: Result<T, TrustError>) -> Result<Option<T>, TrustError> {
    match read {
        Err(TrustError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

#[cfg(test)]
mod tests;
