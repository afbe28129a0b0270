//! The daemon's process on Unix.

mod executable;
mod inspection;
mod signals;

use std::{fs::OpenOptions, io};

use rustix::process::{Resource, Rlimit};

pub(super) use self::executable::running;
pub(crate) use self::{executable::FileStamp, signals::Signals};

/// Leaves the caller's directory, and prevents core dumps and, on Linux and macOS, other processes
/// of the user from reading the memory. The daemon also starts if the system does not allow one of
/// these.
pub(crate) fn harden() {
    let _ = std::env::set_current_dir("/");
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = rustix::process::setrlimit(Resource::Core, none);
    inspection::deny();
}

/// Replaces stdout by `/dev/null`, so that a client that waits for the end of that pipe goes on.
///
/// # Errors
///
/// Those of open(2) and dup2(2).
pub(crate) fn close_stdout() -> io::Result<()> {
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(null)?;
    Ok(())
}

/// The most descriptors that this process may have open; `None` if the system sets no limit.
#[must_use]
pub(crate) fn descriptor_limit() -> Option<u64> {
    rustix::process::getrlimit(Resource::Nofile).current
}
