//! The journal of systemd, by its native protocol: a datagram of fields. The journal adds the uid,
//! the pid and the program of the sender, which the sender cannot forge.

use std::{io, path::Path};

use super::{Copy, datagram::DatagramSender};

/// The journal's socket.
const SOCKET: &str = "/run/systemd/journal/socket";

/// Sends records to the journal.
#[derive(Debug)]
pub(super) struct Journal(DatagramSender);

impl Journal {
    /// The machine's journal.
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
        self.0.send(&fields(copy))
    }
}

fn fields(copy: Copy<'_>) -> Vec<u8> {
    let Copy { record, line, head } = copy;
    let priority = copy.severity().to_string();
    let pid = record.pid.map(|pid| pid.to_string());
    let code = record.code.map(|code| code.to_string());
    let seq = head.map(|head| head.seq.to_string());
    let hash = head.map(|head| head.hash.to_string());
    let fields = [
        ("MESSAGE", Some(line)),
        ("PRIORITY", Some(&*priority)),
        ("SYSLOG_IDENTIFIER", Some("claviger-audit")),
        ("CLAVIGER_EVENT", Some(&*record.event)),
        ("CLAVIGER_OUTCOME", Some(&*record.outcome)),
        ("CLAVIGER_REASON", record.reason.as_deref()),
        ("CLAVIGER_PROFILE", record.profile.as_deref()),
        ("CLAVIGER_SOURCE", record.source.as_deref()),
        ("CLAVIGER_FINGERPRINT", record.fingerprint.as_deref()),
        ("CLAVIGER_CLIENT", record.client.as_deref()),
        ("CLAVIGER_PID", pid.as_deref()),
        ("CLAVIGER_EXECUTABLE", record.executable.as_deref()),
        ("CLAVIGER_CODE", code.as_deref()),
        ("CLAVIGER_SEQ", seq.as_deref()),
        ("CLAVIGER_HASH", hash.as_deref()),
    ];
    let mut datagram = Vec::with_capacity(2 * line.len());
    for (name, value) in fields {
        if let Some(value) = value {
            add(&mut datagram, name, value);
        }
    }
    datagram
}

/// Adds one field: a text in one line, or any text with its length before it.
fn add(datagram: &mut Vec<u8>, name: &str, value: &str) {
    datagram.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        datagram.push(b'\n');
        datagram.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        datagram.push(b'=');
    }
    datagram.extend_from_slice(value.as_bytes());
    datagram.push(b'\n');
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
    fn the_journal_gets_the_line_and_fields_that_can_be_searched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let record = Record {
            profile: Some("p".to_owned()),
            executable: Some("/a\nCLAVIGER_EVENT=forged".to_owned()),
            code: Some(7),
            ..Record::new(Timestamp::UNIX_EPOCH, "refusal", "denied")
        };
        let (line, head) = Head::START.followed_by(&record);
        let journal = Journal::at(&path).unwrap();
        let copy = Copy {
            record: &record,
            line: &line,
            head: Some(head),
        };
        journal.send(copy).unwrap();
        let mut bytes = [0; 4096];
        let len = receiver.recv(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes[..len]);
        assert!(
            text.starts_with(&format!("MESSAGE={line}\nPRIORITY=4\n")),
            "{text}"
        );
        for field in ["EVENT=refusal", "PROFILE=p", "CODE=7", "SEQ=1"] {
            assert!(text.contains(&format!("\nCLAVIGER_{field}\n")), "{text}");
        }
        assert!(
            text.contains(&format!("\nCLAVIGER_HASH={}\n", head.hash)),
            "{text}"
        );
        let length = "\nCLAVIGER_EXECUTABLE\n\u{18}\0\0\0\0\0\0\0/a\n";
        assert!(text.contains(length), "{text:?}");
        drop(receiver);
        std::fs::remove_file(&path).unwrap();
        assert!(journal.send(copy).is_err());
    }
}
