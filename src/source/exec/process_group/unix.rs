//! A session of its own.

#![expect(unsafe_code, reason = "a hook between fork and exec is unsafe to set")]

use std::io;

use rustix::process::{Pid, Signal, kill_process_group, setsid};
use tokio::process::{Child, Command};

/// A running program and its children, as the leader of a session and of a process group.
pub(in super::super) struct ProcessGroup {
    pub(in super::super) child: Child,
    /// The group to kill when dropped.
    leader: Option<Pid>,
}

impl ProcessGroup {
    /// Starts the program in a session of its own: without a terminal, it cannot wait at the one of
    /// a daemon that runs in the foreground.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(in super::super) fn spawn(command: &mut Command) -> io::Result<Self> {
        command.current_dir("/");
        // SAFETY: the hook only calls setsid, which is async-signal-safe, and allocates nothing.
        unsafe { command.pre_exec(|| setsid().map(drop).map_err(io::Error::from)) };
        let child = command.spawn()?;
        let leader = child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        Ok(Self { child, leader })
    }

    /// Lets the children go on: the program has exited and left them behind on purpose, as one that
    /// starts an agent. From now on another group may get the group's number.
    pub(in super::super) fn release(&mut self) {
        self.leader = None;
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // Fails only if no process of the group is left.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}
