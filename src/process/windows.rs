//! The daemon's process on Windows.

pub(crate) mod sid;

use std::io::{self, Write as _};

/// Leaves the caller's directory. Windows makes no core dumps unless it is told to, and other users can't open the
/// process.
pub fn harden() {
    if let Some(root) = std::env::var_os("SystemRoot") {
        let _ = std::env::set_current_dir(root);
    }
}

/// Tells the one who started us that the daemon listens.
///
/// # Errors
///
/// None: the one who started us may be gone, and the next shim is served all the same.
pub fn ready() -> io::Result<()> {
    let _ = writeln!(io::stdout(), "ok");
    Ok(())
}

/// Runs `end` when the session ends or somebody presses Ctrl-C.
///
/// # Errors
///
/// Where the system has no place for another handler.
pub fn on_termination(end: impl Fn() + Send + 'static) -> io::Result<()> {
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
