//! The log of a daemon that systemd started: the journal's program prints it.

use std::process::Command;

use claviger_wire::{ExitCode, Failure};

use super::LogsArgs;
use crate::cli::CliError;

/// The unit of the daemon.
const UNIT: &str = "claviger.service";

/// Runs `journalctl` for the daemon's unit.
///
/// # Errors
///
/// The program is missing, or it fails.
pub(super) fn show(args: &LogsArgs) -> Result<(), CliError> {
    let mut command = Command::new("journalctl");
    command.args(arguments(args));
    let status = command.status().map_err(|error| {
        let problem = format!(
            "the daemon logs to the terminal or program that started it; journalctl: {error}"
        );
        let hint = "look there; claviger stop ends it, and the next one writes a file";
        Failure::new(ExitCode::DaemonUnavailable, problem, hint)
    })?;
    match status.success() {
        true => Ok(()),
        // The program has printed the reason.
        false => Err(CliError::Reported(ExitCode::DaemonUnavailable)),
    }
}

fn arguments(args: &LogsArgs) -> Vec<String> {
    let format = match args.json {
        true => "json",
        false => "short-iso",
    };
    let mut line: Vec<_> = ["--quiet", "--no-pager"].map(str::to_owned).into();
    // Not --user, which leaves out the journal of a machine that has one for all users.
    line.push(format!("--user-unit={UNIT}"));
    line.push(format!("--lines={}", args.lines));
    line.push(format!("--output={format}"));
    line.extend(args.follow.then(|| "--follow".to_owned()));
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_gets_the_same_options() {
        let args = |follow, json| {
            let args = LogsArgs {
                follow,
                lines: 7,
                json,
            };
            arguments(&args).join(" ")
        };
        let plain = args(false, false);
        assert!(
            plain.contains("--user-unit=claviger.service --lines=7"),
            "{plain}"
        );
        assert!(
            !plain.contains("--follow") && !plain.contains("json"),
            "{plain}"
        );
        let all = args(true, true);
        assert!(
            all.contains("--output=json") && all.contains("--follow"),
            "{all}"
        );
    }
}
