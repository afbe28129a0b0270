//! `claviger audit`.

#[cfg(feature = "test-util")]
pub(crate) mod fuzzing;
mod line;
mod tail;
mod verify;

use std::path::PathBuf;

use claviger_wire::{ExitCode, Failure};

use self::{tail::TailArgs, verify::VerifyArgs};
use super::{CliError, places};
use crate::{
    audit::{Names, Settings},
    composition::audit_settings,
    config, error_report,
    paths::Starter,
};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, after_help = concat!(
    "\
Examples:
  claviger audit --lines 100         the last keys that were served, and to whom
  claviger audit tail --follow       then what is written, until Ctrl-C
  claviger audit verify              whether the log is as it was written
",
    "
The README describes the records and how to collect them."
))]
pub(super) struct AuditArgs {
    #[command(subcommand)]
    command: Option<AuditCommand>,

    #[command(flatten)]
    tail: TailArgs,
}

#[derive(Debug, clap::Subcommand)]
enum AuditCommand {
    /// Print the last records, and follow the log
    Tail(TailArgs),
    /// Find what was edited, deleted, reordered or cut
    Verify(VerifyArgs),
}

/// Runs the command. It reads the files; no daemon is needed.
///
/// # Errors
///
/// The log is not known, cannot be read or, for `verify`, is not whole.
pub(super) fn run(args: &AuditArgs) -> Result<(), CliError> {
    match &args.command {
        None => tail::run(&args.tail),
        Some(AuditCommand::Tail(args)) => tail::run(args),
        Some(AuditCommand::Verify(args)) => verify::run(args),
    }
}

/// Where the daemon's log is, by the configuration that is in force.
fn settings() -> Result<Settings, CliError> {
    let places = places::of(Starter::Client)?;
    let config =
        config::load(&places.locations).map_err(|error| error_report::of_config(&error))?;
    let state_dir = places.places.state_dir().ok_or_else(|| {
        let hint = "set HOME, or name the files: claviger audit verify FILE";
        Failure::new(ExitCode::Usage, "the log's directory is not known", hint)
    })?;
    let socket = places.places.daemon.socket.as_deref();
    let other_socket = socket.filter(|_| !places.places.is_usual_socket);
    let settings = audit_settings(&config, &state_dir, Names::new(other_socket));
    let settings = settings.map_err(|problem| {
        Failure::new(ExitCode::Usage, problem, "correct it in the configuration")
    })?;
    settings.ok_or_else(|| {
        let problem = format!("'{}' switches the audit log off", config.file.display());
        let hint = "set 'enabled = true' in [audit], or name the files of an older log";
        Failure::new(ExitCode::Usage, problem, hint).into()
    })
}

/// A file that cannot be read.
fn unreadable(path: &std::path::Path, error: &std::io::Error) -> Failure {
    let problem = format!("cannot read '{}': {error}", path.display());
    Failure::new(ExitCode::Usage, problem, "name a file that you can read")
}

/// There is no log yet.
fn no_log(directory: &std::path::Path) -> Failure {
    let problem = format!("there is no audit log in '{}'", directory.display());
    let hint = "run claviger status: it says whether the log fails";
    Failure::new(ExitCode::DaemonUnavailable, problem, hint)
}

/// The files of the log, the oldest first; an error if there are none.
fn files(settings: &Settings) -> Result<Vec<PathBuf>, Failure> {
    match crate::audit::read::files(&settings.directory, &settings.names) {
        Ok(files) if !files.is_empty() => Ok(files),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(unreadable(&settings.directory, &error))
        }
        _ => Err(no_log(&settings.directory)),
    }
}
