//! A connection to the user's own daemon.
//!
//! Both systems' files have the same: `Stream`, `user` (who runs the shim), `connect` (a stream to the daemon, or `None`
//! where none listens) and `prepare` (makes the directories that starting one takes).

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{Stream, connect, prepare, user};
#[cfg(windows)]
pub(crate) use windows::{Stream, connect, prepare, user};

use std::io;
use std::path::Path;

use claviger_wire::Failure;

use crate::failure::{DENIED, UNAVAILABLE, failure};

/// Somebody else's daemon.
fn other_user(place: &Path) -> Failure {
    failure(
        DENIED,
        format!("another user's process listens on \"{}\"", place.display()),
        "find out whose it is, and end it; or set CLAVIGER_SOCKET",
    )
}

/// The system said no.
fn refused(what: &str, place: &Path, error: &io::Error) -> Failure {
    failure(
        UNAVAILABLE,
        format!("cannot {what} \"{}\": {error}", place.display()),
        "run claviger doctor",
    )
}
