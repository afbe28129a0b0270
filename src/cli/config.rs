//! `claviger config`.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use claviger_wire::{ExitCode, Failure};

use super::{CliError, places};
use crate::{
    config::{self, Config, ConfigError},
    error_report,
    paths::Starter,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum ConfigCommand {
    /// Check a configuration: a file, or by default the one that the daemon reads
    Check {
        /// The file
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of the configuration
    Schema,
}

pub(super) fn run(command: ConfigCommand) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match command {
        ConfigCommand::Schema => writeln!(out, "{:#}", config::schema())?,
        ConfigCommand::Check { file } => {
            let config = match file {
                Some(file) => check(&file)?,
                None => config::load(&places::of(Starter::Client)?.locations)
                    .map_err(|error| all_problems(&error))?,
            };
            writeln!(
                out,
                "{}: valid; {} and {}",
                config.file.display(),
                count(config.profiles.len(), "profile"),
                count(config.sources.len(), "source"),
            )?;
        }
    }
    Ok(())
}

fn check(file: &Path) -> Result<Config, CliError> {
    let text = fs::read_to_string(file).map_err(|error| {
        let problem = format!("cannot read '{}': {error}", file.display());
        Failure::new(ExitCode::Usage, problem, "name a file that you can read")
    })?;
    config::parse(file, &text).map_err(|error| all_problems(&error))
}

/// Every problem of the file. The first one alone, as other commands report it, comes with the hint
/// to run this command.
fn all_problems(error: &ConfigError) -> CliError {
    let problems = error.file().map_or_else(Vec::new, |file| {
        error.problems().map(|problem| problem.at(file)).collect()
    });
    if problems.is_empty() {
        CliError::Failure(error_report::of_config(error))
    } else {
        CliError::Problems(problems)
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
