//! A connection to the user's own daemon.
//!
//! The file of each system has the same items: `Stream`, `user` (the user's SID on Windows, empty
//! elsewhere), `connect` (a stream to the daemon, or `None` if none listens or its socket is not
//! known) and `prepare` (creates the directories that the socket and the lock need, and returns
//! those that it created).

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{io, path::Path};

#[cfg(unix)]
pub use self::unix::user;
#[cfg(unix)]
pub(super) use self::unix::{Stream, connect, prepare, remove_empty};
#[cfg(windows)]
pub use self::windows::user;
#[cfg(windows)]
pub(super) use self::windows::{Stream, connect, prepare, remove_empty};
use crate::{ExitCode, Failure, paths::OTHER_SOCKET};

/// The failure for a daemon of another user.
fn other_user(socket: &Path) -> Failure {
    let problem = format!(
        "a process of another user listens on '{}'",
        socket.display()
    );
    Failure::new(ExitCode::Denied, problem, OTHER_SOCKET)
}

/// The failure for an error of the system: `cannot ACTION 'PATH': ERROR`.
pub(super) fn system_error(action: &str, path: &Path, error: &io::Error) -> Failure {
    let problem = format!("cannot {action} '{}': {error}", path.display());
    Failure::new(ExitCode::DaemonUnavailable, problem, OTHER_SOCKET)
}
