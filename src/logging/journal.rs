//! The journal of systemd as stderr: it reads the level of a line from its start, sd-daemon(3).

use std::{ffi::OsStr, io};

use tracing::Level;

use super::Sink;

/// Writes lines for the journal.
pub(super) struct Journal<W>(pub(super) W);

impl<W: io::Write + Send + 'static> Sink for Journal<W> {
    const HAS_TIMES: bool = true;

    fn write_line(&mut self, level: Level, line: &str) -> io::Result<()> {
        let priority = priority(level);
        self.0.write_all(format!("<{priority}>{line}").as_bytes())
    }
}

/// The level's number in syslog(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

/// Whether stderr is the journal's stream that the service manager names with `JOURNAL_STREAM`:
/// device and inode, `DEVICE:INODE`. A program in between may have directed stderr elsewhere.
#[cfg(target_os = "linux")]
pub(crate) fn is_stderr(stream: &OsStr) -> bool {
    rustix::fs::fstat(io::stderr()).is_ok_and(|found| {
        let found = format!("{}:{}", found.st_dev, found.st_ino);
        stream == OsStr::new(&found)
    })
}

/// Never: there is no journal.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_stderr(_: &OsStr) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_starts_with_its_level() {
        let mut journal = Journal(Vec::new());
        let levels = [
            Level::ERROR,
            Level::WARN,
            Level::INFO,
            Level::DEBUG,
            Level::TRACE,
        ];
        for level in levels {
            journal.write_line(level, "event\n").unwrap();
        }
        let expected = "<3>event\n<4>event\n<6>event\n<7>event\n<7>event\n";
        assert_eq!(journal.0, expected.as_bytes());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_the_very_stream_is_the_journal() {
        let stderr = rustix::fs::fstat(io::stderr()).unwrap();
        let stream = |device, inode| format!("{device}:{inode}");
        let (device, inode) = (stderr.st_dev, stderr.st_ino);
        assert!(is_stderr(OsStr::new(&stream(device, inode))));
        let other = stream(device, inode + 1);
        for other in ["", "8", &other, &format!("{device}:{inode}:1")] {
            assert!(!is_stderr(OsStr::new(other)), "{other}");
        }
    }
}
