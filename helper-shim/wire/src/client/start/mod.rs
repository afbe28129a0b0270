//! Starts the daemon.
//!
//! Many clients may find no daemon at once. One of them holds the lock and starts
//! `claviger daemon --detached`; the others try to connect until it listens. The daemon reports on
//! its standard output, a pipe to the client, that it listens and where, or why it cannot: see
//! [`handshake`].
//!
//! The daemon outlives the client and serves every client of the user. It must inherit nothing from
//! the caller: no session, terminal or signals, no open descriptor (a client waits for the end of
//! its helper's output), no working directory, and of the environment only the language, the time
//! zone and the variables that choose places or the log's level, which the daemon judges.

mod program;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{
    env,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use self::program::program;
#[cfg(unix)]
use self::unix::{detach, make_files_private};
#[cfg(windows)]
use self::windows::{detach, make_files_private};
use super::{
    connect::{Stream, connect, prepare, remove_empty, system_error},
    deadline::Deadline,
    environment::{PATH, is_inherited, variable},
    handshake,
};
use crate::{
    ExitCode, Failure,
    paths::{BASE_VARIABLES, DaemonPaths, LOG_VARIABLE, PATH_VARIABLES},
};

/// The first and the longest pause between two attempts to connect to the daemon of another client;
/// each is twice as long as the one before. Two hundred clients on two cores must leave the daemon
/// some time.
const PAUSES: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(50)];

/// The longest wait for the client that holds the lock. A daemon listens within a fraction of it,
/// and a client that is stopped or hangs must not delay others until their deadline: they start a
/// daemon themselves, which ends if another one listens.
const PATIENCE: Duration = Duration::from_secs(2);

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
    let program = program()?;
    make_files_private();
    let (Some(socket), Some(lock)) = (&paths.socket, &paths.lock) else {
        return launch(&program, paths);
    };
    let created = prepare(paths, socket)?;
    let started = start_locked(&program, paths, lock);
    // Nothing stays of a start that failed, or whose daemon listens elsewhere. Another client may
    // be about to lock the file: it then holds a lock that the next one cannot see, and a second
    // daemon ends as soon as it finds the first.
    if !created.is_empty() && (started.is_err() || !socket.exists()) {
        let _ = fs::remove_file(lock);
        remove_empty(&created);
    }
    started
}

fn start_locked(program: &Path, paths: &DaemonPaths, lock: &Path) -> Result<StartOutcome, Failure> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(lock)
        .map_err(|error| system_error("open", lock, &error))?;
    let [mut pause, longest] = PAUSES;
    let patience = Deadline::after(PATIENCE);
    loop {
        let is_held = match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(error)) => {
                return Err(system_error("lock", lock, &error));
            }
        };
        // Also if the lock is held: the client that held it before may have started a daemon.
        if let Some(stream) = connect(paths)? {
            return Ok(StartOutcome::Connected(stream));
        }
        if is_held || patience.remaining().is_zero() {
            return launch(program, paths);
        }
        thread::sleep(pause);
        pause = longest.min(2 * pause);
    }
}

/// Starts a daemon and connects to the socket that it reports.
fn launch(program: &Path, paths: &DaemonPaths) -> Result<StartOutcome, Failure> {
    let Some(reported) = spawn(program, paths)? else {
        let problem = "the daemon exited during startup without reporting an error";
        return Ok(StartOutcome::Failed(problem));
    };
    let stream = match reported {
        Some(socket) => connect(&paths.reported(socket))?,
        None => connect(paths)?,
    };
    Ok(match stream {
        Some(stream) => StartOutcome::Connected(stream),
        None => StartOutcome::Failed("the daemon started, but does not listen"),
    })
}

/// Returns when the daemon listens, with the socket that it reports, or ended without a report
/// (`None`).
fn spawn(program: &Path, paths: &DaemonPaths) -> Result<Option<Option<PathBuf>>, Failure> {
    let mut command = Command::new(program);
    command
        .args(["daemon", "--detached"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .env_clear()
        .env("PATH", PATH)
        .envs(env::vars_os().filter(|(name, value)| is_inherited(name, value)));
    let names = PATH_VARIABLES.into_iter().chain(BASE_VARIABLES);
    for name in names.chain([LOG_VARIABLE]) {
        if let Some(path) = variable(name) {
            command.env(name, path);
        }
    }
    detach(&mut command);
    // Never waited for: the daemon outlives this process, and init inherits it.
    let child = command.spawn().map_err(|error| {
        let problem = format!("cannot start '{}': {error}", program.display());
        Failure::new(ExitCode::DaemonUnavailable, problem, paths.see_log())
    })?;
    child.stdout.and_then(handshake::read).transpose()
}
