//! Which of a shim's ancestors is the client.
//!
//! Between the two may be a shell and any number of wrappers: scripts and programs that a company
//! puts around the shim. Each run has new ones: with a wrapper in place of the client, every run
//! would look like the first of a new session. Hence the walk skips
//!
//! - launchers, such as shells, at any age,
//! - programs that started only moments before their child did: a wrapper exists to run the next
//!   program, a client runs on. Interpreters get more time than other programs.
//!
//! The first ancestor left is the client. A wrapper that does slower work before it runs the shim
//! looks like a client; it should `exec` the shim, or run it first.
//!
//! An unknown client that runs its helper as soon after its own start is skipped too. The last
//! program that was skipped is the client after all if the walk finds no other, or if it meets a
//! shell that is too old for a helper: the user's, which started the client. Otherwise the first
//! run counts for the process that started the client, and all later ones for the client, because
//! it only grows older. At worst, this costs the client one more 401, or the gateway one probe.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{Process, program::Kind};

/// The most ancestors to look at: a wrapper of three programs with a shell and `env` before each
/// takes nine.
const MAX_DEPTH: usize = 16;

/// How long an interpreter may take from its start to that of its child. Python with the imports of
/// a typical wrapper takes 0.2 s, and 1.4 s on a machine with four times the work that it can do.
///
/// A wrong guess costs a client one run, and a wrapper every run: rather too long than too short.
const INTERPRETER_STARTUP: Duration = Duration::from_secs(2);

/// The same for any other program. A compiled wrapper takes 10 ms, and 60 ms on a busy machine. The
/// fastest client that was measured, Claude Code, runs its helper after 260 ms.
const PROGRAM_STARTUP: Duration = Duration::from_millis(200);

/// How long a run of a helper can take until it starts the shim: clients give up or complain after
/// at most this time. What is older than that was not started by the helper.
const LONGEST_HELPER: Duration = Duration::from_secs(10);

/// The place of an ancestor of the shim.
#[derive(Clone, Copy)]
enum Place {
    /// Between the client and the shim, or above the client: a launcher tells nothing.
    Unknown,
    /// Between the client and the shim.
    Between,
    /// It is the client, or above it.
    Client,
    /// Above the client.
    Above,
}

impl Place {
    /// The place of a process that started `before_child` before its child on the walk, and
    /// `before_shim` before the shim.
    fn of(process: &Process, before_child: Duration, before_shim: Duration) -> Self {
        let is_old = before_shim > LONGEST_HELPER;
        let startup = match Kind::of(process) {
            Kind::Launcher if is_old => return Self::Above,
            Kind::Launcher => return Self::Unknown,
            Kind::Client => return Self::Client,
            Kind::Interpreter => INTERPRETER_STARTUP,
            Kind::Other => PROGRAM_STARTUP,
        };
        if is_old || before_child > startup {
            Self::Client
        } else {
            Self::Between
        }
    }
}

/// Walks from the process `shim` upwards to its client; returns the processes from the shim's
/// parent to the client, which is the last one.
pub(super) fn to_client(
    shim: u32,
    look_up: impl Fn(u32) -> Option<Process>,
) -> Option<Vec<Process>> {
    let shim = look_up(shim)?;
    let mut chain: Vec<Process> = Vec::new();
    // How much of the chain there is up to the last program that was skipped.
    let mut to_last_skipped = 0;
    for _ in 0..MAX_DEPTH {
        let child = chain.last().unwrap_or(&shim);
        let Some(process) = look_up(child.parent) else {
            break;
        };
        let Some(before_child) = process.age_at_start_of(child) else {
            break;
        };
        let before_shim = process.age_at_start_of(&shim)?;
        let place = Place::of(&process, before_child, before_shim);
        chain.push(process);
        match place {
            Place::Client => return Some(chain),
            Place::Between => to_last_skipped = chain.len(),
            Place::Above if to_last_skipped > 0 => break,
            // Without a program below it, it is the shell in which the user runs the shim.
            Place::Above | Place::Unknown => {}
        }
    }
    chain.truncate(to_last_skipped);
    (!chain.is_empty()).then_some(chain)
}
