//! The daemon: whether it runs, which one it is, and what it reports.

use std::{env, path::PathBuf, time::Duration};

use claviger_wire::{
    ExitCode, Failure, Request, Response,
    client::{Client, Deadline, Pending, timed_out},
};

use super::{
    processes::{DaemonProcess, daemons},
    system,
};
use crate::{
    clock::Timestamp,
    doctor::{
        Context,
        check::Check,
        finding::{Finding, Severity},
    },
    logging,
    status_report::{DaemonReport, PolicyReport},
};

/// The socket is not the user's alone.
pub(super) const SOCKET_UNSAFE: Check = super::check_of(
    Severity::Fatal,
    "machine.socket-unsafe",
    "the socket's directory is open to others or a link, or another user listens",
);

/// The daemon cannot start.
pub(super) const NO_START: Check = super::check_of(
    Severity::Fatal,
    "machine.daemon-start",
    "the daemon cannot start",
);

/// The daemon does not answer.
pub(super) const NO_ANSWER: Check = super::check_of(
    Severity::Fatal,
    "machine.daemon-silent",
    "a process listens on the socket and does not answer as a daemon does",
);

/// The daemon is of another version.
pub(super) const VERSION: Check = super::check_of(
    Severity::Warning,
    "machine.daemon-version",
    "the daemon that runs is of another version than this program",
);

/// Two daemons have one socket.
pub(super) const SECOND: Check = super::check_of(
    Severity::Warning,
    "machine.daemon-second",
    "a second daemon runs that has lost its socket",
);

/// No key is given.
pub(super) const LOCKED: Check = super::check_of(
    Severity::Fatal,
    "machine.locked",
    "the broker is locked: no client gets a key",
);

/// The daemon uses a configuration that is no longer in the file.
pub(super) const OLD_CONFIGURATION: Check = super::check_of(
    Severity::Warning,
    "machine.daemon-old-config",
    "the daemon keeps an old configuration, because the file has a mistake",
);

/// The daemon has no log.
pub(super) const NO_LOG: Check = super::check_of(
    Severity::Warning,
    "machine.log-unusable",
    "the daemon cannot write its log",
);

/// The daemon has no audit log.
pub(super) const NO_AUDIT: Check = super::check_of(
    Severity::Warning,
    "machine.audit-unusable",
    "the daemon cannot write its audit log, or send it elsewhere",
);

/// A daemon was killed.
pub(super) const STALE_SOCKET: Check = super::check_of(
    Severity::Note,
    "machine.socket-stale",
    "a daemon was killed and has left its socket",
);

/// No daemon runs.
pub(super) const NOT_RUNNING: Check = super::check_of(
    Severity::Note,
    "machine.daemon-not-running",
    "no daemon was running",
);

/// The daemon's file was replaced.
pub(super) const REPLACED: Check = super::check_of(
    Severity::Note,
    "machine.daemon-replaced",
    "the daemon was started before its program was replaced",
);

/// Daemons of other sockets run.
pub(super) const OTHER_SOCKET: Check = super::check_of(
    Severity::Note,
    "machine.daemon-other-socket",
    "another daemon of this user runs, on a socket of its own",
);

/// The log has errors.
pub(super) const LOG_ERRORS: Check = super::check_of(
    Severity::Note,
    "machine.log-errors",
    "the daemon's log has errors",
);

/// The longest wait for the daemon: it answers at once, and starts within a second.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How many errors of the log are shown.
const MAX_ERRORS: usize = 3;

/// The difference between two clocks of one machine in seconds that means nothing: one of them
/// counts whole seconds.
const SLACK: i64 = 2;

/// The part of the log in bytes in which errors are looked for.
const LOG_TAIL: u64 = 64 * 1024;

/// What was observed.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The socket, and whether it exists.
    pub(super) socket: Option<PathBuf>,
    pub(super) socket_exists: bool,
    /// The daemon that was running, or why it did not answer.
    pub(super) daemon: Option<Result<DaemonReport, Failure>>,
    /// Why none could be started, if that was tried.
    pub(super) start: Option<Failure>,
    /// When the daemon was started, and its program put there.
    pub(super) started_at: Option<Timestamp>,
    pub(super) program_changed_at: Option<Timestamp>,
    /// All daemons of this user.
    pub(super) processes: Vec<DaemonProcess>,
    /// The last errors in the log.
    pub(super) errors: Vec<String>,
}

impl Facts {
    /// What the daemon reports of the central policy.
    pub(super) fn policy(&self) -> Option<&PolicyReport> {
        self.daemon.as_ref()?.as_ref().ok()?.policy.as_ref()
    }
}

/// Asks the daemon, and starts one if none runs and that is allowed.
pub(super) fn observe(context: &Context<'_>) -> Facts {
    let Ok(places) = context.places else {
        return Facts::default();
    };
    let client = Client::new(places.daemon.clone());
    let socket = places.daemon.socket.clone();
    let mut facts = Facts {
        socket_exists: socket.as_ref().is_some_and(|socket| socket.exists()),
        daemon: ask(&client, false).transpose(),
        socket,
        ..Facts::default()
    };
    if facts.daemon.is_none() && context.may_start {
        (context.progress)("starting a daemon");
        facts.start = ask(&client, true).err();
    }
    if let Some(Ok(daemon)) = &facts.daemon {
        let uptime = Duration::from_secs(daemon.uptime_s);
        facts.started_at = context.clock.now().wall.checked_sub(uptime).ok();
    }
    facts.program_changed_at = env::current_exe()
        .ok()
        .and_then(|own| system::changed_at(&own));
    facts.processes = daemons();
    let log = places.daemon.log.as_ref();
    let tail = log.and_then(|log| logging::tail(log, LOG_TAIL).ok());
    facts.errors = errors(&tail.unwrap_or_default());
    facts
}

/// The daemon's own report; `None` if none listens.
fn ask(client: &Client, may_start: bool) -> Result<Option<DaemonReport>, Failure> {
    let client = client.clone();
    let request = || Request::Status { profile: None };
    let answer = Pending::start(move || match may_start {
        true => client.request_or_start(request).map(Some),
        false => client.request(request),
    });
    let answer = answer.wait(Deadline::after(TIMEOUT));
    let Some(answer) = answer.unwrap_or_else(|| Err(timed_out(TIMEOUT)))? else {
        return Ok(None);
    };
    let report = answer.into_iter().find_map(|response| match response {
        Response::Report(json) => Some(serde_json::from_str(&json)),
        _ => None,
    });
    match report {
        Some(Ok(report)) => Ok(Some(report)),
        _ => Err(Failure::new(
            ExitCode::DaemonUnavailable,
            "unexpected response from the daemon",
            claviger_wire::client::RESTART_HINT,
        )),
    }
}

/// The last errors of a log, in their order.
fn errors(log: &str) -> Vec<String> {
    let is_error = |line: &&str| line.split_whitespace().nth(1) == Some("ERROR");
    let mut last: Vec<_> = log
        .lines()
        .rev()
        .filter(is_error)
        .take(MAX_ERRORS)
        .collect();
    last.reverse();
    last.into_iter().map(str::to_owned).collect()
}

/// Checks the daemon.
pub(super) fn check(facts: &Facts) -> Vec<Finding> {
    let mut findings = match &facts.daemon {
        None => of_absence(facts),
        Some(Err(failure)) => vec![of_failure(facts, failure)],
        Some(Ok(daemon)) => of_report(facts, daemon),
    };
    findings.extend(of_processes(facts));
    if !facts.errors.is_empty() {
        let remedy = "read them together with what else was found: run claviger status";
        let problem = "the daemon's log has errors";
        findings.push(LOG_ERRORS.found(problem, facts.errors.clone(), remedy));
    }
    findings
}

fn of_absence(facts: &Facts) -> Vec<Finding> {
    let Some(socket) = &facts.socket else {
        return Vec::new();
    };
    let socket = format!("the socket is '{}'", socket.display());
    let mut findings = Vec::new();
    if let Some(failure) = &facts.start {
        let remedy = hint(failure);
        findings.push(NO_START.found("the daemon cannot start", [failure.message.clone()], remedy));
    }
    if facts.socket_exists {
        let problem = "a daemon was killed and has left its socket";
        let remedy = "nothing: the next daemon replaces it";
        findings.push(STALE_SOCKET.found(problem, [socket], remedy));
    } else {
        let remedy = "nothing: the next claviger-helper starts one";
        findings.push(NOT_RUNNING.found("no daemon was running", [socket], remedy));
    }
    findings
}

fn of_failure(facts: &Facts, failure: &Failure) -> Finding {
    let socket = facts.socket.as_ref();
    let socket = socket.map_or_else(String::new, |socket| socket.display().to_string());
    let evidence = [failure.message.clone()];
    match failure.code {
        ExitCode::Denied => {
            let problem = format!("the socket '{socket}' is not safe");
            SOCKET_UNSAFE.found(problem, evidence, hint(failure))
        }
        _ => {
            let problem = format!("the daemon at '{socket}' does not answer");
            NO_ANSWER.found(problem, evidence, hint(failure))
        }
    }
}

fn hint(failure: &Failure) -> String {
    let hint = failure.hint.clone();
    hint.unwrap_or_else(|| "run claviger daemon in a terminal, and read what it prints".to_owned())
}

fn of_report(facts: &Facts, daemon: &DaemonReport) -> Vec<Finding> {
    let process = format!("pid {}, up {} s", daemon.pid, daemon.uptime_s);
    let own = env!("CARGO_PKG_VERSION");
    let mut findings = Vec::new();
    if daemon.version != own {
        let problem = format!(
            "the daemon is version {}, and this program {own}",
            daemon.version
        );
        let remedy = "run claviger stop; the next claviger-helper starts the installed version";
        findings.push(VERSION.found(problem, [process], remedy));
    } else if let (Some(started), Some(changed)) = (facts.started_at, facts.program_changed_at)
        && changed.as_second() > started.as_second() + SLACK
    {
        let problem = "the daemon was started before its program was replaced";
        let remedy = "nothing: it ends within a minute; or run claviger stop";
        findings.push(REPLACED.found(problem, [process], remedy));
    }
    if let Some(error) = &daemon.config_error {
        let problem = "the daemon keeps the configuration from before the last change";
        let remedy = "run claviger config check, and correct the file";
        findings.push(OLD_CONFIGURATION.found(problem, [error.clone()], remedy));
    }
    if daemon.locked {
        let since = daemon.locked_since.map(|at| format!("since {at}"));
        let evidence = since.into_iter().chain(daemon.lock_error.clone());
        let problem = "the broker is locked, so that no client gets a key";
        findings.push(LOCKED.found(problem, evidence, "run claviger unlock"));
    }
    if let Some(error) = &daemon.log_error {
        let remedy = "correct that, and run claviger stop";
        findings.push(NO_LOG.found("the daemon cannot write its log", [error.clone()], remedy));
    }
    if let Some(error) = &daemon.audit_error {
        let problem = "the daemon cannot write its audit log, or send it elsewhere";
        let lost = format!("{} records are lost", daemon.audit_lost);
        let remedy = "correct that: keys are served all the same, and without a record";
        findings.push(NO_AUDIT.found(problem, [error.clone(), lost], remedy));
    }
    findings
}

fn of_processes(facts: &Facts) -> Vec<Finding> {
    let answers = match &facts.daemon {
        Some(Ok(daemon)) => Some(daemon.pid),
        _ => None,
    };
    let others = facts.processes.iter();
    let others = others.filter(|process| Some(process.pid) != answers);
    let (same, other): (Vec<_>, Vec<_>) =
        others.partition(|process| process.socket.is_some() && process.socket == facts.socket);
    let named = |processes: Vec<&DaemonProcess>| {
        let line = |process: &DaemonProcess| match &process.socket {
            Some(socket) => format!("pid {}: '{}'", process.pid, socket.display()),
            None => format!("pid {}", process.pid),
        };
        processes.into_iter().map(line).collect::<Vec<_>>()
    };
    let mut findings = Vec::new();
    if answers.is_some() && !same.is_empty() {
        let problem = "a second daemon runs, which no client reaches";
        let remedy = "end this process: its socket was removed or replaced";
        findings.push(SECOND.found(problem, named(same), remedy));
    }
    if !other.is_empty() {
        let problem = "other daemons of this user run, on sockets of their own";
        let remedy = "nothing, if a demo, a test or a CLAVIGER_SOCKET is meant; else end them";
        findings.push(OTHER_SOCKET.found(problem, named(other), remedy));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_errors_of_a_log_are_found() {
        let log = "2026-01-01T00:00:00Z  INFO ERROR in a text\n\
                   2026-01-01T00:00:01Z ERROR a\n2026-01-01T00:00:02Z  WARN b\n\
                   2026-01-01T00:00:03Z ERROR c\n2026-01-01T00:00:04Z ERROR d\n\
                   2026-01-01T00:00:05Z ERROR e\n";
        let found = errors(log);
        let texts: Vec<_> = found.iter().map(|line| &line[21..]).collect();
        assert_eq!(texts, ["ERROR c", "ERROR d", "ERROR e"]);
        assert!(errors("").is_empty());
    }
}
