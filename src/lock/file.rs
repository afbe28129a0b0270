//! The file of the lock, in the state directory. It exists if the lock is on.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};

use super::{LockReason, Locked};
use crate::{
    clock::{Timestamp, whole_seconds},
    paths::StateFile,
};

/// The version of the format.
const VERSION: u32 = 1;

/// The largest file in bytes.
const MAX_LEN: u64 = 4096;

/// Where one daemon keeps its lock.
pub(super) struct LockFile(StateFile);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    locked_at: Timestamp,
}

impl LockFile {
    /// The file in `directory` of the daemon that is called `instance`. Nothing is read or made.
    pub(super) fn new(directory: &Path, instance: &str) -> Self {
        Self(StateFile::new(directory, "lock", instance))
    }

    /// The lock that the file describes; `None` if there is no file. One that cannot be read
    /// counts as a lock.
    pub(super) fn read(&self) -> Option<Locked> {
        if let Err(error) = fs::symlink_metadata(self.0.path()) {
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
        self.0.replace(&json)
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
        self.0.remove()
    }

    fn content(&self) -> Result<Timestamp, String> {
        let json = self.0.read(MAX_LEN)?;
        match serde_json::from_slice(&json) {
            Ok(Content {
                version: VERSION,
                locked_at,
            }) => Ok(locked_at),
            _ => {
                let path = self.0.path();
                Err(format!(
                    "the file '{}' is not a lock of this version",
                    path.display()
                ))
            }
        }
    }
}
