//! The local socket that the daemon listens on: one file for each system.

#[cfg(any(windows, test))]
mod sddl;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{
    io,
    path::{Path, PathBuf},
};

#[cfg(unix)]
pub(crate) use self::unix::Listener;
#[cfg(windows)]
pub(crate) use self::windows::Listener;

/// The client of a connection, as the system reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its process id, if the system reports it.
    pub(crate) pid: Option<u32>,
}

/// The reason why the daemon cannot listen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BindError {
    /// Another daemon listens there. It stays, and this one ends.
    #[error("a daemon is already listening on '{}'", .0.display())]
    Live(PathBuf),
    /// The socket's directory is not the user's alone, or another user has the pipe's name. The
    /// message is the one of the client, which checks the same before it connects.
    #[error("{0}")]
    Unsafe(String),
    /// A file that is not a socket has the path. It may be of use, so it stays.
    #[cfg_attr(
        windows,
        expect(dead_code, reason = "only a pipe can have a pipe's name")
    )]
    #[error("'{}' exists and is not a socket", .0.display())]
    InTheWay(PathBuf),
    /// An error of the system.
    #[error("cannot {action} '{}': {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The failed action, such as "lock".
        action: &'static str,
        /// The system's error.
        source: io::Error,
    },
}

impl BindError {
    /// Makes the error of a failed `action` on `path`, for `map_err`.
    fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            path,
            action,
            source,
        }
    }
}
