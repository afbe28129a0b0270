//! The status as text.

use std::{
    io::{self, Write},
    time::Duration,
};

use claviger_wire::{ExitCode, Failure};

use super::policy;
use crate::{
    cli::{
        client::Answer,
        output,
        table::{self, Colour, Width},
    },
    status_report::{DaemonReport, StatusReport},
};

/// The failure of a command that needs a daemon.
pub(super) fn no_daemon() -> Failure {
    let hint = "run claviger refresh to start it; claviger-helper also does, when it is called";
    Failure::new(ExitCode::DaemonUnavailable, "no daemon is running", hint)
}

/// Prints the daemon and the table of its profiles; nothing if there is no daemon.
pub(super) fn print(
    out: &mut impl Write,
    status: &StatusReport,
    width: Width,
    colour: Colour,
) -> io::Result<()> {
    let Some(daemon) = &status.daemon else {
        return Ok(());
    };
    print_daemon(out, daemon, width)?;
    if status.profiles.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    table::print(out, &status.profiles, width, colour)
}

fn print_daemon(out: &mut impl Write, daemon: &DaemonReport, width: Width) -> io::Result<()> {
    let DaemonReport {
        pid,
        version,
        uptime_s,
        socket,
        usual_socket,
        log,
        log_error,
        config,
        config_error,
        locked,
        locked_since,
        lock_error,
        audit_error,
        audit_records: _,
        audit_lost,
        policy,
    } = daemon;
    let uptime = output::rounded(Duration::from_secs(*uptime_s));
    output::paragraph(out, &format!("claviger {version}, pid {pid}, up {uptime}"))?;
    let unusual = match usual_socket {
        Some(false) => ", not the usual socket",
        _ => "",
    };
    output::paragraph(out, &format!("listening on {socket}{unusual}"))?;
    if let Some(log) = log {
        output::paragraph(out, &format!("log {log}"))?;
    }
    if let Some(error) = log_error {
        output::paragraph(out, &format!("there is no log: {error}"))?;
    }
    if let Some(error) = audit_error {
        let lost = match audit_lost {
            0 => String::new(),
            lost => format!(" ({lost} records lost)"),
        };
        output::paragraph(out, &format!("the audit log fails{lost}: {error}"))?;
    }
    match (config, config_error) {
        (Some(config), error) => {
            output::paragraph(out, &format!("configuration {config}"))?;
            if let Some(error) = error {
                let text = format!("the current file is not in force: {error}");
                output::paragraph(out, &text)?;
            }
        }
        // The failure of the answer contains the error.
        (None, _) => output::paragraph(out, "no configuration is in force")?,
    }
    if let Some(policy) = policy {
        for text in policy::lines(policy, width) {
            output::paragraph(out, &text)?;
        }
    }
    if *locked {
        let since = locked_since.map_or_else(String::new, |at| format!(" since {at}"));
        let text = format!("locked{since}: no key is given; run claviger unlock");
        output::paragraph(out, &text)?;
    }
    if let Some(error) = lock_error {
        output::paragraph(out, &format!("the lock is not as its file has it: {error}"))?;
    }
    Ok(())
}

/// Prints the status of one answer, or why there is none, as `--watch` does.
pub(super) fn print_answer(
    out: &mut impl Write,
    answer: Result<Option<Answer>, Failure>,
    width: Width,
    colour: Colour,
) -> io::Result<()> {
    let failure = match answer.and_then(|answer| {
        let Some(answer) = answer else {
            return Err(no_daemon());
        };
        Ok((answer.status()?, answer.failure))
    }) {
        Ok((status, failure)) => {
            print(out, &status, width, colour)?;
            failure
        }
        Err(failure) => Some(failure),
    };
    match failure {
        Some(failure) => write!(out, "{}", failure.to_text()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status_report::PolicyReport;

    #[test]
    fn nothing_that_a_path_contains_reaches_the_terminal() {
        let hostile = "/a\u{1b}[2J\nb\u{9b}";
        let daemon = DaemonReport {
            socket: hostile.to_owned(),
            log: Some(hostile.to_owned()),
            log_error: Some(hostile.to_owned()),
            config: Some(hostile.to_owned()),
            config_error: Some(hostile.to_owned()),
            lock_error: Some(hostile.to_owned()),
            policy: Some(PolicyReport {
                place: hostile.to_owned(),
                error: Some(hostile.to_owned()),
                file_error: Some(hostile.to_owned()),
                ..PolicyReport::default()
            }),
            usual_socket: Some(false),
            ..DaemonReport::default()
        };
        let mut out = Vec::new();
        print_daemon(&mut out, &daemon, Width::Wide).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
        assert_eq!(text.matches("/a[2J b").count(), 9, "{text}");
        assert!(text.contains("not the usual socket"), "{text}");
    }
}
