//! Which client a shim runs for: the nearest process above it that is no shell. How a process is looked up is in one
//! file per system.
//!
//! This tells sessions apart; it proves nothing. Who may ask is decided by the user id alone.

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

/// How far up is looked: the client's shell, a wrapper script or two.
const HIGHEST: usize = 8;

/// What runs commands for others: its process says nothing of who wanted the command.
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

/// A process, as the system describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Process {
    parent: u32,
    /// The program's file name, as far as the system keeps it.
    name: String,
    /// When it started, in the system's own unit.
    started: u64,
}

/// The client session that the shim with the process id `shim` runs for; `None` where the system does not tell.
#[must_use]
pub(crate) fn find(shim: u32) -> Option<ClientSession> {
    climb(shim, look_up)
}

fn climb(shim: u32, look_up: impl Fn(u32) -> Option<Process>) -> Option<ClientSession> {
    let mut child = look_up(shim)?;
    for _ in 0..HIGHEST {
        let pid = child.parent;
        let process = look_up(pid)?;
        // Whoever is younger than its child only has the number of the real parent, which has ended.
        if process.started > child.started {
            return None;
        }
        // A login shell's name has a dash before it.
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
            climb(40, look_up),
            Some(ClientSession {
                pid: 20,
                started: 5
            })
        );
    }

    #[test]
    fn without_a_shell_between_the_parent_is_the_client() {
        let look_up = |pid| match pid {
            40 => process(20, "claviger-helper", 9),
            20 => process(10, "claude", 5),
            _ => None,
        };
        assert_eq!(
            climb(40, look_up),
            Some(ClientSession {
                pid: 20,
                started: 5
            })
        );
    }

    #[test]
    fn a_number_that_was_used_again_is_no_parent() {
        let look_up = |pid| match pid {
            40 => process(20, "claviger-helper", 9),
            20 => process(1, "somebody-else", 11),
            _ => None,
        };
        assert_eq!(climb(40, look_up), None);
    }

    #[test]
    fn shells_all_the_way_up_are_no_client() {
        assert_eq!(climb(40, |pid| process(pid - 1, "bash", 1)), None);
    }

    #[test]
    fn this_process_has_a_session() {
        let own = std::process::id();
        assert!(look_up(own).is_some_and(|process| process.started > 0));
    }
}
