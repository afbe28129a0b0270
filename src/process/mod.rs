//! What the daemon does to its own process: one file per system.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use self::unix::{harden, on_termination, ready};
#[cfg(windows)]
pub(crate) use self::windows::sid;
#[cfg(windows)]
pub use self::windows::{harden, on_termination, ready};
