//! Reading a regular file of bounded length.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{Rule, Ruling, Violation};

/// An open regular file.
#[derive(Debug)]
pub(crate) struct RegularFile {
    path: PathBuf,
    file: File,
    /// Of the opened file, not of the one that has the name by now.
    metadata: Metadata,
}

/// A file that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The system's error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A directory, a FIFO, a device or a socket.
    #[error("not a regular file")]
    NotRegular,
    /// More bytes than the limit.
    #[error("larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
}

impl RegularFile {
    /// Opens `path`, links followed.
    ///
    /// # Errors
    ///
    /// [`ReadError::NotRegular`], or the system's error.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        // Before it is opened: opening a FIFO blocks until it has a writer.
        if !fs::metadata(path)?.is_file() {
            return Err(ReadError::NotRegular);
        }
        Self::new(path.to_owned(), File::open(path)?)
    }

    /// The opened `file`, whose path is `path`.
    ///
    /// # Errors
    ///
    /// As for [`Self::open`].
    pub(super) fn new(path: PathBuf, file: File) -> Result<Self, ReadError> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(ReadError::NotRegular);
        }
        Ok(Self {
            path,
            file,
            metadata,
        })
    }

    /// Applies `rule` to the opened file.
    ///
    /// # Errors
    ///
    /// The [`Violation`] of the rule.
    pub(crate) fn judge(&self, rule: &Rule) -> Result<Ruling, Violation> {
        rule.judge_metadata(&self.path, &self.metadata)
    }

    /// Reads the whole file, which has at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`ReadError::TooLarge`], or the system's error.
    pub(crate) fn read(self, limit: u64) -> Result<Zeroizing<Vec<u8>>, ReadError> {
        // Large enough at once: a vector that grows leaves copies of a secret behind.
        let capacity = usize::try_from(self.metadata.len().min(limit) + 1).unwrap_or(0);
        let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
        self.file.take(limit + 1).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|len| len <= limit) {
            Ok(bytes)
        } else {
            Err(ReadError::TooLarge { limit })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_the_limit_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "1234").unwrap();
        let read = |limit| RegularFile::open(&path).unwrap().read(limit);
        assert_eq!(read(4).unwrap().as_slice(), b"1234");
        assert_eq!(
            read(3).unwrap_err().to_string(),
            "larger than 3 bytes",
            "one byte more than the limit"
        );
    }

    #[test]
    fn only_a_regular_file_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let error = |path: &Path| RegularFile::open(path).unwrap_err().to_string();
        assert_eq!(error(dir.path()), "not a regular file");
        assert!(error(&dir.path().join("missing")).contains("os error 2"));
        #[cfg(target_os = "linux")]
        {
            let fifo = dir.path().join("fifo");
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).unwrap();
            assert_eq!(error(&fifo), "not a regular file", "without blocking");
        }
    }
}
