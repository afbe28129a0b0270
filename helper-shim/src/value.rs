//! Checks of values that options and variables share.

use claviger_wire::{ExitCode, Failure, MAX_TEXT_LEN};

use crate::duration;

/// The longest time that Claude Code lets a helper run, in milliseconds.
const MAX_TIMEOUT_MS: u64 = 600_000;

/// A failure of the command line or the environment.
pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure::new(ExitCode::Usage, message, hint)
}

/// Checks a profile's name, the value of the option or variable `name`.
///
/// # Errors
///
/// [`ExitCode::Usage`] if it is empty or longer than [`MAX_TEXT_LEN`].
pub(crate) fn profile(name: &str, value: String) -> Result<String, Failure> {
    if value.is_empty() {
        return Err(usage(format!("'{name}' is empty"), "name a profile"));
    }
    text(name, value)
}

/// Parses a time limit in milliseconds, the value of the option or variable `name`.
///
/// # Errors
///
/// [`ExitCode::Usage`] if it is not a whole number from 1 to 600000.
pub(crate) fn milliseconds(name: &str, value: &str) -> Result<u64, Failure> {
    match value.parse() {
        Ok(ms @ 1..=MAX_TIMEOUT_MS) => Ok(ms),
        _ => Err(invalid(name, value, &format!("1 to {MAX_TIMEOUT_MS}"))),
    }
}

/// Parses a duration, the value of the option `name`, in milliseconds.
///
/// # Errors
///
/// [`ExitCode::Usage`] if it is not one, or longer than a year.
pub(crate) fn duration(name: &str, value: &str) -> Result<u64, Failure> {
    duration::milliseconds(value).ok_or_else(|| invalid(name, value, duration::FORM))
}

/// Checks a text, the value of the option or variable `name`.
///
/// # Errors
///
/// [`ExitCode::Usage`] if it is longer than [`MAX_TEXT_LEN`].
pub(crate) fn text(name: &str, value: String) -> Result<String, Failure> {
    if value.len() > MAX_TEXT_LEN {
        let message = format!("the value of '{name}' is longer than {MAX_TEXT_LEN} bytes");
        return Err(usage(message, "shorten it"));
    }
    Ok(value)
}

/// A failure that names the accepted values.
pub(crate) fn invalid(name: &str, value: &str, expected: &str) -> Failure {
    usage(
        format!("invalid value '{value}' for '{name}'"),
        format!("use {expected}"),
    )
}
