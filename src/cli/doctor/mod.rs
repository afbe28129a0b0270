//! `claviger doctor`.

mod all_users;
mod bundle;
mod print;
mod progress;

use std::{io, path::PathBuf};

use claviger_wire::{ExitCode, Failure};

use self::progress::Progress;
use super::{CliError, output, places, profile_args::ProfileArgs};
use crate::{
    clock::SystemClock,
    config::{self, Config, Locations},
    doctor::{self, Context, report::Report},
    environment,
    paths::Starter,
};

#[derive(Debug, clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  claviger doctor              everything, the worst first
  claviger doctor work         one profile
  claviger doctor --json       for a script or a ticket; it contains no secret
  claviger doctor --list       what is checked
  claviger doctor --bundle b.tar.gz    for support, with the log
  sudo claviger doctor --all-users     each user, with that user's rights
",
    "
Each finding has its evidence and a remedy. The exit code is 1 if one is fatal: a client has no key \
then, or a wrong one, or sends it to another server."
))]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    pub(super) profile: ProfileArgs,

    /// As one JSON object
    #[arg(long)]
    json: bool,

    /// Do not start the daemon if none runs
    #[arg(long)]
    no_start: bool,

    /// Send no message through the gateway: otherwise two or three short ones, of at most 32 tokens
    /// each, show whether it routes the model and passes a stream on
    #[arg(long)]
    no_message: bool,

    /// Only print what is checked
    #[arg(long, conflicts_with_all = ["json", "all_users", "bundle"])]
    list: bool,

    /// Write an archive for support, a tar.gz, which must not exist
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "all_users"])]
    bundle: Option<PathBuf>,

    /// All users who use Claviger; only for root. Starts no daemon and sends no message
    #[arg(long)]
    all_users: bool,
}

pub(super) fn run(args: &DoctorArgs) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    if args.list {
        return Ok(print::checks(
            &mut out,
            doctor::CHECKS.into_iter().flatten(),
        )?);
    }
    if args.all_users {
        return all_users::run(args);
    }
    let found = places::of(Starter::Client);
    let account = environment::account();
    let (places, locations) = match &found {
        Ok(found) => (Ok(&found.places), found.locations.clone()),
        Err(failure) => (Err(failure), Locations::known(None, None)),
    };
    let config = config::load(&locations);
    let profile = args.profile.name();
    require_profile(config.as_ref().ok(), profile.as_deref())?;
    let progress = Progress::default();
    let context = Context {
        account: account.as_ref(),
        places,
        locations: &locations,
        config: config.as_ref(),
        profile: profile.as_deref(),
        may_start: !args.no_start,
        may_send_message: !args.no_message,
        clock: &SystemClock,
        progress: &|text| progress.show(text),
    };
    let report = super::runtime()?.block_on(doctor::examine(&context));
    drop(progress);
    match args.json {
        true => output::json(&mut out, &report)?,
        false => print::report(&mut out, &report)?,
    }
    if let Some(file) = &args.bundle {
        let log = places.ok().and_then(|places| places.daemon.log.as_deref());
        bundle::write(&mut out, file, &report, config.as_ref(), log)?;
    }
    end(&report)
}

/// # Errors
///
/// [`ExitCode::Usage`] if the configuration has no such profile.
fn require_profile(config: Option<&Config>, profile: Option<&str>) -> Result<(), Failure> {
    match (config, profile) {
        (Some(config), Some(profile)) if !config.profiles.contains_key(profile) => {
            let problem = format!("no profile '{profile}'");
            let hint = "run claviger doctor without a profile, or name one of the configuration";
            Err(Failure::new(ExitCode::Usage, problem, hint))
        }
        _ => Ok(()),
    }
}

/// Ends with 1 if something is fatal.
fn end(report: &Report) -> Result<(), CliError> {
    match report.is_fatal() {
        true => Err(CliError::Ended(1)),
        false => Ok(()),
    }
}
