//! Writes the configuration's file, whole or not at all.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use claviger_wire::{ExitCode, Failure};
use tempfile::NamedTempFile;

/// The most backups that are kept: more of them are a mistake in a script.
const MAX_BACKUPS: usize = 99;

/// The file to write.
pub(super) struct Target {
    path: PathBuf,
    may_replace: bool,
}

/// The file that was written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) path: PathBuf,
    /// The file that it replaces, under its new name.
    pub(super) backup: Option<PathBuf>,
}

impl Target {
    /// The file at `path`. `is_only_printed` if it is not going to be written.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Usage`] if it exists and may not be replaced.
    pub(super) fn new(
        path: PathBuf,
        may_replace: bool,
        is_only_printed: bool,
    ) -> Result<Self, Failure> {
        let exists = fs::symlink_metadata(&path).is_ok();
        if exists && !may_replace && !is_only_printed {
            return Err(exists_already(&path));
        }
        Ok(Self { path, may_replace })
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `text` with mode 0600; makes its directory, with mode 0700, if there is none. A link
    /// stays, and what it leads to is replaced.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Usage`] if another process has made the file, or the system's error.
    pub(super) fn write(&self, text: &str) -> Result<Written, Failure> {
        let failed = |error: io::Error| {
            let problem = format!("cannot write '{}': {error}", self.path.display());
            Failure::new(ExitCode::Usage, problem, "name another file with --file")
        };
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let directory = path.parent().unwrap_or(&path);
        make_directory(directory).map_err(failed)?;
        // It has the mode 0600 on Unix, and is removed if it is not renamed.
        let mut new = NamedTempFile::new_in(directory).map_err(failed)?;
        new.write_all(text.as_bytes()).map_err(failed)?;
        new.as_file().sync_all().map_err(failed)?;
        let backup = match path.exists() {
            true if self.may_replace => Some(back_up(&path).map_err(failed)?),
            _ => None,
        };
        let renamed = match self.may_replace {
            true => new.persist(&path),
            false => new.persist_noclobber(&path),
        };
        renamed.map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => exists_already(&self.path),
            _ => failed(error.error),
        })?;
        Ok(Written {
            path: self.path.clone(),
            backup,
        })
    }
}

fn exists_already(path: &Path) -> Failure {
    let problem = format!("'{}' exists already", path.display());
    let hint = "name another file with --file, or replace it with --force, which keeps a backup";
    Failure::new(ExitCode::Usage, problem, hint)
}

/// Copies the file to the first free name beside it.
fn back_up(path: &Path) -> io::Result<PathBuf> {
    for number in 1..=MAX_BACKUPS {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".backup-{number}"));
        let backup = path.with_file_name(name);
        if fs::symlink_metadata(&backup).is_err() {
            fs::copy(path, &backup)?;
            return Ok(backup);
        }
    }
    let reason = format!("there are {MAX_BACKUPS} backups of it already");
    Err(io::Error::other(reason))
}

fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;

        builder.mode(0o700);
    }
    builder.create(path)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;

    fn write(path: &Path, may_replace: bool, text: &str) -> Result<Written, Failure> {
        Target::new(path.to_owned(), may_replace, false)?.write(text)
    }

    #[test]
    fn a_file_is_private_and_is_replaced_only_with_a_backup() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/config.toml");
        assert_eq!(write(&path, false, "one").unwrap().backup, None);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let directory = path.parent().unwrap();
        assert_eq!(fs::metadata(directory).unwrap().mode() & 0o777, 0o700);

        assert_eq!(
            write(&path, false, "two").unwrap_err().code,
            ExitCode::Usage
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        for (text, before) in [("two", "one"), ("three", "two")] {
            let backup = write(&path, true, text).unwrap().backup.unwrap();
            assert_eq!(fs::read_to_string(backup).unwrap(), before);
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(directory).unwrap().count(), 3);
    }

    #[test]
    fn a_link_stays_and_a_race_for_the_name_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let (link, real) = (dir.path().join("link"), dir.path().join("real"));
        fs::write(&real, "one").unwrap();
        symlink(&real, &link).unwrap();
        write(&link, true, "two").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

        let late = dir.path().join("late");
        let target = Target::new(late.clone(), false, false).unwrap();
        fs::write(&late, "other").unwrap();
        let failure = target.write("mine").unwrap_err();
        assert!(failure.message.contains("exists already"), "{failure:?}");
        assert_eq!(fs::read_to_string(&late).unwrap(), "other");
    }
}
