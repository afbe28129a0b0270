//! The local socket that the daemon listens on: one file for each system.

mod peer;
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

use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use self::peer::{Peer, PeerUser};
#[cfg(unix)]
pub(crate) use self::unix::{Listener, Stream};
#[cfg(windows)]
pub(crate) use self::windows::{Listener, Stream};

/// The daemon's end of a connection.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Unpin + Send {
    /// Returns when the peer has closed the connection, so that an answer would have no reader.
    /// What the peer sends meanwhile is dropped: a connection carries one request.
    fn closed(&mut self) -> impl Future<Output = ()> + Send;
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
    /// What the service manager has passed is not a socket on which clients reach the daemon.
    #[cfg_attr(windows, expect(dead_code, reason = "no manager passes a pipe"))]
    #[error(
        "the service manager has passed {found}; expected a listening Unix stream socket at '{}'",
        .expected.display()
    )]
    Passed {
        /// What it is instead.
        found: String,
        /// The path of the usual socket.
        expected: PathBuf,
    },
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
