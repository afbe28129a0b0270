//! `claviger demo`.

use claviger_wire::{ExitCode, Failure};

use super::CliError;
use crate::demo::{self, DemoError};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claviger demo            a rotation and a rejected key, in a few seconds
  claviger demo --keep     until Ctrl-C, to try it with Claude Code

It uses a gateway and a source of its own, on this machine, and changes nothing that exists.")]
pub(super) struct DemoArgs {
    /// Keep it running, and print settings that make Claude Code use it
    #[arg(long)]
    keep: bool,
}

pub(super) fn run(args: &DemoArgs) -> Result<(), CliError> {
    let runtime = super::runtime()?;
    runtime
        .block_on(demo::run(args.keep))
        .map_err(|error| match error {
            DemoError::Step { problem, hint } => DemoError::Step {
                problem: format!("the demo failed: {problem}"),
                hint,
            }
            .into(),
            error => error.into(),
        })
}

impl From<DemoError> for CliError {
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::Interrupted(code) => Self::Ended(code),
            DemoError::Output(error) => error.into(),
            DemoError::Step { problem, hint } => {
                Failure::new(ExitCode::DaemonUnavailable, problem, hint).into()
            }
        }
    }
}
