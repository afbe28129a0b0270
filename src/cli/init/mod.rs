//! `claviger init`.
//!
//! What is asked, and the configuration that the answers become, is pure: [`mod@plan`],
//! [`questions`], [`answers`], [`form`]. The rest reads a terminal ([`terminal`]), writes the file
//! ([`mod@file`]) and says what is to be done elsewhere ([`report`]).

mod answers;
mod args;
mod file;
mod form;
mod plan;
mod questions;
mod report;
mod terminal;
#[cfg(test)]
mod tests;

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::Path,
};

use claviger_wire::{ExitCode, Failure};

pub(super) use self::args::InitArgs;
use self::{
    file::{Target, Written},
    plan::Plan,
    terminal::Terminal,
};
use super::{
    CliError,
    config::check,
    login::{self, LoginArgs},
    output,
    places::{self, DaemonPlaces},
    refresh::{self, RefreshArgs},
    status::{self, StatusArgs},
};
use crate::{
    config::{self, Config, SourceConfig},
    paths::Starter,
};

pub(super) fn run(args: &InitArgs) -> Result<(), CliError> {
    let places = places::of(Starter::Client)?;
    let target = target(args, &places)?;
    let is_terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let mut terminal = (is_terminal && !args.non_interactive).then(Terminal::default);
    let plan = plan(args, terminal.as_mut())?;
    let answers = match terminal {
        Some(mut terminal) => plan.answer(args.given()?, |ask, default, problem| {
            terminal.ask(ask, default, problem).map(Some)
        })?,
        None => plan.answer(
            args.given()?,
            |_, default, _| Ok(default.map(str::to_owned)),
        )?,
    };
    let text = plan.text(&args.profile, &answers);
    let config = parsed(target.path(), &text)?;
    if args.dry_run {
        return Ok(io::stdout().write_all(text.as_bytes())?);
    }
    let written = target.write(&text)?;
    finish(args, &config, &written, &places)
}

/// Says what was written and what is to be done elsewhere, checks the file and tries it.
fn finish(
    args: &InitArgs,
    config: &Config,
    written: &Written,
    places: &DaemonPlaces,
) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    report::written(&mut out, written)?;
    drop(out);
    let checked = check::run(Some(&written.path), false);
    let mut out = io::stdout().lock();
    output::checklist(&mut out, &config::checklist(config, &args.profile))?;
    report::settings(&mut out, config, &args.profile)?;
    drop(out);
    checked?;
    let is_read = usual_file(places).is_some_and(|usual| usual == written.path);
    if !is_read {
        return Ok(());
    }
    let has_user = has_user(config, &args.profile);
    if args.no_try {
        return match has_user {
            true => Ok(report::sign_in(&mut io::stdout().lock(), &args.profile)?),
            false => Ok(()),
        };
    }
    try_out(args, has_user)
}

/// Obtains a key as a client does, after a sign-in if the source needs one.
fn try_out(args: &InitArgs, has_user: bool) -> Result<(), CliError> {
    writeln!(io::stdout(), "\nTrying it:")?;
    if !has_user {
        return refresh::run(&RefreshArgs::of(&args.profile));
    }
    login::run(&LoginArgs::of(&args.profile, args.no_browser))?;
    status::run(&StatusArgs::of(&args.profile))
}

/// Whether a user signs in to the source of a profile.
fn has_user(config: &Config, profile: &str) -> bool {
    let profile = config.profiles.get(profile);
    let source = profile.and_then(|profile| config.sources.get(&profile.source));
    matches!(source, Some(SourceConfig::Oauth(oauth)) if oauth.has_user())
}

/// The file to write, which does not exist yet or may be replaced.
fn target(args: &InitArgs, places: &DaemonPlaces) -> Result<Target, CliError> {
    let path = match &args.file {
        Some(file) => std::path::absolute(file).unwrap_or_else(|_| file.clone()),
        None if places.is_managed && !args.dry_run => {
            let managed = places.locations.managed.display();
            let problem = format!("'{managed}' is in force, and no configuration of your own");
            let hint = "write it to another file with --file, or print it with --dry-run";
            return Err(Failure::new(ExitCode::Denied, problem, hint).into());
        }
        None => usual_file(places).ok_or_else(|| {
            let hint = "name the file with --file";
            Failure::new(ExitCode::Usage, "your home directory is unknown", hint)
        })?,
    };
    Ok(Target::new(path, args.force, args.dry_run)?)
}

/// The file of the user's own that the daemon reads.
fn usual_file(places: &DaemonPlaces) -> Option<std::path::PathBuf> {
    let locations = &places.locations;
    locations
        .explicit
        .clone()
        .or_else(|| locations.user.clone())
}

/// What the flags, or else the user, choose.
fn plan(args: &InitArgs, mut terminal: Option<&mut Terminal>) -> Result<Plan, CliError> {
    let source = match (args.source(), terminal.as_mut()) {
        (Some(source), _) => source.to_owned(),
        (None, Some(terminal)) => terminal.choose("What issues the keys?", &plan::sources())?,
        (None, None) => {
            let hint = "add --preset IDP or --source vault; 'claviger init --help' lists them";
            let problem = "expected a source of keys, got none, and there is no terminal to ask on";
            return Err(Failure::new(ExitCode::Usage, problem, hint).into());
        }
    };
    let gateway = match (&args.gateway, terminal) {
        (Some(gateway), _) => gateway.clone(),
        (None, Some(terminal)) if args.gateway_url.is_none() => {
            terminal.choose("Which gateway accepts them?", &plan::gateways())?
        }
        (None, _) => plan::OTHER.to_owned(),
    };
    let url = args.gateway_url.as_deref();
    Plan::new(&source, &gateway, url).ok_or_else(|| {
        let problem = format!("no source '{source}' or gateway '{gateway}'");
        Failure::new(ExitCode::Usage, problem, "run claviger init --help").into()
    })
}

/// The configuration that `text` is, checked as the daemon does.
fn parsed(file: &Path, text: &str) -> Result<Config, CliError> {
    config::parse(file, text).map_err(|error| {
        let problems = error.problems().map(|problem| problem.message.clone());
        CliError::Problems(problems.collect())
    })
}
