//! The daemon's process on Windows.

pub(crate) mod sid;

use std::{
    io::{self, Write as _},
    os::windows::io::AsRawHandle as _,
};

use windows_sys::Win32::{
    Foundation::{HANDLE_FLAG_INHERIT, SetHandleInformation},
    System::Threading::{CREATE_NEW_PROCESS_GROUP, DETACHED_PROCESS},
};

/// Leaves the caller's directory. Windows makes no core dumps unless it is told to, and other users can't open the
/// process.
pub(crate) fn harden() {
    if let Some(root) = std::env::var_os("SystemRoot") {
        let _ = std::env::set_current_dir(root);
    }
}

/// Has `command` start a daemon that no Ctrl-C and no console of ours ends, and that has none of our standard handles.
///
/// Windows passes on every handle that is marked for it once it passes on any, and those that a shell gave us are: they
/// are unmarked. Whoever waits for the end of our output would wait for the daemon's.
#[expect(unsafe_code, reason = "std has no way to unmark a handle")]
pub(crate) fn detach(command: &mut tokio::process::Command) {
    let standard = [
        io::stdin().as_raw_handle(),
        io::stdout().as_raw_handle(),
        io::stderr().as_raw_handle(),
    ];
    for handle in standard {
        // SAFETY: the call takes a handle and numbers only; on a handle that is none it fails, and there is no harm.
        unsafe { SetHandleInformation(handle, HANDLE_FLAG_INHERIT, 0) };
    }
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
}

/// Tells the one who started us that the daemon listens.
///
/// # Errors
///
/// None: the one who started us may be gone, and the next shim is served all the same.
pub(crate) fn ready() -> io::Result<()> {
    let _ = writeln!(io::stdout(), "ok");
    Ok(())
}

/// Runs `end` when the session ends or somebody presses Ctrl-C.
///
/// # Errors
///
/// Where the system has no place for another handler.
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
