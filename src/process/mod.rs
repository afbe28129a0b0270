//! The daemon's own process: one file for each system.

mod start;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub(crate) use self::start::start;
#[cfg(unix)]
pub(crate) use self::unix::{close_stdout, harden, on_termination};
#[cfg(windows)]
pub(crate) use self::windows::{close_stdout, harden, on_termination, sid};
