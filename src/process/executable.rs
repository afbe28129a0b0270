//! The file that the daemon was started from.

use std::{fs, path::PathBuf};

use super::system::{FileStamp, running};

/// The file that this process was started from, as it was then.
#[derive(Clone, Debug)]
pub(crate) struct Executable {
    path: PathBuf,
    stamp: FileStamp,
}

impl Executable {
    /// The file of this process; `None` if the system does not report it, or reports a path that
    /// leads to another file, as in a container that shares the process but not the files.
    #[must_use]
    pub(crate) fn of_this_process() -> Option<Self> {
        let (path, stamp) = running()?;
        Some(Self { path, stamp })
    }

    /// A stand-in for a process that was started from the file at `path`.
    ///
    /// # Panics
    ///
    /// Panics if there is none.
    #[cfg(test)]
    pub(crate) fn at(path: PathBuf) -> Self {
        let stamp = FileStamp::of(&fs::metadata(&path).unwrap());
        Self { path, stamp }
    }

    /// The stamp of the file that the process was started from.
    #[must_use]
    pub(crate) fn stamp(&self) -> FileStamp {
        self.stamp
    }

    /// The stamp of the file that has the path now; `None` if none has.
    #[must_use]
    pub(crate) fn look(&self) -> Option<FileStamp> {
        let found = fs::metadata(&self.path).ok()?;
        Some(FileStamp::of(&found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_an_unchanged_file() {
        let executable = Executable::of_this_process().unwrap();
        assert_eq!(executable.look(), Some(executable.stamp()));
    }

    #[test]
    fn a_file_that_is_replaced_or_removed_has_another_stamp() {
        let directory = tempfile::tempdir().unwrap();
        let [path, new] = ["claviger", "new"].map(|name| directory.path().join(name));
        fs::write(&path, "a").unwrap();
        fs::write(&new, "a").unwrap();
        let executable = Executable::at(path.clone());
        assert_eq!(executable.look(), Some(executable.stamp()));
        fs::rename(&new, &path).unwrap();
        let replaced = executable.look();
        assert!(replaced.is_some_and(|stamp| stamp != executable.stamp()));
        fs::remove_file(&path).unwrap();
        assert_eq!(executable.look(), None);
    }
}
