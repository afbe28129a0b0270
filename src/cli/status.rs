//! `claviger status`.

use std::io::{self, Write};

use claviger_wire::{ExitCode, Failure, Request};

use super::{CliError, client, profile_args::ProfileArgs, table};
use crate::status_report::{DaemonReport, StatusReport};

#[derive(Debug, clap::Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    pub(super) profile: ProfileArgs,

    /// As one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &StatusArgs) -> Result<(), CliError> {
    let profile = args.profile.name();
    let status = match client::request(Request::Status { profile })? {
        Some(reports) => client::status_report(&reports)?,
        None => StatusReport::default(),
    };
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &status).map_err(io::Error::from)?;
        writeln!(out)?;
    }
    let Some(daemon) = &status.daemon else {
        let hint = "run claviger refresh to start it; claviger-helper also does, when it is called";
        let problem = "no daemon is running";
        return Err(Failure::new(ExitCode::DaemonUnavailable, problem, hint).into());
    };
    if !args.json {
        print_daemon(&mut out, daemon)?;
        table::print(&mut out, &status.profiles)?;
    }
    Ok(())
}

fn print_daemon(out: &mut impl Write, daemon: &DaemonReport) -> io::Result<()> {
    let DaemonReport {
        pid,
        version,
        uptime_s,
        socket,
        log: _,
        log_error,
        config,
        config_error,
    } = daemon;
    writeln!(
        out,
        "claviger {version}, pid {pid}, up {uptime_s} s, listening on {socket}"
    )?;
    writeln!(out, "configuration {config}")?;
    if let Some(error) = config_error {
        writeln!(out, "the current file is not in force: {error}")?;
    }
    if let Some(error) = log_error {
        writeln!(out, "the daemon does not log: {error}")?;
    }
    writeln!(out)
}
