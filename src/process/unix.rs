//! The daemon's process on Unix.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
};

use rustix::{
    fs::Mode,
    process::{Resource, Rlimit},
};
use tokio::signal::unix::{SignalKind, signal};

/// Leaves the caller's session and directory, and sees to it that no core dump and, on Linux, no other process of the
/// user's can read the memory. Each is done as far as the system allows: none is worth not starting for.
pub(crate) fn harden() {
    let _ = rustix::process::setsid();
    let _ = std::env::set_current_dir("/");
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = rustix::process::setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Has `command` start a daemon that no Ctrl-C of ours reaches; it leaves the session by itself.
pub(crate) fn detach(command: &mut tokio::process::Command) {
    command.process_group(0);
}

/// Tells the one who started us that the daemon listens, and lets go of the pipe: the client waits for its end.
///
/// # Errors
///
/// None that matter to a daemon that listens, except that stdout can't be let go of.
pub(crate) fn ready() -> io::Result<()> {
    // The one who started us may be gone; the next shim is served all the same.
    let _ = writeln!(io::stdout(), "ok");
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdout(null)?;
    Ok(())
}

/// Runs `end` at SIGTERM and SIGINT.
///
/// # Errors
///
/// Where the system has no place for another handler.
pub(crate) fn on_termination(end: impl Fn() + Send + 'static) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        end();
    });
    Ok(())
}
