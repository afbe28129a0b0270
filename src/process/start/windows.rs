//! The start of the daemon's process on Windows.

use super::StartError;

/// The client that starts a daemon passes no handles on, and there are no signals.
///
/// # Errors
///
/// None on this system.
pub(crate) fn start(_: bool) -> Result<(), StartError> {
    Ok(())
}
