//! `claviger demo`.

use super::{Complaint, block_on};
use crate::{demo, error_report};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Leave it running, and print the settings with which Claude Code itself can be pointed at it
    #[arg(long)]
    keep: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Complaint> {
    block_on(async {
        demo::run(arguments.keep).await.map_err(|error| {
            Complaint::new(
                error_report::DAEMON,
                format!("the demo did not go as it should: {error}"),
                "what it made is removed; please report this with the lines above",
            )
        })
    })
}
