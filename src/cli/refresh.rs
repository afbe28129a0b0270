//! `claviger refresh`.

use std::io;

use claviger_wire::Request;

use super::{CliError, client, profile_args::ProfileArgs, table};

#[derive(Debug, clap::Args)]
pub(super) struct RefreshArgs {
    #[command(flatten)]
    pub(super) profile: ProfileArgs,
}

pub(super) fn run(args: &RefreshArgs) -> Result<(), CliError> {
    let profile = args.profile.name();
    let reports = client::request_with_variables(move |variables| Request::Refresh {
        profile: profile.clone(),
        variables: variables.clone(),
    })?;
    let status = client::status_report(&reports)?;
    table::print(&mut io::stdout().lock(), &status.profiles)?;
    Ok(())
}
