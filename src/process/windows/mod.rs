//! The daemon's process on Windows.

mod access;
mod environment;
mod executable;
mod others;
pub(crate) mod sid;
mod signals;
pub(crate) mod snapshot;
mod token;

use std::io;

pub(super) use self::executable::running;
pub(crate) use self::{
    environment::of_login as login_environment, executable::FileStamp, others::end_others,
    signals::Signals,
};

/// Leaves the caller's directory, and prevents other processes of the user from reading the memory;
/// other users cannot open the process anyway, and Windows makes no core dumps by default. The
/// daemon also starts if the system does not allow that.
pub(crate) fn harden() {
    if let Some(root) = std::env::var_os("SystemRoot") {
        let _ = std::env::set_current_dir(root);
    }
    let _ = access::restrict();
}

/// Leaves stdout open: the client closes its end of the pipe.
///
/// # Errors
///
/// None on this system.
pub(crate) fn close_stdout() -> io::Result<()> {
    Ok(())
}

/// `None`: the system does not limit the handles of a process.
#[must_use]
pub(crate) fn descriptor_limit() -> Option<u64> {
    None
}
