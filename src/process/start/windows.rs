//! The start of the daemon's process on Windows.

#![expect(unsafe_code, reason = "calls the Windows API")]

use std::io;

use windows_sys::Win32::System::Console::FreeConsole;

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

/// Closes the console of a detached daemon, which has one if the logon task starts it: its window
/// would stay open. The client that starts a daemon passes no handles on, and there are no signals.
///
/// # Errors
///
/// None on this system.
pub(crate) fn start(detached: bool, _: bool) -> Result<Option<PassedSocket>, StartError> {
    if detached {
        // SAFETY: the call has no arguments. Without a console it fails, which changes nothing.
        unsafe { FreeConsole() };
    }
    Ok(None)
}
