//! `claviger lock`.

use std::io::{self, Write as _};

use claviger_wire::{Request, warning};

use super::{
    CliError,
    client::{self, unexpected_report},
    output,
};
use crate::lock_report::LockReport;

#[derive(Debug, clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  claviger lock            before you leave the machine, or in an incident
  claviger unlock          keys are given again

Keys and logins are dropped from memory, and no key is given or obtained until 'claviger unlock', \
also after a restart. A login in a store is used again afterwards; one that is in memory only \
(store = \"memory\", Vault's oidc) ends. ",
    "\
A client uses the key that it has until its cache lifetime is over, and nothing is revoked: for \
that run 'claviger logout' first. It is a switch, not a password: a program that runs as you can \
unlock."
))]
pub(super) struct LockArgs {
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &LockArgs) -> Result<(), CliError> {
    let report = request(Request::Lock)?;
    let since = report.since.map(|at| format!(" since {at}"));
    let text = match report.changed {
        true => "locked: keys dropped, no key is given until claviger unlock".to_owned(),
        false => format!(
            "already locked{}: no key is given until claviger unlock",
            since.unwrap_or_default()
        ),
    };
    let problem = "the lock does not survive a restart of the daemon";
    print(&report, &text, problem, args.json)
}

/// Sends a request about the lock to the daemon, which is started if none runs: it alone keeps the
/// lock.
///
/// # Errors
///
/// The daemon's failure.
pub(super) fn request(request: Request) -> Result<LockReport, CliError> {
    let answer = client::request_or_start(request)?;
    let reports: Vec<LockReport> = answer.parse()?;
    Ok(reports.into_iter().next().ok_or_else(unexpected_report)?)
}

/// Prints the lock as `text` or JSON, and `problem` if its file could not be changed.
///
/// # Errors
///
/// Those of stdout.
pub(super) fn print(
    report: &LockReport,
    text: &str,
    problem: &str,
    json: bool,
) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match json {
        true => output::json(&mut out, report)?,
        false => output::paragraph(&mut out, text)?,
    }
    if let Some(unsaved) = &report.unsaved {
        let text = warning(&format!("{problem}: {unsaved}"));
        // The command has succeeded, also if stderr is closed.
        let _ = io::stderr().write_all(text.as_bytes());
    }
    Ok(())
}
