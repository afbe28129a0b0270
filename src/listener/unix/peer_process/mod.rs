//! Which process has connected.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
use self::linux::hold;
#[cfg(not(target_os = "linux"))]
use self::other::hold;
use super::Stream;
use crate::client_process::{self, ProcessIdentity};

/// The process that has connected and has the number `pid`; `None` if it has ended, even if another
/// process has the number by now.
///
/// Linux before 6.5 and other systems cannot tell whether the number was reused between connecting
/// and accepting, which is a moment unless the daemon is stopped.
pub(super) fn identify(stream: &Stream, pid: u32) -> Option<ProcessIdentity> {
    let held = hold(stream)?;
    let process = client_process::identify(pid)?;
    // Only now: what was read above is about the peer if it still runs.
    held.is_running().then_some(process)
}
