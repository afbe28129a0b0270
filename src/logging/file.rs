//! The daemon's log file.

use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
};

use crate::trust::{PrivateDirectory, TrustError};

/// The size in bytes that a log does not exceed: then it is renamed, and one older log is kept.
const MAX_LEN: u64 = 1 << 20;

/// The log's name in its directory.
const NAME: &str = "daemon.log";

/// The name of the log before it.
pub(crate) const OLDER: &str = "daemon.log.1";

/// The open log. Its directory is open, too, so the next log is in the same one.
#[derive(Debug)]
pub(super) struct LogFile {
    directory: PrivateDirectory,
    file: File,
}

impl LogFile {
    /// Opens the log in `directory`, which is made if it does not exist.
    ///
    /// # Errors
    ///
    /// The directory or the log is not the user's alone, or the system's error.
    pub(super) fn open(directory: &Path) -> Result<Self, TrustError> {
        let directory = PrivateDirectory::open_or_create(directory)?;
        let file = directory.append(NAME)?;
        Ok(Self { directory, file })
    }

    /// Writes `line`, after a change to a new log if this one is full.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        if !has_room(&self.file, line)? {
            self.rotate(line)?;
        }
        self.file.write_all(line.as_bytes())
    }

    fn rotate(&mut self, line: &str) -> io::Result<()> {
        // Another daemon that logs here may have been faster.
        self.file = self.append()?;
        if has_room(&self.file, line)? {
            return Ok(());
        }
        match self.directory.rename(NAME, OLDER) {
            Ok(()) => self.file = self.append()?,
            // A directory has the older log's name, for example: the size counts for more.
            Err(_) => self.file.set_len(0)?,
        }
        Ok(())
    }

    fn append(&self) -> io::Result<File> {
        self.directory.append(NAME).map_err(|error| match error {
            TrustError::Io(error) => error,
            TrustError::Violation(violation) => io::Error::other(violation.to_string()),
        })
    }
}

fn has_room(file: &File, line: &str) -> io::Result<bool> {
    let len = file.metadata()?.len();
    // A longer line than the limit has a log of its own.
    Ok(len == 0 || len + line.len() as u64 <= MAX_LEN)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A log in a temporary directory.
    fn log() -> (LogFile, std::path::PathBuf, tempfile::TempDir) {
        let temp = tempfile::tempdir().unwrap();
        let directory = temp.path().join("state");
        (LogFile::open(&directory).unwrap(), directory, temp)
    }

    fn fill(directory: &Path) {
        let file = File::options()
            .append(true)
            .open(directory.join(NAME))
            .unwrap();
        file.set_len(MAX_LEN).unwrap();
    }

    fn text(directory: &Path) -> String {
        fs::read_to_string(directory.join(NAME)).unwrap()
    }

    #[test]
    fn a_log_that_grows_is_rotated_while_it_is_written() {
        let (mut log, directory, _temp) = log();
        log.write("one\n").unwrap();
        log.write("two\n").unwrap();
        assert_eq!(text(&directory), "one\ntwo\n");
        fill(&directory);
        log.write("three\n").unwrap();
        assert_eq!(text(&directory), "three\n");
        let older = fs::metadata(directory.join(OLDER)).unwrap().len();
        assert_eq!(older, MAX_LEN);
        fill(&directory);
        log.write("four\n").unwrap();
        assert_eq!(text(&directory), "four\n");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
    }

    #[test]
    fn a_log_never_exceeds_its_limit() {
        let (mut log, directory, _temp) = log();
        let line = format!("{}\n", "x".repeat(100_000));
        for _ in 0..25 {
            log.write(&line).unwrap();
            for name in [NAME, OLDER] {
                let len = fs::metadata(directory.join(name)).map_or(0, |found| found.len());
                assert!(len <= MAX_LEN, "{name}: {len}");
            }
        }
        assert_eq!(text(&directory).len(), 5 * line.len());
    }

    #[test]
    fn two_daemons_do_not_rotate_each_others_new_log() {
        let (mut log, directory, _temp) = log();
        let mut other = LogFile::open(&directory).unwrap();
        fill(&directory);
        log.write("one\n").unwrap();
        other.write("two\n").unwrap();
        assert_eq!(text(&directory), "one\ntwo\n");
    }

    #[test]
    fn a_log_that_cannot_be_renamed_starts_anew() {
        let (mut log, directory, _temp) = log();
        fs::create_dir_all(directory.join(OLDER).join("in-the-way")).unwrap();
        fill(&directory);
        log.write("one\n").unwrap();
        assert_eq!(text(&directory), "one\n");
    }

    #[test]
    #[cfg(unix)]
    fn a_link_in_place_of_the_next_log_is_not_followed() {
        let (mut log, directory, temp) = log();
        let victim = temp.path().join("victim");
        fs::write(&victim, "").unwrap();
        fill(&directory);
        fs::rename(directory.join(NAME), directory.join("away")).unwrap();
        std::os::unix::fs::symlink(&victim, directory.join(NAME)).unwrap();
        let error = log.write("one\n").unwrap_err();
        assert!(error.to_string().contains("is a symbolic link"), "{error}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "");
    }
}
