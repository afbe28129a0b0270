//! The start of the daemon's process on Windows.

use std::io;

use super::StartError;

/// A pipe that a service manager has passed: none does.
#[derive(Debug)]
pub(crate) enum PassedSocket {}

impl PassedSocket {
    /// Never called.
    ///
    /// # Errors
    ///
    /// None.
    pub(crate) fn leave_to_exec(&self) -> io::Result<()> {
        match *self {}
    }
}

/// The client that starts a daemon passes no handles on, and there are no signals.
///
/// # Errors
///
/// None on this system.
pub(crate) fn start(_: bool, _: bool) -> Result<Option<PassedSocket>, StartError> {
    Ok(None)
}
