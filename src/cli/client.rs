//! Requests of the commands to the daemon, and their time limit.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use claviger_wire::{
    ExitCode, Failure, Request, Response,
    client::{Client, Deadline, Pending, RESTART_HINT, timed_out, unexpected_response},
};

use super::{CliError, places};
use crate::{paths::Starter, status_report::StatusReport};

/// The longest time that a command waits: a refresh takes as long as its source does.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A request that is answered within this time needs no notice.
const NOTICE_DELAY: Duration = Duration::from_secs(1);

/// Sends a request to the daemon that listens and returns the reports of its answer; `None` if none
/// listens.
///
/// # Errors
///
/// The daemon's failure, and those of [`Client::request`].
pub(super) fn request(request: Request) -> Result<Option<Vec<String>>, CliError> {
    let answer = send(move |client| client.request(|| request.clone()))?;
    answer.map(reports).transpose()
}

/// Sends a request to the daemon, which is started if none listens, and returns the reports of its
/// answer.
///
/// # Errors
///
/// The daemon's failure, and those of [`Client::request_or_start`].
pub(super) fn request_or_start(request: Request) -> Result<Vec<String>, CliError> {
    reports(send(move |client| {
        client.request_or_start(|| request.clone())
    })?)
}

/// Parses the reports of a status.
///
/// # Errors
///
/// [`ExitCode::DaemonUnavailable`] if they are not in the format.
pub(super) fn status_report(reports: &[String]) -> Result<StatusReport, CliError> {
    StatusReport::parse(reports).map_err(|error| {
        let problem = format!("unexpected response from the daemon: {error}");
        Failure::new(ExitCode::DaemonUnavailable, problem, RESTART_HINT).into()
    })
}

/// Runs `work`, and fails if it is not done within [`TIMEOUT`].
fn send<T: Send + 'static>(
    work: impl FnOnce(&Client) -> Result<T, Failure> + Send + 'static,
) -> Result<T, CliError> {
    let work = Pending::start(move || {
        let paths = places::of(Starter::Client)?.places.daemon;
        work(&Client::new(paths))
    });
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

fn reports(answer: Vec<Response>) -> Result<Vec<String>, CliError> {
    let mut reports = Vec::new();
    for response in answer {
        match response {
            Response::Report(json) => reports.push(json),
            Response::Done => {}
            Response::Failure(failure) => return Err(failure.into()),
            other => return Err(unexpected_response(&other).into()),
        }
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_reports_or_a_failure() {
        let report = || Response::Report("{}".to_owned());
        let answer = vec![report(), report(), Response::Done];
        assert_eq!(reports(answer).unwrap(), ["{}", "{}"]);
        assert_eq!(reports(vec![Response::Done]).unwrap(), [""; 0]);

        let failure = Failure::new(ExitCode::Denied, "a", "b");
        let answer = vec![Response::Failure(failure.clone())];
        assert!(matches!(reports(answer), Err(CliError::Failure(found)) if found == failure));
        let unsupported = vec![Response::Unsupported { version: 1 }];
        let Err(CliError::Failure(failure)) = reports(unsupported) else {
            panic!("no failure");
        };
        assert_eq!(failure.code, ExitCode::DaemonUnavailable);
    }
}
