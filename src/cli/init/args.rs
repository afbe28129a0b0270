//! The command line of `claviger init`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use claviger_wire::{ExitCode, Failure};

use super::{
    answers::Given,
    plan::{self, OTHER},
};
use crate::preset;

#[derive(Debug, clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  claviger init                                  asks for everything
  claviger init --preset okta --gateway litellm  asks for what these leave open
",
    "  claviger init --preset entra --gateway kong \\
      --gateway-url https://kong.example.com/claude \\
      --client-id 6e1f8c52-77f0-4c0e-9a39-27b1a8e0d8aa \\
      --set tenant=3f2504e0-4f89-41d3-9a0c-0305e82c3301 --yes
  claviger init --source vault --dry-run         prints the configuration only
",
    "
A value that is missing is asked for on a terminal, with an example; without one the error lists \
it. The names for --set are those in front of the prompts. Nothing is written before the last \
answer, nor if you press Ctrl-C."
))]
pub(in crate::cli) struct InitArgs {
    /// The identity provider that issues the keys
    #[arg(long, value_name = "IDP", conflicts_with = "source", value_parser = idps())]
    preset: Option<String>,

    /// The source of the keys, if they are not from an identity provider
    #[arg(long, value_name = "TYPE", value_parser = ["vault"])]
    source: Option<String>,

    /// The kind of gateway
    #[arg(long, value_name = "KIND", value_parser = gateways())]
    pub(super) gateway: Option<String>,

    /// The gateway's address
    #[arg(long, value_name = "URL")]
    pub(super) gateway_url: Option<String>,

    /// The client's identifier at the identity provider
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// Any other value, by its name
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,

    /// The profile's name
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(super) profile: String,

    /// Ask nothing
    #[arg(long, visible_alias = "yes")]
    pub(super) non_interactive: bool,

    /// The file to write; by default the one that the daemon reads
    #[arg(long, value_name = "PATH")]
    pub(super) file: Option<PathBuf>,

    /// Replace a file that exists; a backup of it is kept
    #[arg(long)]
    pub(super) force: bool,

    /// Print the configuration and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Do not sign in, and do not obtain a key at the end
    #[arg(long)]
    pub(super) no_try: bool,

    /// Print the address of the sign-in instead of opening the browser
    #[arg(long, conflicts_with = "no_try")]
    pub(super) no_browser: bool,
}

fn idps() -> PossibleValuesParser {
    PossibleValuesParser::new(preset::idps().map(|preset| preset.name))
}

fn gateways() -> PossibleValuesParser {
    PossibleValuesParser::new(preset::gateways().map(|preset| preset.name).chain([OTHER]))
}

impl InitArgs {
    /// The source, if a flag names one.
    pub(super) fn source(&self) -> Option<&str> {
        self.preset.as_deref().or(self.source.as_deref())
    }

    /// The values that flags give.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Usage`] if one has no name.
    pub(super) fn given(&self) -> Result<Given, Failure> {
        let mut given = Given::new();
        let named = [
            (plan::GATEWAY_URL, &self.gateway_url),
            (plan::CLIENT_ID, &self.client_id),
        ];
        for (name, value) in named {
            if let Some(value) = value {
                given.insert(name.to_owned(), value.clone());
            }
        }
        for pair in &self.set {
            let Some((name, value)) = pair.split_once('=') else {
                let hint = "write --set NAME=VALUE";
                return Err(Failure::new(ExitCode::Usage, "'--set' lacks a '='", hint));
            };
            given.insert(name.trim().to_owned(), value.to_owned());
        }
        Ok(given)
    }
}
