//! The machine's syslog, with the facility `authpriv`.
//!
//! In the form of syslog(3), which every receiver on a local socket reads: `<PRI>TAG[PID]: TEXT`.
//! The form of RFC 5424 is for the network; on this socket rsyslog and the journal take its header
//! for a part of the text. The line has the time, to the millisecond.

use std::{
    io,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use super::Copy;

/// The socket of syslog.
#[cfg(target_os = "macos")]
const SOCKET: &str = "/var/run/syslog";
#[cfg(not(target_os = "macos"))]
const SOCKET: &str = "/dev/log";

/// The number of the facility `authpriv`: messages about access that not all users may read.
const AUTHPRIV: u8 = 10;

/// The longest wait for a syslog that does not read: the queue holds the records meanwhile.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Sends records to syslog.
#[derive(Debug)]
pub(super) struct Syslog {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Syslog {
    /// The machine's syslog.
    ///
    /// # Errors
    ///
    /// The system gives no socket.
    pub(super) fn new() -> io::Result<Self> {
        Self::at(Path::new(SOCKET))
    }

    fn at(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(TIMEOUT))?;
        let path = path.to_owned();
        Ok(Self { socket, path })
    }

    /// Sends `copy`.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub(super) fn send(&self, copy: Copy<'_>) -> io::Result<()> {
        let priority = AUTHPRIV * 8 + copy.severity();
        let pid = process::id();
        let message = format!("<{priority}>claviger-audit[{pid}]: {}", copy.line);
        self.socket
            .send_to(message.as_bytes(), &self.path)
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{chain::Head, record::Record},
        clock::Timestamp,
    };

    #[test]
    fn syslog_gets_the_line_as_any_programs_message() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let record = Record::new(Timestamp::UNIX_EPOCH, "grant", "served");
        let (line, head) = Head::START.followed_by(&record);
        let copy = Copy {
            record: &record,
            line: &line,
            head: Some(head),
        };
        Syslog::at(&path).unwrap().send(copy).unwrap();
        let mut bytes = [0; 4096];
        let len = receiver.recv(&mut bytes).unwrap();
        let expected = format!("<86>claviger-audit[{}]: {line}", process::id());
        assert_eq!(String::from_utf8_lossy(&bytes[..len]), expected);
    }
}
