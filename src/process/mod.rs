//! What the daemon does to its own process: one file per system.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use self::unix::{detach, harden, on_termination, ready};
#[cfg(windows)]
pub(crate) use self::windows::sid;
#[cfg(windows)]
pub(crate) use self::windows::{detach, harden, on_termination, ready};
