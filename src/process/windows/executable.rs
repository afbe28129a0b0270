//! The file of a running process on Windows, which cannot be replaced or removed, but renamed.

use std::{
    env,
    fs::{self, Metadata},
    path::PathBuf,
    time::SystemTime,
};

/// What distinguishes a file from the one that replaces it: std offers no file index here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileStamp {
    created: Option<SystemTime>,
    modified: Option<SystemTime>,
    len: u64,
}

impl FileStamp {
    /// The stamp of the file with this metadata.
    pub(in crate::process) fn of(found: &Metadata) -> Self {
        Self {
            created: found.created().ok(),
            modified: found.modified().ok(),
            len: found.len(),
        }
    }
}

/// The path and the stamp of the file that this process was started from.
pub(in crate::process) fn running() -> Option<(PathBuf, FileStamp)> {
    let path = env::current_exe().ok()?;
    let stamp = FileStamp::of(&fs::metadata(&path).ok()?);
    Some((path, stamp))
}
