//! Requests of the commands to the daemon, and their time limit.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use claviger_wire::{
    ExitCode, Failure, Request, Response, Variables,
    client::{Client, Deadline, Pending, RESTART_HINT, timed_out, unexpected_response},
};
use serde::de::DeserializeOwned;

use super::{CliError, socket_args::SocketArgs};
use crate::status_report::{FailureReport, StatusReport};

/// The longest time that a command waits: a refresh takes as long as its source does.
pub(super) const TIMEOUT: Duration = Duration::from_secs(60);

/// A request that is answered within this time needs no notice.
pub(super) const NOTICE_DELAY: Duration = Duration::from_secs(1);

/// The daemon's answer, unless it is a failure alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The reports, as JSON.
    pub(super) reports: Vec<String>,
    /// The failure that ends the answer.
    pub(super) failure: Option<Failure>,
}

/// Sends a request to the daemon that listens; `None` if none listens.
///
/// # Errors
///
/// The daemon's failure, and those of [`Client::request`].
pub(super) fn request(request: Request) -> Result<Option<Answer>, CliError> {
    request_at(SocketArgs::default(), request)
}

/// As [`request`], to the daemon that `socket` names.
///
/// # Errors
///
/// As [`request`].
pub(super) fn request_at(socket: SocketArgs, request: Request) -> Result<Option<Answer>, CliError> {
    let answer = send(socket, move |client| client.request(|| request.clone()))?;
    Ok(answer.map(Answer::new).transpose()?)
}

/// Sends a request to the daemon, which is started if none listens.
///
/// # Errors
///
/// The daemon's failure, and those of [`Client::request_or_start`].
pub(super) fn request_or_start(request: Request) -> Result<Answer, CliError> {
    let socket = SocketArgs::default();
    let answer = send(socket, move |client| {
        client.request_or_start(|| request.clone())
    })?;
    Ok(Answer::new(answer)?)
}

/// Sends a request to the daemon, which is started if none listens and which may ask for variables.
///
/// # Errors
///
/// The daemon's failure, and those of [`Client::request_with_variables`].
pub(super) fn request_with_variables(
    request: impl FnMut(&Variables) -> Request + Send + 'static,
) -> Result<Answer, CliError> {
    let socket = SocketArgs::default();
    let answer = send(socket, move |client| client.request_with_variables(request))?;
    Ok(Answer::new(answer)?)
}

/// As [`request_with_variables`], for a request that has one response.
///
/// # Errors
///
/// Those of [`Client::request_with_variables`].
pub(super) fn response(
    request: impl FnMut(&Variables) -> Request + Send + 'static,
) -> Result<Response, CliError> {
    let socket = SocketArgs::default();
    let answer = send(socket, move |client| client.request_with_variables(request))?;
    Ok(answer.into_iter().next_back().unwrap_or(Response::Done))
}

impl Answer {
    /// # Errors
    ///
    /// The failure of an answer without reports, and that for a response that does not belong to
    /// the request.
    pub(super) fn new(answer: Vec<Response>) -> Result<Self, Failure> {
        let mut reports = Vec::new();
        let mut failure = None;
        for response in answer {
            match response {
                Response::Report(json) => reports.push(json),
                Response::Done => {}
                Response::Failure(last) if reports.is_empty() => return Err(last),
                Response::Failure(last) => failure = Some(last),
                other => return Err(unexpected_response(&other)),
            }
        }
        Ok(Self { reports, failure })
    }

    /// Parses the reports of a status or refresh.
    ///
    /// # Errors
    ///
    /// [`ExitCode::DaemonUnavailable`] if they are not in the format.
    pub(super) fn status(&self) -> Result<StatusReport, Failure> {
        StatusReport::parse(&self.reports).map_err(|error| unexpected(&error))
    }

    /// Parses reports of one type.
    ///
    /// # Errors
    ///
    /// As [`Self::status`].
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<Vec<T>, Failure> {
        let reports = self.reports.iter();
        reports
            .map(|report| serde_json::from_str(report).map_err(|error| unexpected(&error)))
            .collect()
    }

    /// The error of the command: the failures of the reports or, if they contain none, the one that
    /// ends the answer.
    ///
    /// # Errors
    ///
    /// Those.
    pub(super) fn into_result<'a>(
        self,
        reported: impl Iterator<Item = &'a FailureReport>,
    ) -> Result<(), CliError> {
        let failures: Vec<Failure> = reported.map(failure).collect();
        match self.failure {
            _ if !failures.is_empty() => Err(CliError::Failures(failures)),
            Some(failure) => Err(failure.into()),
            None => Ok(()),
        }
    }
}

fn failure(report: &FailureReport) -> Failure {
    Failure {
        code: ExitCode::from_byte(report.code),
        message: report.message.clone(),
        hint: report.hint.clone(),
    }
}

/// The failure for an answer without its report.
pub(super) fn unexpected_report() -> Failure {
    let problem = "unexpected response from the daemon: it has no report";
    Failure::new(ExitCode::DaemonUnavailable, problem, RESTART_HINT)
}

/// The failure for a report that is not in the format.
pub(super) fn unexpected(error: &serde_json::Error) -> Failure {
    let problem = format!("unexpected response from the daemon: {error}");
    Failure::new(ExitCode::DaemonUnavailable, problem, RESTART_HINT)
}

/// Runs `work`, and fails if it is not done within [`TIMEOUT`].
fn send<T: Send + 'static>(
    socket: SocketArgs,
    work: impl FnOnce(&Client) -> Result<T, Failure> + Send + 'static,
) -> Result<T, CliError> {
    let work = Pending::start(move || work(&socket.client()?));
    let result = with_slow_notice(&work);
    Ok(result.unwrap_or_else(|| Err(timed_out(TIMEOUT)))?)
}

/// Waits for `work`. Prints a notice if it is slow and stderr is a terminal.
fn with_slow_notice<T: Send + 'static>(work: &Pending<T>) -> Option<T> {
    let deadline = Deadline::after(TIMEOUT);
    if let Some(result) = work.wait(Deadline::after(NOTICE_DELAY)) {
        return Some(result);
    }
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        let timeout = TIMEOUT.as_secs();
        // The command goes on if stderr is closed.
        let _ = writeln!(stderr, "waiting for the daemon, up to {timeout} s ...");
    }
    work.wait(deadline)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Response {
        Response::Report("{}".to_owned())
    }

    fn denied() -> Failure {
        Failure::new(ExitCode::Denied, "a", "b")
    }

    #[test]
    fn an_answer_is_its_reports_or_a_failure() {
        let answer = Answer::new(vec![report(), report(), Response::Done]).unwrap();
        assert_eq!(answer.reports, ["{}", "{}"]);
        assert_eq!(answer.failure, None);
        let empty = Answer::new(vec![Response::Done]).unwrap();
        assert_eq!(empty.reports, [""; 0]);

        let only = Answer::new(vec![Response::Failure(denied())]);
        assert_eq!(only.unwrap_err(), denied());
        let unsupported = Answer::new(vec![Response::Unsupported { version: 1 }]);
        assert_eq!(unsupported.unwrap_err().code, ExitCode::DaemonUnavailable);
    }

    #[test]
    fn a_failure_after_reports_leaves_them_and_gives_way_to_their_own() {
        let answer = || Answer::new(vec![report(), Response::Failure(denied())]).unwrap();
        assert_eq!(answer().reports, ["{}"]);
        let alone = answer().into_result([].iter());
        assert!(matches!(alone, Err(CliError::Failure(found)) if found == denied()));
        let reported = [3, 5].map(|code| FailureReport {
            code,
            ..FailureReport::default()
        });
        let Err(CliError::Failures(failures)) = answer().into_result(reported.iter()) else {
            panic!("no failures");
        };
        let codes: Vec<_> = failures.iter().map(|failure| failure.code).collect();
        assert_eq!(codes, [ExitCode::LoginRequired, ExitCode::SourceFailed]);
    }
}
