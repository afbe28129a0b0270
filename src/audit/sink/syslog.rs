//! The machine's syslog, with the facility `authpriv`.
//!
//! In the form of syslog(3), which every receiver on a local socket reads: `<PRI>TAG[PID]: TEXT`.
//! The form of RFC 5424 is for the network; on this socket rsyslog and the journal take its header
//! for a part of the text. The line has the time, to the millisecond.

use std::{io, path::Path, process};

use super::{Copy, datagram::DatagramSender};

/// The socket of syslog.
#[cfg(target_os = "macos")]
const SOCKET: &str = "/var/run/syslog";
#[cfg(not(target_os = "macos"))]
const SOCKET: &str = "/dev/log";

/// The number of the facility `authpriv`: messages about access that not all users may read.
const AUTHPRIV: u8 = 10;

/// Sends records to syslog.
#[derive(Debug)]
pub(super) struct Syslog(DatagramSender);

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
        DatagramSender::to(path).map(Self)
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
        self.0.send(message.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

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
