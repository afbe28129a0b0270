//! `claviger refresh`.

use std::io;

use claviger_wire::Request;

use super::{Complaint, block_on, conversation, profiles};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only this profile
    profile: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Complaint> {
    let request = Request::Refresh {
        profile: arguments.profile.clone(),
    };
    let responses = block_on(conversation::ask_or_start(&request))?;
    let reports = conversation::reports(responses)?;
    // The first one is the daemon's own.
    profiles::print(
        &mut io::stdout().lock(),
        reports.get(1..).unwrap_or_default(),
    )?;
    Ok(())
}
