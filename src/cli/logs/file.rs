//! The daemon's log file: what it contains, and what is added, also after it was renamed.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

/// Returns the text of `file`; `None` if it is missing or cannot be read.
pub(super) fn read(file: &Path) -> Option<String> {
    let mut text = Vec::new();
    open(file).ok()?.read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// Reads what is added to a log.
pub(in crate::cli) struct Follower {
    path: PathBuf,
    file: Option<File>,
    /// The start of a line whose end has not been written yet.
    rest: Vec<u8>,
}

impl Follower {
    /// Opens the log at `path`, and returns its lines so far; `None` if there is no log yet.
    pub(in crate::cli) fn open(path: PathBuf) -> (Self, Option<String>) {
        let mut follower = Self {
            path,
            file: None,
            rest: Vec::new(),
        };
        let lines = follower.read();
        let exists = follower.file.is_some();
        (follower, exists.then_some(lines))
    }

    /// Returns the lines that were added since the last call. If the daemon has begun a new log,
    /// those are the last ones of the old log and all of the new one.
    pub(in crate::cli) fn read(&mut self) -> String {
        let mut added = std::mem::take(&mut self.rest);
        // An error is that of the next call, too: the log may come back.
        let _ = self.read_open(&mut added);
        if self.is_replaced() {
            // What was written between the two looks.
            let _ = self.read_open(&mut added);
            self.file = open(&self.path).ok();
            let _ = self.read_open(&mut added);
        }
        let complete = added.iter().rposition(|byte| *byte == b'\n');
        self.rest = added.split_off(complete.map_or(0, |end| end + 1));
        String::from_utf8_lossy(&added).into_owned()
    }

    fn read_open(&mut self, added: &mut Vec<u8>) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        if file.metadata()?.len() < file.stream_position()? {
            // The daemon could not rename it.
            file.seek(SeekFrom::Start(0))?;
        }
        file.read_to_end(added)?;
        Ok(())
    }

    fn is_replaced(&self) -> bool {
        let open = self.file.as_ref().and_then(|file| file.metadata().ok());
        match (open, fs::metadata(&self.path)) {
            (Some(open), Ok(named)) => identity(&open) != identity(&named),
            (None, named) => named.is_ok(),
            // Until the next one exists.
            (Some(_), Err(_)) => false,
        }
    }
}

/// Opens a regular file: another kind could keep the command waiting.
fn open(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("expected a regular file"));
    }
    File::open(path)
}

/// What distinguishes a file from the next one with its name.
#[cfg(unix)]
fn identity(found: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;

    (found.dev(), found.ino())
}

/// What distinguishes a file from the next one with its name.
#[cfg(windows)]
fn identity(found: &Metadata) -> u64 {
    use std::os::windows::fs::MetadataExt as _;

    found.creation_time()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn append(path: &Path, text: &str) {
        let mut options = File::options();
        let mut file = options.append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    #[test]
    fn added_lines_are_read_once_each_and_whole() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("daemon.log");
        append(&path, "one\nt");
        let (mut follower, lines) = Follower::open(path.clone());
        assert_eq!(lines.as_deref(), Some("one\n"));
        assert_eq!(follower.read(), "");
        append(&path, "wo\nthree\n");
        assert_eq!(follower.read(), "two\nthree\n");
        assert_eq!(follower.read(), "");
    }

    #[test]
    fn a_new_log_is_read_after_the_end_of_the_old_one() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("daemon.log");
        let (mut follower, lines) = Follower::open(path.clone());
        assert_eq!((lines, follower.read()), (None, String::new()));
        append(&path, "one\n");
        assert_eq!(follower.read(), "one\n");
        append(&path, "two\n");
        fs::rename(&path, temp.path().join("daemon.log.1")).unwrap();
        assert_eq!(follower.read(), "two\n");
        append(&path, "three, which is longer\n");
        assert_eq!(follower.read(), "three, which is longer\n");
        File::options()
            .write(true)
            .truncate(true)
            .open(&path)
            .unwrap();
        append(&path, "four\n");
        assert_eq!(follower.read(), "four\n");
    }
}
