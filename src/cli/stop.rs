//! `claviger stop`.

use std::io::{self, Write as _};

use claviger_wire::Request;

use super::{Complaint, block_on, conversation};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

pub(super) fn run() -> Result<(), Complaint> {
    let told = match block_on(conversation::ask(&Request::Stop))? {
        Some(responses) => {
            conversation::reports(responses)?;
            "the daemon has ended"
        }
        None => "no daemon was running",
    };
    writeln!(io::stdout(), "{told}")?;
    Ok(())
}
