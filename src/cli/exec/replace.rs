//! Runs the tool in place of this process.

#[cfg(unix)]
use std::os::unix::process::CommandExt as _;
use std::{io, process::Command};

/// Replaces this process by the tool, which so gets its signals and whose exit code is seen by the
/// caller. Returns only if that fails.
#[cfg(unix)]
pub(super) fn run(command: &mut Command) -> io::Result<u8> {
    Err(command.exec())
}

/// Runs the tool and waits for it; returns its exit code. Ctrl-C reaches both processes of the
/// console, and this one goes on waiting.
#[cfg(windows)]
pub(super) fn run(command: &mut Command) -> io::Result<u8> {
    let status = command.status()?;
    // A code that does not fit is a failure all the same.
    let code = status
        .code()
        .map_or(1, |code| u8::try_from(code).unwrap_or(1));
    Ok(code)
}
