//! `claviger metrics`.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use claviger_wire::{ExitCode, Failure, Request};

use super::{
    CliError,
    all_users::{self, UserDaemon},
    client,
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

/// Replaces `file`: the collector reads the old text or the new one, never a part of one. All users
/// may read it, as the collector's own user must.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let directory = match file.parent() {
        Some(directory) if directory != Path::new("") => directory,
        _ => Path::new("."),
    };
    // The collector reads names that end in .prom.
    let mut written = tempfile::Builder::new()
        .prefix(".claviger-")
        .suffix(".tmp")
        .tempfile_in(directory)?;
    written.write_all(text.as_bytes())?;
    make_readable(written.as_file())?;
    written.persist(file)?;
    Ok(())
}

#[cfg(unix)]
fn make_readable(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    file.set_permissions(fs::Permissions::from_mode(0o644))
}

/// The directory's access list decides.
#[cfg(windows)]
fn make_readable(_: &fs::File) -> io::Result<()> {
    Ok(())
}

fn not_written(file: &Path, error: &io::Error) -> Failure {
    let problem = format!("cannot write '{}': {error}", file.display());
    let hint = "check that the directory exists and that you may write it";
    Failure::new(ExitCode::Usage, problem, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_replaced_as_a_whole() {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("claviger.prom");
        for text in ["one\n", "two, which is longer\n", ""] {
            replace(&file, text).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);
        let missing = temp.path().join("missing/claviger.prom");
        let failure = not_written(&missing, &replace(&missing, "").unwrap_err());
        assert!(
            failure.message.contains("missing/claviger.prom'"),
            "{failure:?}"
        );
    }
}
