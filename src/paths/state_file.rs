//! The small files in the state directory, which a user's daemons on different sockets share.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use zeroize::Zeroizing;

use crate::trust::{PrivateDirectory, TrustError};

/// How many bytes of a hash distinguish the files of two daemons.
const ID_LEN: usize = 8;

/// A file of one daemon. An error is a sentence that names it.
#[derive(Clone, Debug)]
pub(crate) struct StateFile {
    directory: PathBuf,
    name: String,
}

impl StateFile {
    /// The file for `content` in `directory`, of the daemon that is called `instance`, which is
    /// empty for the one on the user's usual socket. Nothing is read or made.
    #[must_use]
    pub(crate) fn new(directory: &Path, content: &str, instance: &str) -> Self {
        Self {
            directory: directory.to_owned(),
            name: name(content, instance),
        }
    }

    /// Where it is.
    #[must_use]
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    /// Reads at most `max_len` bytes.
    ///
    /// # Errors
    ///
    /// What went wrong, also if the file does not exist or is longer.
    pub(crate) fn read(&self, max_len: u64) -> Result<Zeroizing<Vec<u8>>, String> {
        let read = self
            .open()
            .and_then(|directory| directory.read(&self.name, max_len));
        read.map_err(|error| self.problem("read", &error))
    }

    /// Writes `bytes`. After a crash the file is the old one or the new one.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub(crate) fn replace(&self, bytes: &[u8]) -> Result<(), String> {
        let written = self.open().and_then(|directory| {
            directory.replace(&self.name, bytes)?;
            Ok(())
        });
        written.map_err(|error| self.problem("written", &error))
    }

    /// Removes it.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub(crate) fn remove(&self) -> Result<(), String> {
        let removed = self.open().and_then(|directory| {
            directory.remove(&self.name)?;
            Ok(())
        });
        removed.map_err(|error| self.problem("removed", &error))
    }

    fn open(&self) -> Result<PrivateDirectory, TrustError> {
        PrivateDirectory::open_or_create(&self.directory)
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

fn name(content: &str, instance: &str) -> String {
    if instance.is_empty() {
        return format!("{content}.json");
    }
    let hash = digest::digest(&digest::SHA256, instance.as_bytes());
    let id = hash.as_ref()[..ID_LEN].iter();
    let id: String = id.map(|byte| format!("{byte:02x}")).collect();
    format!("{content}-{id}.json")
}
