//! The program that is started, on Windows.

use std::path::Path;

use crate::Failure;

/// Accepts every program: `C:\Program Files` and a user's profile have access lists that keep other
/// users from writing.
///
/// # Errors
///
/// None on this system.
pub(super) fn check(_: &Path) -> Result<(), Failure> {
    Ok(())
}
