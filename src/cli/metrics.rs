//! `claviger metrics`.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use claviger_wire::{ExitCode, Failure, Request};

use super::{
    CliError,
    all_users::{self, UserDaemon},
    client,
    public_file::replace,
    socket_args::SocketArgs,
};
use crate::metrics::Exposition;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claviger metrics                      OpenMetrics text
  sudo claviger metrics --all-users     every user's daemon, named by a label
  claviger metrics --textfile x.prom    for node-exporter's textfile collector

Without a daemon it prints claviger_up 0 and ends with 0. The names are in the README.")]
pub(super) struct MetricsArgs {
    /// The daemons of all users; only for root
    #[arg(long)]
    all_users: bool,

    /// Replace this file, for the textfile collector of node-exporter, instead of printing
    #[arg(long, value_name = "FILE")]
    textfile: Option<PathBuf>,

    #[command(flatten)]
    socket: SocketArgs,
}

pub(super) fn run(args: &MetricsArgs) -> Result<(), CliError> {
    let mut exposition = Exposition::default();
    let mut failures = Vec::new();
    if args.all_users {
        let users = all_users::request(&Request::Metrics)?;
        if users.is_empty() {
            // The machine reports all the same.
            exposition.add_absent(None);
        }
        for (user, answer) in users {
            let label = label(&user);
            match answer.and_then(|answer| answer.parse()) {
                Ok(reports) => exposition.add(Some(&label), reports),
                Err(failure) => {
                    exposition.add_absent(Some(&label));
                    failures.push(all_users::of(&user, failure));
                }
            }
        }
    } else {
        match client::request_at(args.socket.clone(), Request::Metrics)? {
            Some(answer) => exposition.add(None, answer.parse()?),
            None => exposition.add_absent(None),
        }
    }
    match &args.textfile {
        Some(file) => {
            let text = exposition.classic().map_err(io::Error::other)?;
            replace(file, &text).map_err(|error| not_written(file, &error))?;
        }
        None => {
            let text = exposition.open_metrics().map_err(io::Error::other)?;
            io::stdout().lock().write_all(text.as_bytes())?;
        }
    }
    match failures.is_empty() {
        true => Ok(()),
        false => Err(CliError::Failures(failures)),
    }
}

/// The user's name; the id if the user database lacks it.
fn label(user: &UserDaemon) -> String {
    let name = user.user.clone();
    name.unwrap_or_else(|| user.uid.to_string())
}

fn not_written(file: &Path, error: &io::Error) -> Failure {
    let problem = format!("cannot write '{}': {error}", file.display());
    let hint = "check that the directory exists and that you may write it";
    Failure::new(ExitCode::Usage, problem, hint)
}
