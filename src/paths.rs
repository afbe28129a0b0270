//! Paths of this user's socket and log: the shim's rules, applied to this process's environment.

use std::path::PathBuf;

pub(crate) use claviger_wire::client::variable;
use claviger_wire::{
    Failure,
    client::user,
    paths::{self, PathError, System},
};

/// Returns the socket's path, or the pipe's name.
///
/// # Errors
///
/// A variable is missing or invalid, or the path is too long for a socket.
pub(crate) fn socket() -> Result<PathBuf, Failure> {
    Ok(paths::socket(System::HERE, &user()?, &variable)?)
}

/// Whether the socket is the usual one, which no variable of Claviger names.
#[must_use]
pub(crate) fn is_usual_socket() -> bool {
    variable("CLAVIGER_SOCKET").is_none()
}

/// Returns the daemon's log.
///
/// # Errors
///
/// A variable is missing or invalid.
pub(crate) fn log_file() -> Result<PathBuf, PathError> {
    paths::log_file(System::HERE, &variable)
}
