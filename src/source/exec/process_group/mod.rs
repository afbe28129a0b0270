//! A running program with its children: one file for each system.
//!
//! Each file has the same type: it starts the program apart from the daemon's terminal, and kills
//! it with all its children when dropped, unless [`ProcessGroup::release`] was called.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(super) use self::unix::ProcessGroup;
#[cfg(windows)]
pub(super) use self::windows::ProcessGroup;
