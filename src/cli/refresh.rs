//! `claviger refresh`.

use std::io;

use claviger_wire::Request;

use super::{CliError, client, output, profile_args::ProfileArgs, table};
use crate::clock::{Clock as _, SystemClock};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claviger refresh             every profile
  claviger refresh work        only the profile 'work'

If a profile fails, the others are refreshed all the same. The exit code is that of the first \
profile that failed; its old key is served as long as it is valid.")]
pub(super) struct RefreshArgs {
    #[command(flatten)]
    pub(super) profile: ProfileArgs,

    /// As one JSON object; the failure of a profile is its field 'failure'
    #[arg(long)]
    json: bool,
}

impl RefreshArgs {
    /// One profile, with a table as the output.
    pub(super) fn of(profile: &str) -> Self {
        Self {
            profile: ProfileArgs::of(profile),
            json: false,
        }
    }
}

pub(super) fn run(args: &RefreshArgs) -> Result<(), CliError> {
    let profile = args.profile.name();
    let answer = client::request_with_variables(move |variables| Request::Refresh {
        profile: profile.clone(),
        variables: variables.clone(),
    })?;
    let status = answer.status()?;
    let failures = || {
        status
            .profiles
            .iter()
            .filter_map(|profile| profile.failure.as_ref())
    };
    let mut out = io::stdout().lock();
    if args.json {
        output::json(&mut out, &status)?;
    } else if status.profiles.len() > 1 || failures().next().is_none() {
        // If the only profile fails, the failure says it all.
        let now = SystemClock.now().wall;
        let width = table::Width::Narrow(now);
        table::print(
            &mut out,
            &status.profiles,
            width,
            table::Colour::of_stdout(),
        )?;
    }
    answer.into_result(failures())
}
