//! The client that a shim runs for: its nearest ancestor that is not a shell. Each system has a
//! file that looks up a process.
//!
//! This distinguishes sessions; it proves nothing. Access is decided by the user id alone.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use self::linux::look_up;
#[cfg(target_os = "macos")]
use self::macos::look_up;
#[cfg(windows)]
use self::windows::look_up;
use crate::client_session::ClientSession;

/// The most ancestors to look at: the client's shell, a wrapper script or two.
const MAX_DEPTH: usize = 8;

/// Programs that run commands for another process, which is the one to find.
const SHELLS: [&str; 14] = [
    "sh",
    "dash",
    "bash",
    "zsh",
    "ksh",
    "mksh",
    "fish",
    "busybox",
    "env",
    "timeout",
    "cmd.exe",
    "powershell.exe",
    "pwsh.exe",
    "pwsh",
];

/// A process as the system describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    parent: u32,
    /// The program's file name, which the system may cut.
    name: String,
    /// The start time, in the system's own unit.
    started: u64,
}

/// Finds the client session that the shim with the process id `shim` runs for; `None` if the system
/// does not report it.
#[must_use]
pub(crate) fn find(shim: u32) -> Option<ClientSession> {
    nearest_client(shim, look_up)
}

/// Whether a process with the id `pid` runs.
#[must_use]
pub(crate) fn is_running(pid: u32) -> bool {
    look_up(pid).is_some()
}

/// The file name of the program that `client` runs; `None` if it has ended.
#[must_use]
pub(crate) fn name(client: ClientSession) -> Option<String> {
    look_up(client.pid)
        .filter(|process| process.started == client.started)
        .map(|process| process.name)
}

/// Walks from the process `shim` upwards to the first ancestor that is not a shell.
fn nearest_client(shim: u32, look_up: impl Fn(u32) -> Option<Process>) -> Option<ClientSession> {
    let mut child = look_up(shim)?;
    for _ in 0..MAX_DEPTH {
        let pid = child.parent;
        let process = look_up(pid)?;
        // A parent younger than its child is another process with the id of the real one, which has
        // ended.
        if process.started > child.started {
            return None;
        }
        // A login shell's name starts with a dash.
        if !SHELLS.contains(
            &process
                .name
                .trim_start_matches('-')
                .to_ascii_lowercase()
                .as_str(),
        ) {
            return Some(ClientSession {
                pid,
                started: process.started,
            });
        }
        child = process;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(parent: u32, name: &str, started: u64) -> Option<Process> {
        Some(Process {
            parent,
            name: name.to_owned(),
            started,
        })
    }

    #[test]
    fn shells_are_skipped() {
        let look_up = |pid| match pid {
            40 => process(30, "claviger-helper", 9),
            30 => process(20, "sh", 8),
            20 => process(10, "claude", 5),
            10 => process(1, "-zsh", 2),
            _ => None,
        };
        assert_eq!(
            nearest_client(40, look_up),
            Some(ClientSession {
                pid: 20,
                started: 5
            })
        );
    }

    #[test]
    fn a_parent_that_is_not_a_shell_is_the_client() {
        let look_up = |pid| match pid {
            40 => process(20, "claviger-helper", 9),
            20 => process(10, "claude", 5),
            _ => None,
        };
        assert_eq!(
            nearest_client(40, look_up),
            Some(ClientSession {
                pid: 20,
                started: 5
            })
        );
    }

    #[test]
    fn a_reused_process_id_is_not_the_parent() {
        let look_up = |pid| match pid {
            40 => process(20, "claviger-helper", 9),
            20 => process(1, "unrelated", 11),
            _ => None,
        };
        assert_eq!(nearest_client(40, look_up), None);
    }

    #[test]
    fn shells_alone_are_not_a_client() {
        assert_eq!(nearest_client(40, |pid| process(pid - 1, "bash", 1)), None);
    }

    #[test]
    fn this_process_has_a_start_time() {
        let own = std::process::id();
        assert!(look_up(own).is_some_and(|process| process.started > 0));
    }
}
