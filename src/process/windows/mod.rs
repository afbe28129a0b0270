//! The daemon's process on Windows.

pub(crate) mod sid;

use std::io;

use claviger_wire::client::handshake;

/// Leaves the caller's directory. Windows makes no core dumps by default, and other users cannot open the
/// process.
pub(crate) fn harden() {
    if let Some(root) = std::env::var_os("SystemRoot") {
        let _ = std::env::set_current_dir(root);
    }
}

/// Reports to the client that started the daemon that it listens.
///
/// # Errors
///
/// None. An error of the pipe is ignored: that client may be gone, and the next one is served.
pub(crate) fn ready() -> io::Result<()> {
    let _ = handshake::write_ready(&mut io::stdout());
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
