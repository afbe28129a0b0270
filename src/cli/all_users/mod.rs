//! The daemons of all users of this machine, for root: `--all-users`. Each system has a file that
//! finds their sockets and connects to one, and runs this program as one of them.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{fmt, io::Read as _, path::PathBuf, process::Stdio, time::Duration};

use claviger_wire::{
    ExitCode, Failure, Request,
    client::{Deadline, Pending, RESTART_HINT},
};
use serde::Serialize;

#[cfg(unix)]
use self::unix::{accounts, command, exchange, find};
#[cfg(windows)]
use self::windows::{accounts, command, exchange, find};
use super::client::Answer;

/// The longest wait for one daemon. None of the requests waits for a source.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest wait for this program as another user.
const RUN_TIMEOUT: Duration = Duration::from_secs(120);

/// The longest output of this program as another user, in bytes: that user may have written it.
const MAX_OUTPUT: u64 = 1 << 20;

/// What is printed if no daemon was found.
pub(super) const NONE: &str = "no user's daemon is running";

/// A user with a socket at one of the usual places.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct UserDaemon {
    /// The user's id.
    pub(super) uid: u32,
    /// The user's name, if the user database has it.
    pub(super) user: Option<String>,
    /// The socket.
    pub(super) socket: PathBuf,
}

/// A user who uses Claviger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct UserAccount {
    /// The user's id.
    pub(super) uid: u32,
    /// The user's name, if the user database has it.
    pub(super) user: Option<String>,
    #[serde(skip)]
    gid: u32,
}

/// The user's name and id.
impl fmt::Display for UserDaemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name(f, self.uid, self.user.as_deref())
    }
}

/// The user's name and id.
impl fmt::Display for UserAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name(f, self.uid, self.user.as_deref())
    }
}

fn name(f: &mut fmt::Formatter<'_>, uid: u32, user: Option<&str>) -> fmt::Result {
    match user {
        Some(name) => write!(f, "{name} (uid {uid})"),
        None => write!(f, "with uid {uid}"),
    }
}

/// A daemon with its answer.
pub(super) type UserAnswer = (UserDaemon, Result<Answer, Failure>);

/// A user with what this program printed for the user, or why there is nothing.
pub(super) type UserOutput = (UserAccount, Result<String, String>);

/// Sends `request` to every user's daemon at once and returns the answers by user. A socket that no
/// daemon listens on is left out.
///
/// # Errors
///
/// [`ExitCode::Denied`] if this process is not root's.
pub(super) fn request(request: &Request) -> Result<Vec<UserAnswer>, Failure> {
    let deadline = Deadline::after(TIMEOUT);
    let pending: Vec<_> = find()?
        .into_iter()
        .map(|user| {
            let (of, request) = (user.clone(), request.clone());
            (user, Pending::start(move || exchange(&of, &request)))
        })
        .collect();
    Ok(pending
        .into_iter()
        .filter_map(|(user, pending)| {
            let answer = match pending.wait(deadline) {
                Some(answer) => answer.transpose()?.and_then(Answer::new),
                None => {
                    let seconds = TIMEOUT.as_secs();
                    let problem = format!("the daemon did not answer within {seconds} s");
                    Err(Failure::new(
                        ExitCode::DaemonUnavailable,
                        problem,
                        RESTART_HINT,
                    ))
                }
            };
            Some((user, answer))
        })
        .collect())
}

/// Runs this program with `args` as every user who uses Claviger, at once, and returns what it
/// printed on stdout, by user. The text is the user's: it proves nothing.
///
/// # Errors
///
/// [`ExitCode::Denied`] if this process is not root's. For one user: this program could not be
/// started or did not end in time.
pub(super) fn run(args: &[&str]) -> Result<Vec<UserOutput>, Failure> {
    let deadline = Deadline::after(RUN_TIMEOUT);
    let mut started = Vec::new();
    for user in accounts()? {
        let child = command(&user, args).and_then(|mut command| {
            command.stdin(Stdio::null()).stdout(Stdio::piped());
            command.stderr(Stdio::null()).spawn()
        });
        let child = child.map(|mut child| {
            let stdout = child.stdout.take();
            let text = Pending::start(move || {
                let mut text = String::new();
                let stdout = stdout?;
                stdout.take(MAX_OUTPUT).read_to_string(&mut text).ok()?;
                Some(text)
            });
            (child, text)
        });
        started.push((user, child));
    }
    let finished = started.into_iter().map(|(user, child)| {
        let output = match child {
            Err(error) => Err(format!("cannot start this program: {error}")),
            Ok((mut child, text)) => {
                let text = text.wait(deadline).flatten();
                // It has ended, or is late, or prints too much.
                let _ = child.kill();
                let _ = child.wait();
                text.ok_or_else(|| "this program did not end in time".to_owned())
            }
        };
        (user, output)
    });
    Ok(finished.collect())
}

/// `failure` as one of `user`'s daemon.
pub(super) fn of(user: &UserDaemon, failure: Failure) -> Failure {
    Failure {
        message: format!("user {user}: {}", failure.message),
        ..failure
    }
}
