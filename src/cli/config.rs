//! `claviger config`.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::Complaint;
use crate::{
    config::{self, Config, ConfigError, Locations},
    error_report, paths,
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Check a configuration: this file, or the one that the daemon would read
    Check {
        /// The file
        file: Option<PathBuf>,
    },
    /// Print the JSON Schema of the configuration
    Schema,
}

pub(super) fn run(command: Command) -> Result<(), Complaint> {
    let mut out = io::stdout().lock();
    match command {
        Command::Schema => writeln!(out, "{:#}", config::schema())?,
        Command::Check { file } => {
            let config = match file {
                Some(file) => check(&file)?,
                None => config::load(&Locations::of_this_machine(None, paths::variable))
                    .map_err(|error| complaint(&error))?,
            };
            writeln!(
                out,
                "{}: good; {} and {}",
                config.file.display(),
                count(config.profiles.len(), "profile"),
                count(config.sources.len(), "source"),
            )?;
        }
    }
    Ok(())
}

fn check(file: &Path) -> Result<Config, Complaint> {
    let text = fs::read_to_string(file).map_err(|error| {
        let message = format!("cannot read '{}': {error}", file.display());
        Complaint::new(
            error_report::CONFIGURATION,
            message,
            "name a file that you may read",
        )
    })?;
    config::parse(file, &text).map_err(|error| complaint(&error))
}

/// All that is wrong, not only the first of it, and no hint to run this very command.
fn complaint(error: &ConfigError) -> Complaint {
    let mut failure = error_report::of_config(error);
    if let Some(file) = error.file() {
        let problems: Vec<_> = error.problems().map(|problem| problem.at(file)).collect();
        if !problems.is_empty() {
            failure.message = problems.join("\n");
            failure.hint = None;
        }
    }
    Complaint(failure)
}

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
