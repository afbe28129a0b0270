//! The end of the daemon's log, for a report.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

/// Returns the last `limit` bytes of the log, from the start of a line.
///
/// # Errors
///
/// The system's error, or the log is not a regular file.
pub(crate) fn tail(log: &Path, limit: u64) -> io::Result<String> {
    // Before it is opened: opening a FIFO would block.
    if !std::fs::symlink_metadata(log)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut file = File::open(log)?;
    let len = file.metadata()?.len();
    let start = len.saturating_sub(limit);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(match start {
        0 => text.into_owned(),
        _ => text
            .split_once('\n')
            .map_or("", |(_, rest)| rest)
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_starts_with_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("daemon.log");
        std::fs::write(&log, "one\ntwo\nthree\n").unwrap();
        assert_eq!(tail(&log, 100).unwrap(), "one\ntwo\nthree\n");
        assert_eq!(tail(&log, 8).unwrap(), "three\n");
        assert_eq!(tail(&log, 3).unwrap(), "");
        assert!(tail(dir.path(), 3).is_err());
        assert!(tail(&dir.path().join("none"), 3).is_err());
    }
}
