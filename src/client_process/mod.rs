//! The client that a shim runs for, found among the shim's ancestors: `walk` decides which one it
//! is, by what `program` knows about names, and each system has a file that looks up a process.
//!
//! This distinguishes sessions; it proves nothing. Access is decided by the user id alone.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod program;
mod walk;
#[cfg(windows)]
mod windows;

use std::{path::PathBuf, time::Duration};

#[cfg(target_os = "linux")]
use self::linux::look_up;
#[cfg(target_os = "macos")]
use self::macos::look_up;
use self::walk::client_of;
#[cfg(windows)]
use self::windows::look_up;
use crate::client_session::ClientSession;

/// A process as the system describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    pid: u32,
    parent: u32,
    /// The process's name, which the system may cut and the process may change. For a script, it is
    /// the script's file name on Linux.
    name: String,
    /// The program that the process executes: for a script, its interpreter. Its path, or on Windows
    /// its file name. `None` if the system does not reveal it.
    executable: Option<PathBuf>,
    /// The start time in microseconds, since an epoch that differs between systems.
    started: u64,
}

impl Process {
    /// The time from this process's start to that of `child`; `None` if `child` is older: then this
    /// is another process with the id of the real parent, which has ended.
    fn age_at_start_of(&self, child: &Self) -> Option<Duration> {
        let age = child.started.checked_sub(self.started)?;
        Some(Duration::from_micros(age))
    }

    const fn session(&self) -> ClientSession {
        ClientSession {
            pid: self.pid,
            started: self.started,
        }
    }
}

/// The client that a shim runs for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    /// Its process.
    pub(crate) session: ClientSession,
    /// The program that it executes: for a script, its interpreter. Its path, or on Windows its
    /// file name. `None` if the system does not reveal it.
    pub(crate) executable: Option<PathBuf>,
}

/// Finds the client that the shim with the process id `shim` runs for; `None` if the system does
/// not report it.
#[must_use]
pub(crate) fn find(shim: u32) -> Option<Client> {
    let process = client_of(shim, look_up)?;
    Some(Client {
        session: process.session(),
        executable: process.executable,
    })
}

/// Whether a process with the id `pid` runs.
#[must_use]
pub(crate) fn is_running(pid: u32) -> bool {
    look_up(pid).is_some()
}

/// The name of the process that `client` is; `None` if it has ended.
#[must_use]
pub(crate) fn name(client: ClientSession) -> Option<String> {
    look_up(client.pid)
        .filter(|process| process.session() == client)
        .map(|process| process.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_a_start_time_and_an_executable() {
        let id = std::process::id();
        let own = look_up(id).unwrap();
        assert_eq!(own.pid, id);
        assert!(own.started > 0);
        let path = std::env::current_exe().unwrap();
        #[cfg(windows)]
        let path = PathBuf::from(path.file_name().unwrap());
        assert_eq!(own.executable, Some(path));
    }
}
