//! The daemon's process on Windows.

pub(crate) mod sid;

use std::io;

/// Leaves the caller's directory. Windows makes no core dumps by default, and other users cannot
/// open the process.
pub(crate) fn harden() {
    if let Some(root) = std::env::var_os("SystemRoot") {
        let _ = std::env::set_current_dir(root);
    }
}

/// Leaves stdout open: the client closes its end of the pipe.
///
/// # Errors
///
/// None on this system.
pub(crate) fn close_stdout() -> io::Result<()> {
    Ok(())
}

/// Calls `end` when the session ends or the user presses Ctrl-C.
///
/// # Errors
///
/// Those of `SetConsoleCtrlHandler`.
pub(crate) fn on_termination(end: impl Fn() + Send + 'static) -> io::Result<()> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    let mut shutdown = tokio::signal::windows::ctrl_shutdown()?;
    let mut logoff = tokio::signal::windows::ctrl_logoff()?;
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = shutdown.recv() => {}
            _ = logoff.recv() => {}
        }
        end();
    });
    Ok(())
}
