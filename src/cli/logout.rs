//! `claviger logout`.

use std::io::{self, Write as _};

use claviger_wire::Request;

use super::{CliError, client, profile_args::ProfileArgs};

#[derive(Debug, clap::Args)]
pub(super) struct LogoutArgs {
    #[command(flatten)]
    pub(super) profile: ProfileArgs,

    /// Every profile, which is the default
    #[arg(long, conflicts_with_all = ["profile", "profile_option"])]
    all: bool,
}

pub(super) fn run(args: &LogoutArgs) -> Result<(), CliError> {
    let profile = args.profile.name();
    let result = match client::request(Request::Logout { profile })? {
        Some(_) => "forgotten, and revoked if the source supports it",
        None => "no daemon is running: there is nothing to forget",
    };
    writeln!(io::stdout(), "{result}")?;
    Ok(())
}
