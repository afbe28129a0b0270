//! `claviger config`.

pub(super) mod check;
pub(super) mod show;

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use super::CliError;
use crate::config;

#[derive(Debug, clap::Subcommand)]
#[command(after_help = concat!(
    "\
Examples:
  claviger config show --origin          what is in force, and why
  claviger config check                  the configuration that the daemon reads
  claviger config check new.toml         a file, before it is rolled out
  claviger config check --json           for a script
  claviger config schema > schema.json   for an editor; it describes every key
",
    "
'claviger config COMMAND --help' shows more of each."
))]
pub(super) enum ConfigCommand {
    /// Check a configuration, and the files that it names: a file, or by default the one that the
    /// daemon reads
    #[command(after_help = "\
Examples:
  claviger config check              the configuration that the daemon reads
  claviger config check new.toml     a file, before it is rolled out

Exit codes: 0 valid, perhaps with warnings; 2 each mistake is printed with its place.")]
    Check {
        /// The file
        file: Option<PathBuf>,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of the configuration
    #[command(after_help = "\
Examples:
  claviger config schema > ~/.config/claviger/config.schema.json

With the first line '#:schema ./config.schema.json' in config.toml, editors that use Taplo, such as \
VS Code with Even Better TOML, complete its keys and mark the wrong ones.")]
    Schema,
    /// Print what is in force, with the defaults and those of presets: a configuration itself
    Show(show::ShowArgs),
}

pub(super) fn run(command: ConfigCommand) -> Result<(), CliError> {
    match command {
        ConfigCommand::Schema => Ok(writeln!(io::stdout(), "{:#}", config::schema())?),
        ConfigCommand::Check { file, json } => check::run(file.as_deref(), json),
        ConfigCommand::Show(args) => show::run(&args),
    }
}
