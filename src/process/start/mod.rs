//! The state in which the daemon's process starts, whatever the starter's was.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use self::unix::{PassedSocket, start};
#[cfg(windows)]
pub(crate) use self::windows::{PassedSocket, start};

/// The reason why the daemon cannot run in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StartError {
    /// The hard limit of open files is too low.
    #[cfg_attr(windows, expect(dead_code, reason = "Windows has no such limit"))]
    #[error("the hard limit of open files (nofile) is {limit}; the daemon needs at least {needed}")]
    OpenFiles {
        /// The limit.
        limit: u64,
        /// The least that the daemon runs with.
        needed: u64,
    },
    /// The service manager has announced a socket, but passed none.
    #[cfg_attr(windows, expect(dead_code, reason = "no manager announces a pipe"))]
    #[error("the service manager has announced a socket, but descriptor 3 is not open")]
    NoSocket,
}
