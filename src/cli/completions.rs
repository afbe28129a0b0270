//! `claviger completions`.

use std::io::{self, Write as _};

use clap_complete::Shell;

use super::CliError;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  echo 'source <(claviger completions bash)' >> ~/.bashrc
  claviger completions zsh > ~/.zfunc/_claviger
  claviger completions fish > ~/.config/fish/completions/claviger.fish
  claviger completions powershell >> $PROFILE

The packages install those of bash, zsh and fish.")]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<(), CliError> {
    // Into memory first, because the generator panics if its output is closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::command(), "claviger", &mut script);
    Ok(io::stdout().write_all(&script)?)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;
    use crate::cli;

    #[test]
    fn every_shell_completes_every_command_that_is_shown() {
        for shell in Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut cli::command(), "claviger", &mut script);
            let script = String::from_utf8(script).unwrap();
            for command in cli::command().get_subcommands() {
                assert!(
                    script.contains(command.get_name()),
                    "{shell}: {}",
                    command.get_name()
                );
            }
        }
    }
}
