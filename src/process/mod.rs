//! The daemon's own process: one file for each system.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use self::unix::{harden, on_termination, ready};
#[cfg(windows)]
pub(crate) use self::windows::{harden, on_termination, ready, sid};
