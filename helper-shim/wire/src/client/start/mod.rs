//! Starts the daemon.
//!
//! Many clients may find no daemon at once. One of them holds the lock and starts
//! `claviger daemon --detached`; the others try to connect until it listens. The daemon reports on
//! its standard output, a pipe to the client, that it listens or why it cannot: see [`handshake`].
//!
//! The daemon outlives the client and serves every client of the user. It must inherit nothing from
//! the caller: no session, terminal or signals, no open descriptor (a client waits for the end of
//! its helper's output), no working directory, and no Anthropic credentials in the environment.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{
    env::{self, consts::EXE_SUFFIX},
    fs::{File, TryLockError},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

#[cfg(unix)]
use self::unix::detach;
#[cfg(windows)]
use self::windows::detach;
use super::{
    connect::{Stream, connect, prepare, system_error},
    environment::variable,
    handshake,
};
use crate::{
    ExitCode, Failure,
    paths::{DaemonPaths, PATH_VARIABLES},
};

/// The first and the longest pause between two attempts to connect to the daemon of another client;
/// each is twice as long as the one before. Two hundred clients on two cores must leave the daemon
/// some time.
const PAUSES: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(50)];

/// The Anthropic credentials of the caller, which the daemon does not need.
const CREDENTIAL_VARIABLES: [&str; 3] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS",
];

/// The result of a start without a failure to report.
pub(super) enum StartOutcome {
    /// The daemon listens.
    Connected(Stream),
    /// The daemon ended or was killed: the problem, if another attempt fails too.
    Failed(&'static str),
}

/// Starts the daemon, or waits until another client has, and connects to it.
///
/// # Errors
///
/// The failure that the daemon reports, [`ExitCode::DaemonUnavailable`] if it cannot be started,
/// and those of [`connect`].
pub(super) fn start(paths: &DaemonPaths) -> Result<StartOutcome, Failure> {
    prepare(paths)?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&paths.lock)
        .map_err(|error| system_error("open", &paths.lock, &error))?;
    let [mut pause, longest] = PAUSES;
    loop {
        let is_held = match lock.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => {
                return Err(system_error("lock", &paths.lock, &error));
            }
        };
        // Also if the lock is held: the client that held it before may have started a daemon.
        if let Some(stream) = connect(paths)? {
            return Ok(StartOutcome::Connected(stream));
        }
        if is_held {
            break;
        }
        thread::sleep(pause);
        pause = longest.min(2 * pause);
    }
    if !spawn(paths)? {
        let problem = "the daemon exited during startup without reporting an error";
        return Ok(StartOutcome::Failed(problem));
    }
    Ok(match connect(paths)? {
        Some(stream) => StartOutcome::Connected(stream),
        None => StartOutcome::Failed("the daemon started, but does not listen"),
    })
}

/// Returns when the daemon listens (true) or ended without a report (false).
fn spawn(paths: &DaemonPaths) -> Result<bool, Failure> {
    let program = program()?;
    let mut command = Command::new(&program);
    command
        .args(["daemon", "--detached"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for name in PATH_VARIABLES {
        if let Some(path) = variable(name) {
            command.env(name, path);
        }
    }
    for name in CREDENTIAL_VARIABLES {
        command.env_remove(name);
    }
    detach(&mut command);
    // Never waited for: the daemon outlives this process, and init inherits it.
    let child = command.spawn().map_err(|error| {
        let problem = format!("cannot start '{}': {error}", program.display());
        Failure::new(ExitCode::DaemonUnavailable, problem, paths.see_log())
    })?;
    match child.stdout.and_then(handshake::read) {
        Some(report) => report.map(|()| true),
        None => Ok(false),
    }
}

/// Returns the `claviger` that is installed beside this program, never one found on `PATH`.
fn program() -> Result<PathBuf, Failure> {
    // A link to this program may be anywhere; the daemon is beside its target.
    let own = env::current_exe()
        .and_then(|own| own.canonicalize())
        .map_err(|error| {
            let problem = format!("cannot determine the path of this program: {error}");
            let hint = "run this program by its absolute path";
            Failure::new(ExitCode::DaemonUnavailable, problem, hint)
        })?;
    let program = own.with_file_name(format!("claviger{EXE_SUFFIX}"));
    if program.is_file() {
        return Ok(program);
    }
    let problem = format!(
        "no daemon is running, and '{}' was not found",
        program.display()
    );
    let hint = "install claviger in the directory of claviger-helper";
    Err(Failure::new(ExitCode::DaemonUnavailable, problem, hint))
}
