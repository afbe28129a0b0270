//! `claviger doctor`.

mod print;
mod progress;

use std::io;

use claviger_wire::{ExitCode, Failure};

use self::progress::Progress;
use super::{CliError, output, places, profile_args::ProfileArgs};
use crate::{
    clock::SystemClock,
    config::{self, Locations},
    doctor::{self, Context, report::Report},
    environment,
    paths::Starter,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claviger doctor              everything, the worst first
  claviger doctor work         one profile
  claviger doctor --json       for a script or a ticket; it contains no secret
  claviger doctor --list       what is checked

Each finding has its evidence and a remedy. The exit code is 1 if one is fatal: a client has no key
then, or a wrong one, or sends it to another server.")]
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
    #[arg(long, conflicts_with = "json")]
    list: bool,
}

pub(super) fn run(args: &DoctorArgs) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    if args.list {
        return Ok(print::checks(
            &mut out,
            doctor::CHECKS.into_iter().flatten(),
        )?);
    }
    let report = examine(args)?;
    if args.json {
        output::json(&mut out, &report)?;
    } else {
        print::report(&mut out, &report)?;
    }
    end(&report)
}

/// Runs the checks for this user.
fn examine(args: &DoctorArgs) -> Result<Report, CliError> {
    let found = places::of(Starter::Client);
    let account = environment::account();
    let (places, locations) = match &found {
        Ok(found) => (Ok(&found.places), found.locations.clone()),
        Err(failure) => (Err(failure), Locations::known(None, None)),
    };
    let config = config::load(&locations);
    let profile = args.profile.name();
    if let (Ok(config), Some(profile)) = (&config, &profile)
        && !config.profiles.contains_key(profile)
    {
        let problem = format!("no profile '{profile}'");
        let hint = "run claviger doctor without a profile, or name one of the configuration";
        return Err(Failure::new(ExitCode::Usage, problem, hint).into());
    }
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
    Ok(super::runtime()?.block_on(doctor::examine(&context)))
}

/// Ends with 1 if something is fatal.
fn end(report: &Report) -> Result<(), CliError> {
    match report.is_fatal() {
        true => Err(CliError::Ended(1)),
        false => Ok(()),
    }
}
