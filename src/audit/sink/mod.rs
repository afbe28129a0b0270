//! Where each record goes beside the file: a copy that the user cannot change afterwards.
//!
//! Two datagrams of a known form, and no library: those for syslog and for the journal wait without
//! end for a receiver that does not read, open a connection that a restart of the receiver breaks,
//! or bring a logger's whole framework.

#[cfg(unix)]
mod datagram;
#[cfg(target_os = "linux")]
mod journal;
#[cfg(unix)]
mod syslog;

use std::io;

use super::{chain::Head, record::Record, settings::Settings};

/// A record that is sent.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "the journal is the only receiver of every field")
)]
pub(super) struct Copy<'a> {
    pub(super) record: &'a Record,
    /// Its line, which is the one of the file if that has it.
    pub(super) line: &'a str,
    /// Its place in the chain; `None` if the file does not have it.
    pub(super) head: Option<Head>,
}

impl Copy<'_> {
    /// The severity of syslog(3): a warning for what was refused or has failed, else information.
    #[cfg(unix)]
    fn severity(&self) -> u8 {
        let is_good = self.record.event != "refusal"
            && !matches!(&*self.record.outcome, "failed" | "rejected" | "gap");
        if is_good { 6 } else { 4 }
    }
}

/// What sends copies.
#[derive(Debug)]
pub(super) struct Sinks {
    #[cfg(target_os = "linux")]
    journal: Option<journal::Journal>,
    #[cfg(unix)]
    syslog: Option<syslog::Syslog>,
}

impl Sinks {
    /// What `settings` names, of what this system has.
    ///
    /// # Errors
    ///
    /// The system gives no socket.
    pub(super) fn new(settings: &Settings) -> io::Result<Self> {
        #[cfg(not(unix))]
        let _ = settings;
        Ok(Self {
            #[cfg(target_os = "linux")]
            journal: settings.journal.then(journal::Journal::new).transpose()?,
            #[cfg(unix)]
            syslog: settings.syslog.then(syslog::Syslog::new).transpose()?,
        })
    }

    /// Sends `copy` to all of them, also if one fails.
    ///
    /// # Errors
    ///
    /// What fails, and the system's error.
    pub(super) fn send(&self, copy: Copy<'_>) -> Result<(), String> {
        #[cfg(target_os = "linux")]
        let journal = self.journal.as_ref().map(|journal| journal.send(copy));
        #[cfg(not(target_os = "linux"))]
        let journal: Option<io::Result<()>> = None;
        #[cfg(unix)]
        let syslog = self.syslog.as_ref().map(|syslog| syslog.send(copy));
        #[cfg(not(unix))]
        let syslog: Option<io::Result<()>> = {
            let _ = copy;
            None
        };
        for (name, result) in [("the journal", journal), ("syslog", syslog)] {
            if let Some(Err(error)) = result {
                return Err(format!("cannot send a copy to {name}: {error}"));
            }
        }
        Ok(())
    }
}
