//! `claviger demo`.

use claviger_wire::Failure;

use super::CliError;
use crate::demo::{self, DemoError};

#[derive(Debug, clap::Args)]
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
            DemoError::Interrupted(code) => CliError::Interrupted(code),
            DemoError::Output(error) => error.into(),
            DemoError::Step(failure) => Failure {
                message: format!("the demo failed: {}", failure.message),
                ..failure
            }
            .into(),
        })
}
