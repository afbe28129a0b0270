//! The place of a settings file, and how it is replaced.

use std::{
    fs::{self, Metadata},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{Document, Syntax, SyntaxError};
use crate::trust::{ReadError, RegularFile};

/// The largest file that is edited, in bytes: people's own settings have a few thousand.
const MAX_LEN: u64 = 4 * 1024 * 1024;

/// A settings file, as it was read.
#[derive(Debug)]
pub(crate) struct SettingsFile {
    /// The path that the client knows.
    path: PathBuf,
    /// The file that its links lead to.
    target: PathBuf,
    syntax: Syntax,
    /// `None` if it does not exist.
    text: Option<String>,
}

/// A settings file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// It cannot be read or written.
    #[error("cannot {action} '{}': {error}", .path.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// It is not in its language.
    #[error("'{}' cannot be parsed: {error}", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The first mistake.
        error: SyntaxError,
    },
    /// It, or its directory, belongs to another user.
    #[error("'{}' belongs to another user", .0.display())]
    OtherOwner(PathBuf),
    /// Another process has changed it since it was read.
    #[error("'{}' was changed by another process in the meantime", .0.display())]
    Changed(PathBuf),
}

impl SettingsFile {
    /// Reads the file at `path`, links followed, if it exists.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Io`], also for a link that leads nowhere, and
    /// [`SettingsError::OtherOwner`].
    pub(crate) fn read(path: &Path, syntax: Syntax) -> Result<Self, SettingsError> {
        let failed = |error| unreadable(path, error);
        let (target, text) = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_owned(), None),
            Err(error) => return Err(failed(error)),
            Ok(_) => {
                let target = fs::canonicalize(path).map_err(failed)?;
                let text = read(&target).map_err(failed)?;
                (target, Some(text))
            }
        };
        let existing = target.ancestors().find(|path| path.exists());
        let directory = match text {
            Some(_) => target.parent(),
            None => existing,
        };
        for judged in [text.is_some().then_some(&*target), directory]
            .into_iter()
            .flatten()
        {
            if !fs::metadata(judged).is_ok_and(|found| is_own(&found)) {
                return Err(SettingsError::OtherOwner(judged.to_owned()));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            target,
            syntax,
            text,
        })
    }

    /// The path that the client knows.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The text; empty if the file does not exist.
    pub(crate) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Whether the file exists.
    pub(crate) fn exists(&self) -> bool {
        self.text.is_some()
    }

    /// Parses the text.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Syntax`].
    pub(crate) fn document(&self) -> Result<Document, SettingsError> {
        Document::parse(self.syntax, self.text()).map_err(|error| SettingsError::Syntax {
            path: self.path.clone(),
            error,
        })
    }

    /// Replaces the content by a rename: a client that reads the file meanwhile reads the old or
    /// the new one. The mode stays; a new file is the user's alone, as are the directories that are
    /// made for it.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Changed`] and [`SettingsError::Io`]; the file is unchanged then.
    pub(crate) fn write(&self, text: &str) -> Result<(), SettingsError> {
        let failed = |error| self.unwritable(error);
        self.check_unchanged()?;
        let directory = self.target.parent().unwrap_or(&self.target);
        make_directory(directory).map_err(failed)?;
        // It has the mode 0600 on Unix, and is removed if it is not renamed.
        let mut new = NamedTempFile::new_in(directory).map_err(failed)?;
        new.write_all(text.as_bytes()).map_err(failed)?;
        if let Ok(old) = fs::metadata(&self.target) {
            new.as_file()
                .set_permissions(old.permissions())
                .map_err(failed)?;
        }
        new.as_file().sync_all().map_err(failed)?;
        self.check_unchanged()?;
        new.persist(&self.target)
            .map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Removes the file.
    ///
    /// # Errors
    ///
    /// As [`Self::write`].
    pub(crate) fn remove(&self) -> Result<(), SettingsError> {
        self.check_unchanged()?;
        fs::remove_file(&self.target).map_err(|error| self.unwritable(error))
    }

    fn check_unchanged(&self) -> Result<(), SettingsError> {
        let found = match read(&self.target) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(self.unwritable(error)),
        };
        match found == self.text {
            true => Ok(()),
            false => Err(SettingsError::Changed(self.path.clone())),
        }
    }

    fn unwritable(&self, error: io::Error) -> SettingsError {
        SettingsError::Io {
            action: "write",
            path: self.path.clone(),
            error,
        }
    }
}

fn unreadable(path: &Path, error: io::Error) -> SettingsError {
    SettingsError::Io {
        action: "read",
        path: path.to_owned(),
        error,
    }
}

fn read(path: &Path) -> io::Result<String> {
    let bytes = RegularFile::open(path).and_then(|file| file.read(MAX_LEN));
    let bytes = bytes.map_err(|error| match error {
        ReadError::Io(error) => error,
        other => io::Error::other(other.to_string()),
    })?;
    let text = str::from_utf8(&bytes).map_err(|_| io::Error::other("it is not UTF-8"))?;
    Ok(text.to_owned())
}

/// Makes a directory, and those above it, for the user alone.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;

        builder.mode(0o700);
    }
    builder.create(path)
}

/// Whether a file is this user's. On Windows the profile's access list keeps other users out.
#[cfg(unix)]
fn is_own(found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    found.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(windows)]
fn is_own(_: &Metadata) -> bool {
    true
}
