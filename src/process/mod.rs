//! The daemon's own process: one file for each system.

mod executable;
mod start;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

/// The exit code of a program that Ctrl-C ends.
pub(crate) const INTERRUPTED: u8 = 130;

pub(crate) use self::start::{PassedSocket, StartError, start};
#[cfg(unix)]
use self::unix as system;
#[cfg(windows)]
use self::windows as system;
#[cfg(windows)]
pub(crate) use self::windows::{end_others, login_environment, sid, snapshot};
pub(crate) use self::{
    executable::Executable,
    system::{FileStamp, Signals, close_stdout, descriptor_limit, harden},
};
