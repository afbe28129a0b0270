//! `claviger logout`.

use std::io::{self, Write as _};

use claviger_wire::Request;

use super::{Complaint, block_on, conversation};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only this profile; every one without it
    profile: Option<String>,

    /// Every profile
    #[arg(long, conflicts_with = "profile")]
    all: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Complaint> {
    let request = Request::Logout {
        profile: arguments.profile.clone(),
    };
    let told = match block_on(conversation::ask(&request))? {
        Some(responses) => {
            conversation::reports(responses)?;
            "forgotten, and revoked where the source can"
        }
        None => "no daemon is running: there is nothing to forget",
    };
    writeln!(io::stdout(), "{told}")?;
    Ok(())
}
