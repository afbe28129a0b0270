//! `claviger configure` and `claviger unconfigure`.

mod clients;
mod list;
mod managed;
mod printed;
mod report;
mod target;
mod undo;

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::builder::PossibleValuesParser;
use claviger_wire::{ExitCode, Failure};

pub(super) use self::undo::{UnconfigureArgs, run as undo};
use self::{
    clients::{CLIENTS, client},
    report::{Configured, Outcome},
    target::{Target, failed, of_file},
};
use super::{CliError, helper_program, places};
use crate::{
    client_kind::ClientKind,
    clock::{Clock as _, SystemClock},
    config,
    configure::{self, ApplyError, Helper, Receipt},
    error_report,
    paths::Starter,
};

#[derive(Debug, clap::Args)]
#[command(after_help = concat!("\
Examples:
  claviger configure                        the clients on this machine
  claviger configure claude-code --dry-run  what would change in its settings
  claviger configure codex --profile work
  claviger configure copilot                prints variables for the shell
  claviger unconfigure codex                takes it back
", "
Only Claviger's own keys are written; comments, order and all other keys stay. A value that is not \
Claviger's own is replaced with --force only, and restored by 'claviger unconfigure'. --dry-run \
prints the lines around a change, too, which may contain other keys.
", "
Exit codes: 0 done, or nothing to do; 2 another helper is set, or the file cannot be parsed; \
7 the administrator's settings decide, or the file is another user's."))]
pub(super) struct ConfigureArgs {
    /// The client; without one, all clients are listed
    #[arg(value_parser = PossibleValuesParser::new(CLIENTS.map(ClientKind::name)))]
    client: Option<String>,

    /// The profile whose key it gets; by default the one that the helper picks
    #[arg(long, value_name = "NAME", requires = "client")]
    profile: Option<String>,

    /// Into this project's own settings, which its repository ignores (Claude Code only)
    #[arg(long, value_name = "DIR", requires = "client")]
    project: Option<PathBuf>,

    /// Print what would change, and change nothing
    #[arg(long, requires = "client")]
    dry_run: bool,

    /// Replace values that are not Claviger's own
    #[arg(long, requires = "client")]
    force: bool,

    /// As one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ConfigureArgs) -> Result<(), CliError> {
    let Some(client) = args.client.as_deref().and_then(client) else {
        return list::run(args.json);
    };
    let (profile, gateway) = gateway(args.profile.as_deref())?;
    let program = helper_program::path()?;
    let helper = Helper {
        program: &program,
        client,
        profile: args.profile.as_deref(),
        gateway: &gateway,
    };
    let mut out = io::stdout().lock();
    let Some(target) = Target::find(client, args.project.as_deref())? else {
        return Ok(printed::print(&mut out, &helper, args.json)?);
    };
    let outcome = write(args, &helper, &target)?;
    let configured = Configured {
        client: client.name(),
        file: target.path(),
        profile: &profile,
        gateway: &gateway,
        outcome,
        advice: managed::conflicts(client, &target)?,
    };
    Ok(configured.print(&mut out, args.json)?)
}

/// The profile that the helper picks, and the URL of its gateway.
fn gateway(profile: Option<&str>) -> Result<(String, String), CliError> {
    let locations = places::of(Starter::Client)?.locations;
    let config = config::load(&locations).map_err(|error| error_report::of_config(&error))?;
    let (name, profile) = config
        .select(profile, None)
        .map_err(|error| error_report::of_select(&error))?;
    let Some(gateway) = &profile.gateway else {
        let problem = format!("profile '{name}' has no 'gateway', which a client must be given");
        let hint = "add 'gateway' to the profile";
        return Err(Failure::new(ExitCode::Usage, problem, hint).into());
    };
    let gateway = gateway.as_url().as_str().trim_end_matches('/');
    Ok((name.to_owned(), gateway.to_owned()))
}

/// Writes the settings, unless they are there already or it is a dry run.
fn write(args: &ConfigureArgs, helper: &Helper<'_>, target: &Target) -> Result<Outcome, CliError> {
    if args.project.is_none() {
        managed::check(helper.client)?;
    }
    let settings = configure::settings(helper);
    let mut document = target.file.document().map_err(|error| of_file(&error))?;
    if configure::is_applied(&document, &settings) {
        return Ok(Outcome::Nothing);
    }
    let receipt = target.receipt()?;
    if let Some(receipt) = &receipt {
        // What was there before is what was there before the first time.
        let undone = configure::undo(&mut document, &receipt.values);
        undone.map_err(|error| not_edited(target.path(), &error.to_string()))?;
    }
    let values = configure::apply(&mut document, &settings, args.force)
        .map_err(|error| refused(target.path(), &error))?;
    let text = document.to_string();
    if args.dry_run {
        return Ok(Outcome::DryRun(target.diff(&text)));
    }
    let made_file = match &receipt {
        Some(receipt) => receipt.made_file,
        None => !target.file.exists(),
    };
    let receipt = Receipt::new(
        helper.client.name(),
        target.path(),
        made_file,
        &text,
        SystemClock.now().wall,
        helper.profile,
        values,
    );
    // Before the file, which could otherwise not be restored.
    let kept = target
        .receipts
        .put(&receipt)
        .map_err(|error| failed(&error))?;
    target.file.write(&text).map_err(|error| of_file(&error))?;
    Ok(Outcome::Written {
        keys: settings
            .iter()
            .map(|setting| setting.path.join("."))
            .collect(),
        receipt: kept,
    })
}

fn refused(file: &Path, error: &ApplyError) -> CliError {
    match error {
        ApplyError::Foreign { .. } => {
            let problem = format!("in '{}', {error}", file.display());
            let hint = "look at it with --dry-run --force, and replace it with --force";
            Failure::new(ExitCode::Usage, problem, hint).into()
        }
        ApplyError::Edit(error) => not_edited(file, &error.to_string()),
    }
}

fn not_edited(file: &Path, problem: &str) -> CliError {
    let problem = format!("in '{}', {problem}", file.display());
    let hint = "edit the file by hand";
    Failure::new(ExitCode::Usage, problem, hint).into()
}
