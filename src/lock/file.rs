//! The file of the lock, in the state directory. It exists if the lock is on.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{LockReason, Locked};
use crate::{
    clock::{Timestamp, whole_seconds},
    paths::state_file,
    trust::{PrivateDirectory, TrustError},
};

/// The version of the format.
const VERSION: u32 = 1;

/// The largest file in bytes.
const MAX_LEN: u64 = 4096;

/// Where one daemon keeps its lock.
pub(super) struct LockFile {
    directory: PathBuf,
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    locked_at: Timestamp,
}

impl LockFile {
    /// The file in `directory` of the daemon that is called `instance`. Nothing is read or made.
    pub(super) fn new(directory: &Path, instance: &str) -> Self {
        Self {
            directory: directory.to_owned(),
            name: state_file("lock", instance),
        }
    }

    /// The lock that the file describes; `None` if there is no file. One that cannot be read
    /// counts as a lock.
    pub(super) fn read(&self) -> Option<Locked> {
        if let Err(error) = fs::symlink_metadata(self.path()) {
            use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
            // No daemon of this user has written into a directory that this user cannot enter.
            if matches!(error.kind(), NotFound | NotADirectory | PermissionDenied) {
                return None;
            }
        }
        Some(match self.content() {
            Ok(since) => Locked {
                since: Some(since),
                reason: LockReason::Command,
            },
            Err(reason) => Locked {
                since: None,
                reason: LockReason::Unreadable(reason),
            },
        })
    }

    /// Writes that the lock is on since then. After a crash the file is the old one or the new one.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub(super) fn write(&self, since: Timestamp) -> Result<(), String> {
        let content = Content {
            version: VERSION,
            locked_at: whole_seconds(since),
        };
        let json = serde_json::to_vec(&content).map_err(|error| error.to_string())?;
        let written = self.open().and_then(|directory| {
            directory.replace(&self.name, &json)?;
            Ok(())
        });
        written.map_err(|error| self.problem("written", &error))
    }

    /// Removes the file, if it exists.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub(super) fn remove(&self) -> Result<(), String> {
        if self.read().is_none() {
            // The directory may not exist, and is not made for this.
            return Ok(());
        }
        let removed = self.open().and_then(|directory| {
            directory.remove(&self.name)?;
            Ok(())
        });
        removed.map_err(|error| self.problem("removed", &error))
    }

    fn content(&self) -> Result<Timestamp, String> {
        let read = self
            .open()
            .and_then(|directory| directory.read(&self.name, MAX_LEN));
        let json = read.map_err(|error| self.problem("read", &error))?;
        match serde_json::from_slice(&json) {
            Ok(Content {
                version: VERSION,
                locked_at,
            }) => Ok(locked_at),
            _ => {
                let path = self.path();
                Err(format!(
                    "the file '{}' is not a lock of this version",
                    path.display()
                ))
            }
        }
    }

    fn open(&self) -> Result<PrivateDirectory, TrustError> {
        PrivateDirectory::open_or_create(&self.directory)
    }

    fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    fn problem(&self, what: &str, error: &TrustError) -> String {
        let path = self.path();
        match error {
            // It names the file.
            TrustError::Violation(violation) if violation.path == path => violation.to_string(),
            error => format!("the file '{}' cannot be {what}: {error}", path.display()),
        }
    }
}
