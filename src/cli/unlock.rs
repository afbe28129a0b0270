//! `claviger unlock`.

use claviger_wire::Request;

use super::{CliError, lock};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claviger unlock          after 'claviger lock'
  claviger unlock --json   for a script

Nothing is asked: it is a switch, not a password. The next call of claviger-helper obtains a key \
anew, with the logins that their stores have.")]
pub(super) struct UnlockArgs {
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &UnlockArgs) -> Result<(), CliError> {
    let report = lock::request(Request::Unlock)?;
    let text = match report.changed {
        true => "unlocked: keys are given again",
        false => "it was not locked",
    };
    let problem = "the next daemon is locked again";
    lock::print(&report, text, problem, args.json)
}
