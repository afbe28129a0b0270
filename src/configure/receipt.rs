//! What was written into a client's settings, and what was there before.
//!
//! A value from before may be a secret, such as a helper with a key in it: receipts are the user's
//! alone, as the settings are.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::{
    clock::Timestamp,
    trust::{PrivateDirectory, TrustError},
};

/// The directory of the receipts, in the state directory.
const DIRECTORY: &str = "configured";

/// The version of the format.
const VERSION: u32 = 1;

/// How many bytes of the hash of a file's path are in the name of its receipt: enough for the few
/// files of one user.
const NAME_BYTES: usize = 6;

/// What was written into one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    version: u32,
    /// The client's name.
    pub(crate) client: String,
    /// The settings file, as the client knows it.
    pub(crate) file: PathBuf,
    /// Whether the file did not exist before.
    pub(crate) made_file: bool,
    /// SHA-256 of the file as it was written.
    sha256: String,
    /// When.
    pub(crate) at: Timestamp,
    /// The version of Claviger that wrote it.
    by: String,
    /// The profile that the helper names, if it names one.
    pub(crate) profile: Option<String>,
    /// The values, in the order in which they were written.
    pub(crate) values: Vec<WrittenValue>,
}

/// One value that was written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WrittenValue {
    /// The key, from the root.
    pub(crate) path: Vec<String>,
    /// The value before; `None` if there was none.
    pub(crate) before: Option<Value>,
    /// The value since.
    pub(crate) written: Value,
    /// How many of the tables that contain it existed before.
    pub(crate) kept_tables: usize,
}

/// The receipts of this user.
#[derive(Clone, Debug)]
pub(crate) struct Receipts(PathBuf);

/// A receipt that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the receipt '{}' {problem}", .path.display())]
pub(crate) struct ReceiptError {
    path: PathBuf,
    problem: String,
}

impl Receipt {
    /// A receipt for a file that now contains `text`.
    pub(crate) fn new(
        client: &str,
        file: &Path,
        made_file: bool,
        text: &str,
        at: Timestamp,
        profile: Option<&str>,
        values: Vec<WrittenValue>,
    ) -> Self {
        Self {
            version: VERSION,
            client: client.to_owned(),
            file: file.to_owned(),
            made_file,
            sha256: hex(text.as_bytes()),
            at,
            by: env!("CARGO_PKG_VERSION").to_owned(),
            profile: profile.map(str::to_owned),
            values,
        }
    }

    /// Whether the file is still as it was written.
    #[must_use]
    pub(crate) fn is_unchanged(&self, text: &str) -> bool {
        self.sha256 == hex(text.as_bytes())
    }
}

impl Receipts {
    /// Those in this state directory.
    pub(crate) fn new(state_dir: &Path) -> Self {
        Self(state_dir.join(DIRECTORY))
    }

    /// The receipt for a client's file, if there is one.
    ///
    /// # Errors
    ///
    /// [`ReceiptError`] if it cannot be read.
    pub(crate) fn get(&self, client: &str, file: &Path) -> Result<Option<Receipt>, ReceiptError> {
        let path = self.path(client, file);
        let failed = |problem: String| ReceiptError {
            path: path.clone(),
            problem,
        };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(format!("cannot be read: {error}"))),
        };
        let receipt: Receipt = serde_json::from_slice(&bytes)
            // The error may quote a value.
            .map_err(|error| failed(format!("is invalid at line {}", error.line())))?;
        if receipt.version != VERSION {
            return Err(failed("is of another version of claviger".to_owned()));
        }
        Ok(Some(receipt))
    }

    /// Keeps a receipt, in place of the one before.
    ///
    /// # Errors
    ///
    /// [`ReceiptError`] if it cannot be written.
    pub(crate) fn put(&self, receipt: &Receipt) -> Result<PathBuf, ReceiptError> {
        let path = self.path(&receipt.client, &receipt.file);
        match self.write(&path, receipt) {
            Ok(()) => Ok(path),
            Err(error) => {
                let problem = format!("cannot be written: {error}");
                Err(ReceiptError { path, problem })
            }
        }
    }

    fn write(&self, path: &Path, receipt: &Receipt) -> io::Result<()> {
        PrivateDirectory::open_or_create(&self.0).map_err(|error| match error {
            TrustError::Io(error) => error,
            TrustError::Violation(violation) => io::Error::other(violation.to_string()),
        })?;
        let mut text = serde_json::to_vec_pretty(receipt)?;
        text.push(b'\n');
        // It has the mode 0600 on Unix.
        let mut new = NamedTempFile::new_in(&self.0)?;
        new.write_all(&text)?;
        new.as_file().sync_all()?;
        new.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Removes the receipt for a client's file.
    ///
    /// # Errors
    ///
    /// [`ReceiptError`] if it cannot be removed.
    pub(crate) fn remove(&self, client: &str, file: &Path) -> Result<(), ReceiptError> {
        let path = self.path(client, file);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(ReceiptError {
                path,
                problem: format!("cannot be removed: {error}"),
            }),
            _ => Ok(()),
        }
    }

    /// A client can have several files: the user's, and those of projects.
    fn path(&self, client: &str, file: &Path) -> PathBuf {
        let hash = hex(file.as_os_str().as_encoded_bytes());
        self.0
            .join(format!("{client}-{}.json", &hash[..2 * NAME_BYTES]))
    }
}

fn hex(bytes: &[u8]) -> String {
    let hash = digest(&SHA256, bytes);
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
