//! The local socket that the daemon listens on and the command line connects to: one file per system.

#[cfg(any(windows, test))]
mod sddl;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::path::PathBuf;

#[cfg(unix)]
pub(crate) use self::unix::{Listener, connect, own_user};
#[cfg(windows)]
pub(crate) use self::windows::{Listener, connect, own_user};

/// Who is at the other end of a connection, as the system says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its process id, where the system tells.
    pub(crate) pid: Option<u32>,
}

/// Why the daemon can't listen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    /// A daemon listens there already: it stays, this one ends.
    #[error("a daemon is already listening on '{}'", .0.display())]
    Live(PathBuf),
    /// The directory is not ours alone.
    #[error("'{}' is not safe for a socket: {reason}", .path.display())]
    Unsafe {
        /// The directory.
        path: PathBuf,
        /// Owner, mode or kind.
        reason: String,
    },
    /// Something that is no socket is there. It may be somebody's, so it stays.
    #[error("'{}' is in the way: it is not a socket", .0.display())]
    InTheWay(PathBuf),
    /// The system said no.
    #[error("'{}' {doing}: {source}", .path.display())]
    Io {
        /// What it was about.
        path: PathBuf,
        /// As in "cannot be locked".
        doing: &'static str,
        /// What it said.
        source: std::io::Error,
    },
}
