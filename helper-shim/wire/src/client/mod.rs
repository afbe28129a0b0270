//! The one client of the daemon: blocking, std only, the same for the shim and the command line.
//!
//! [`Client::request`] connects to the daemon that listens, sends one request and reads its answer;
//! [`Client::request_or_start`] starts the daemon first if none listens;
//! [`Client::request_with_variables`] also sends variables that the daemon asks for, and
//! [`Client::watch_with_variables`] returns responses one by one.
//!
//! A client computes the daemon's paths from its own environment, as far as the rules of
//! [`PlaceVariables`](crate::paths::PlaceVariables) let that count. The daemon has the last word:
//! when it is started it reports the socket on which it, or another daemon, listens.
//!
//! Nothing here has a time limit of its own, because connecting to a socket whose queue is full,
//! opening a file on a server that is down and reading from a pipe have none that std could set on
//! all systems. The caller runs the whole request as [`Pending`] work and waits until its
//! [`Deadline`].

mod connect;
mod deadline;
mod environment;
mod exchange;
pub mod handshake;
mod protect;
mod start;
mod variables;

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

pub use self::{
    connect::user,
    deadline::{Deadline, Pending},
    environment::{
        PATH, daemon_paths, host_name, is_inherited, managed_config, owner, place_variables,
        runtime_dir, variable,
    },
    protect::protect_process,
};
use self::{
    exchange::{ExchangeError, exchange, exchange_each},
    start::StartOutcome,
};
use crate::{
    ExitCode, Failure, Request, Response,
    paths::{self, DaemonPaths, System},
};

/// The pause before each attempt to send a request, in milliseconds. A daemon that ends or is
/// killed before it answers costs no call; nor does a service manager that gives up the socket, and
/// closes for some milliseconds what connects to it. A daemon that ends at every request is
/// reported.
const ATTEMPTS: [u64; 6] = [0, 0, 10, 20, 40, 80];

/// A client of the user's daemon.
#[derive(Clone, Debug)]
pub struct Client {
    paths: DaemonPaths,
    /// Whether a daemon is started if none listens.
    may_start: bool,
}

impl Client {
    /// A client of the daemon whose paths this process's environment gives.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Usage`] for an environment without usable paths, [`ExitCode::Denied`] for root
    /// in another user's environment, [`ExitCode::DaemonUnavailable`] if the system does not
    /// report the user.
    pub fn from_env() -> Result<Self, Failure> {
        let variables = place_variables(environment::is_managed())?;
        Ok(Self::new(daemon_paths(&variables)?))
    }

    /// A client of the daemon with these paths.
    #[must_use]
    pub const fn new(paths: DaemonPaths) -> Self {
        Self {
            paths,
            may_start: true,
        }
    }

    /// A client of the daemon that listens on `socket`, which an argument names: the environment
    /// does not count. It starts no daemon.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Usage`] if `socket` is not an absolute path, or not a pipe's name.
    pub fn at(socket: PathBuf) -> Result<Self, Failure> {
        Ok(Self {
            paths: DaemonPaths::at(socket)?,
            may_start: false,
        })
    }

    /// The daemon's paths.
    #[must_use]
    pub const fn paths(&self) -> &DaemonPaths {
        &self.paths
    }

    /// Sends a request to the daemon that listens and returns its whole answer; `None` if none
    /// listens. `request` is called for each attempt.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Denied`] if the socket's directory or the process that listens is not the user's
    /// alone, [`ExitCode::DaemonUnavailable`] if the daemon does not answer in the format.
    pub fn request(
        &self,
        request: impl FnMut() -> Request,
    ) -> Result<Option<Vec<Response>>, Failure> {
        let mut answer = Vec::new();
        let is_answered = self.send(request, false, &mut |response| answer.push(response))?;
        Ok(is_answered.then_some(answer))
    }

    /// Sends a request to the daemon, which is started if none listens, and returns its whole
    /// answer. `request` is called for each attempt.
    ///
    /// # Errors
    ///
    /// Those of [`Self::request`], the failure that the daemon reports when it starts, and
    /// [`ExitCode::DaemonUnavailable`] if it cannot be started or this client starts none.
    pub fn request_or_start(
        &self,
        request: impl FnMut() -> Request,
    ) -> Result<Vec<Response>, Failure> {
        let mut answer = Vec::new();
        self.send(request, true, &mut |response| answer.push(response))?;
        Ok(answer)
    }

    /// Sends a request. `on_response` gets each response when it arrives. Returns whether a daemon
    /// listens: false only if `may_start` is.
    fn send(
        &self,
        mut request: impl FnMut() -> Request,
        may_start: bool,
        on_response: &mut dyn FnMut(Response),
    ) -> Result<bool, Failure> {
        let mut problem = "";
        for pause in ATTEMPTS {
            thread::sleep(Duration::from_millis(pause));
            let stream = match connect::connect(&self.paths)? {
                Some(stream) => stream,
                None if !may_start => return Ok(false),
                None if !self.may_start => return Err(self.none_listens()),
                None => match start::start(&self.paths)? {
                    StartOutcome::Connected(stream) => stream,
                    StartOutcome::Failed(reason) => {
                        problem = reason;
                        continue;
                    }
                },
            };
            match exchange_each(stream, &request(), on_response) {
                Ok(()) => return Ok(true),
                Err(ExchangeError::Closed) => problem = CLOSED,
                Err(ExchangeError::Invalid(problem)) => return Err(self.unavailable(&problem)),
            }
        }
        Err(self.unavailable(problem))
    }

    fn none_listens(&self) -> Failure {
        let socket = self.paths.socket.as_deref().unwrap_or(Path::new(""));
        let problem = format!("no daemon listens on '{}'", socket.display());
        // Only the demo prints settings that name a socket.
        let hint = "run claviger demo --keep, and use the settings that it prints";
        Failure::new(ExitCode::DaemonUnavailable, problem, hint)
    }

    fn unavailable(&self, problem: &str) -> Failure {
        let hint = match self.paths.socket_is_overridden {
            true => None,
            false => see_journal(),
        };
        let hint = hint.unwrap_or_else(|| self.paths.see_log());
        Failure::new(ExitCode::DaemonUnavailable, problem, hint)
    }
}

/// The hint that names the log of a daemon that systemd runs; `None` if it runs none.
fn see_journal() -> Option<String> {
    let hint = "see the daemon's log, with journalctl --user -u claviger";
    environment::is_service_running().then(|| hint.to_owned())
}

/// Sends `request` over a connection that the caller has made, to a daemon that it has judged
/// itself, and returns the whole answer.
///
/// # Errors
///
/// [`ExitCode::DaemonUnavailable`] if the daemon does not answer in the format.
pub fn request_over(
    stream: impl Read + Write,
    request: &Request,
) -> Result<Vec<Response>, Failure> {
    exchange(stream, request).map_err(|error| {
        let problem = match error {
            ExchangeError::Closed => CLOSED.to_owned(),
            ExchangeError::Invalid(problem) => problem,
        };
        Failure::new(ExitCode::DaemonUnavailable, problem, RESTART_HINT)
    })
}

const CLOSED: &str = "the daemon closed the connection without an answer";

/// The failure of a request without an answer after `limit`. It looks at no file below the home
/// directory, whose server may be what does not answer.
#[must_use]
pub fn timed_out(limit: Duration) -> Failure {
    let limit = match limit.subsec_nanos() {
        0 => format!("{} s", limit.as_secs()),
        _ => format!("{} ms", limit.as_millis() as u64),
    };
    let problem = format!("the daemon did not answer within {limit}");
    let journal = match variable("CLAVIGER_SOCKET") {
        Some(_) => None,
        None => see_journal(),
    };
    let hint = journal.unwrap_or_else(|| match paths::log_file(System::HERE, &variable) {
        Ok(log) => format!("see the daemon's log, '{}'", log.display()),
        Err(_) => "see the daemon's log".to_owned(),
    });
    Failure::new(ExitCode::DaemonUnavailable, problem, hint)
}

/// The hint for a daemon of another version.
pub const RESTART_HINT: &str = "run claviger stop; the next call starts the installed version";

/// The failure for a response of the daemon that does not answer the request.
#[must_use]
pub fn unexpected_response(response: &Response) -> Failure {
    let problem = match response {
        Response::Unsupported { version } => {
            format!(
                "the running daemon does not support this request (it speaks version {version})"
            )
        }
        Response::Unknown { kind } => {
            format!("unexpected response from the daemon: unknown kind {kind}")
        }
        _ => "unexpected response from the daemon".to_owned(),
    };
    Failure::new(ExitCode::DaemonUnavailable, problem, RESTART_HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_of_a_named_socket_starts_no_daemon() {
        let name = format!("claviger-none-{}", std::process::id());
        let socket = match cfg!(windows) {
            true => PathBuf::from(format!(r"\\.\pipe\{name}")),
            false => std::env::temp_dir().join(name).join("agent.sock"),
        };
        let client = Client::at(socket.clone()).unwrap();
        assert_eq!(client.request(|| Request::Stop), Ok(None));
        let failure = client.request_or_start(|| Request::Stop).unwrap_err();
        assert_eq!(failure.code, ExitCode::DaemonUnavailable);
        let problem = format!("no daemon listens on '{}'", socket.display());
        assert_eq!(failure.message, problem);
    }

    #[test]
    fn a_named_socket_is_absolute() {
        for relative in ["", "agent.sock", "./run/agent.sock"] {
            let failure = Client::at(relative.into()).unwrap_err();
            assert_eq!(failure.code, ExitCode::Usage, "{relative}");
            assert!(failure.message.contains("'--socket'"), "{failure:?}");
        }
    }
}
