//! The client that a shim runs for, found among the shim's ancestors: `walk` decides which one it
//! is, by what `program` knows about names, and each system has a file that looks up a process.
//!
//! A process is held by its id and its start time ([`ProcessIdentity`]), because the system reuses
//! ids: what is read about an id counts only if the start time is still the same afterwards.
//!
//! The client distinguishes sessions. If `allowed_callers` is configured, it decides about access,
//! too: by [`Client::programs`], what it and the programs between it and the shim execute, judged.
//! That proves which programs stand there now, and not what made them run the shim.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
mod program;
mod programs;
mod walk;
#[cfg(windows)]
mod windows;

use std::{path::PathBuf, time::Duration};

#[cfg(target_os = "linux")]
use self::linux as system;
#[cfg(target_os = "macos")]
use self::macos as system;
pub(crate) use self::programs::Program;
use self::walk::to_client;
#[cfg(windows)]
use self::windows as system;
use crate::client_session::ClientSession;

/// A process, identified by its id and its start time: the system reuses ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProcessIdentity {
    /// Process id.
    pub(crate) pid: u32,
    /// The start time in microseconds, since an epoch that differs between systems.
    pub(crate) started: u64,
}

/// A process as the system describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    pid: u32,
    parent: u32,
    /// The process's name, which the system may cut and the process may change. For a script, it is
    /// the script's file name on Linux.
    name: String,
    /// The path of the program that the process executes: for a script, of its interpreter. `None`
    /// if the system does not reveal it.
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

    const fn identity(&self) -> ProcessIdentity {
        ProcessIdentity {
            pid: self.pid,
            started: self.started,
        }
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
    /// The path of the program that it executes: for a script, of its interpreter. `None` if the
    /// system does not reveal it.
    pub(crate) executable: Option<PathBuf>,
    /// The processes from the shim's parent to the client, which is the last one.
    chain: Vec<ProcessIdentity>,
}

/// The process that has the id `pid` now; `None` if there is none.
#[must_use]
pub(crate) fn identify(pid: u32) -> Option<ProcessIdentity> {
    system::describe(pid).map(|process| process.identity())
}

/// Finds the client that `shim` runs for; `None` if the shim has ended, even if another process has
/// its id by now, or if the system does not report the client.
#[must_use]
pub(crate) fn find(shim: ProcessIdentity) -> Option<Client> {
    if identify(shim.pid) != Some(shim) {
        return None;
    }
    let mut chain = to_client(shim.pid, look_up)?;
    let identities = chain.iter().map(Process::identity).collect();
    let client = chain.pop()?;
    // A shim that has ended meanwhile has no parent, and its id may lead to that of another.
    (identify(shim.pid) == Some(shim)).then(|| Client {
        session: client.session(),
        executable: client.executable,
        chain: identities,
    })
}

/// Whether a process with the id `pid` runs.
#[must_use]
pub(crate) fn is_running(pid: u32) -> bool {
    identify(pid).is_some()
}

/// The name of the process that `client` is; `None` if it has ended.
#[must_use]
pub(crate) fn name(client: ClientSession) -> Option<String> {
    system::describe(client.pid)
        .filter(|process| process.session() == client)
        .map(|process| process.name)
}

/// The process `pid`, with its executable.
fn look_up(pid: u32) -> Option<Process> {
    let executable = system::executable(pid);
    system::describe(pid).map(|process| Process {
        executable,
        ..process
    })
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
        assert_eq!(own.executable, std::env::current_exe().ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_process_that_has_ended_or_has_another_start_time_has_no_client() {
        let mut child = std::process::Command::new("sleep")
            .arg("600")
            .spawn()
            .unwrap();
        let shim = identify(child.id()).unwrap();
        // At least this process.
        let client = find(shim).unwrap();
        assert_eq!(client.chain[0].pid, std::process::id());
        assert_eq!(client.chain.last().unwrap().pid, client.session.pid);
        for started in [shim.started - 1, shim.started + 1] {
            assert_eq!(find(ProcessIdentity { started, ..shim }), None);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(find(shim), None);
    }
}
