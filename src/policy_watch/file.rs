//! The last good policy, as it is kept between runs of the daemon.
//!
//! The user can change the file: the policy in it is verified like any other, and what the user can
//! do with the file is to forget a newer policy. The counter in the audit log's records shows that.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    clock::{Timestamp, whole_seconds},
    paths::StateFile,
    policy::MAX_LEN,
};

/// The version of the format.
const VERSION: u32 = 1;

/// The largest file in bytes: a policy, and what is known of it.
const MAX_FILE: u64 = MAX_LEN as u64 + 8192;

/// The longest entity tag in bytes that is kept.
pub(super) const MAX_ETAG: usize = 1024;

/// The file.
#[derive(Clone)]
pub(super) struct PolicyFile(StateFile);

/// What it contains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredPolicy {
    version: u32,
    /// The signed policy.
    pub(crate) policy: String,
    /// When it was last seen to be the published one, by this machine's clock.
    pub(crate) seen_at: Timestamp,
    /// The entity tag of the server's answer (RFC 9110, section 8.8.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) etag: Option<String>,
}

impl StoredPolicy {
    pub(super) fn new(policy: &str, seen_at: Timestamp, etag: Option<&str>) -> Self {
        Self {
            version: VERSION,
            policy: policy.to_owned(),
            seen_at: whole_seconds(seen_at),
            etag: etag.map(str::to_owned),
        }
    }
}

impl PolicyFile {
    /// The file in `state_dir` of the daemon that is called `instance`. Nothing is read or made.
    pub(super) fn new(state_dir: &Path, instance: &str) -> Self {
        Self(StateFile::new(state_dir, "policy", instance))
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        self.0.path()
    }

    /// What the file contains; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn read(&self) -> Result<Option<StoredPolicy>, String> {
        if !self.path().exists() {
            return Ok(None);
        }
        let json = self.0.read(MAX_FILE)?;
        match serde_json::from_slice(&json) {
            Ok(
                stored @ StoredPolicy {
                    version: VERSION, ..
                },
            ) => Ok(Some(stored)),
            _ => Err(format!(
                "the file '{}' is not a policy of this version",
                self.path().display()
            )),
        }
    }

    /// Writes the file. After a crash it is the old one or the new one.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub(super) fn write(&self, stored: &StoredPolicy) -> Result<(), String> {
        let json = serde_json::to_vec(stored).map_err(|error| error.to_string())?;
        self.0.replace(&json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let state_dir = directory.path().canonicalize().unwrap().join("state");
        let file = PolicyFile::new(&state_dir, "");
        assert_eq!(file.read(), Ok(None));
        for etag in [None, Some("\"7\"")] {
            let stored = StoredPolicy::new("a.b.c", Timestamp::UNIX_EPOCH, etag);
            file.write(&stored).unwrap();
            assert_eq!(file.read(), Ok(Some(stored)));
        }
    }

    #[test]
    fn a_file_that_is_something_else_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let state_dir = directory.path().canonicalize().unwrap().join("state");
        let file = PolicyFile::new(&state_dir, "");
        let stored = StoredPolicy::new("a.b.c", Timestamp::UNIX_EPOCH, None);
        file.write(&stored).unwrap();
        let path = file.path();
        let good = std::fs::read_to_string(&path).unwrap();
        for text in [
            "",
            "{}",
            "[]",
            &good[..good.len() - 1],
            &good.replace(":1,", ":2,"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = file.read().unwrap_err();
            assert!(error.contains("policy.json' is not a policy"), "{error}");
        }
    }
}
