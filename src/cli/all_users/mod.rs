//! The daemons of all users of this machine, for root: `--all-users`. Each system has a file that
//! finds their sockets and connects to one.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{fmt, path::PathBuf, time::Duration};

use claviger_wire::{
    ExitCode, Failure, Request,
    client::{Deadline, Pending, RESTART_HINT},
};
use serde::Serialize;

#[cfg(unix)]
use self::unix::{exchange, find};
#[cfg(windows)]
use self::windows::{exchange, find};
use super::client::Answer;

/// The longest wait for one daemon. None of the requests waits for a source.
const TIMEOUT: Duration = Duration::from_secs(10);

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

/// The user's name and id.
impl fmt::Display for UserDaemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(name) => write!(f, "{name} (uid {})", self.uid),
            None => write!(f, "with uid {}", self.uid),
        }
    }
}

/// A daemon with its answer.
pub(super) type UserAnswer = (UserDaemon, Result<Answer, Failure>);

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

/// `failure` as one of `user`'s daemon.
pub(super) fn of(user: &UserDaemon, failure: Failure) -> Failure {
    Failure {
        message: format!("user {user}: {}", failure.message),
        ..failure
    }
}
