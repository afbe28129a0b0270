//! `claviger config`.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::Complaint;
use crate::{
    config::{self, Locations},
    failure, places,
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
                Some(file) => {
                    let text = fs::read_to_string(&file).map_err(|error| {
                        let message = format!("cannot read '{}': {error}", file.display());
                        Complaint::new(
                            failure::CONFIGURATION,
                            message,
                            "name a file that you may read",
                        )
                    })?;
                    config::parse(&file, &text)
                }
                None => config::load(&Locations::of_this_machine(None, places::variable)),
            };
            let config = config.map_err(|error| {
                // All that is wrong, not only the first of it.
                let file = error.file().map(Path::to_owned).unwrap_or_default();
                let others: Vec<_> = error.problems().skip(1).map(|p| p.at(&file)).collect();
                let mut failure = failure::of_config(&error);
                for other in others {
                    failure.message.push('\n');
                    failure.message.push_str(&other);
                }
                Complaint(failure)
            })?;
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

fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
