//! `claviger logout`.

use std::io;

use claviger_wire::Request;
use serde::Serialize;

use super::{CliError, client, output, profile_args::ProfileArgs};
use crate::logout_report::{LogoutReport, NONE, REVOKED, STAYS_VALID};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claviger logout              every profile
  claviger logout work         only the profile 'work'

The daemon forgets the key, the login and every failed attempt: the next call of claviger-helper \
logs in again, with the secret that the configuration names. Secrets that the user keeps stay: the \
files that the configuration names, and a secret-id that was unwrapped from one of them.")]
pub(super) struct LogoutArgs {
    #[command(flatten)]
    pub(super) profile: ProfileArgs,

    /// Every profile, which is the default
    #[arg(long, conflicts_with_all = ["profile", "profile_option"])]
    all: bool,

    /// As one JSON object
    #[arg(long)]
    json: bool,
}

/// The JSON object.
#[derive(Serialize)]
struct Logout {
    profiles: Vec<LogoutReport>,
}

pub(super) fn run(args: &LogoutArgs) -> Result<(), CliError> {
    let profile = args.profile.name();
    let answer = client::request(Request::Logout { profile })?;
    let mut out = io::stdout().lock();
    let profiles: Vec<LogoutReport> = match &answer {
        Some(answer) => answer.parse()?,
        None => Vec::new(),
    };
    if args.json {
        let profiles = profiles.clone();
        output::json(&mut out, &Logout { profiles })?;
    } else {
        for report in &profiles {
            output::paragraph(&mut out, &sentence(report))?;
        }
    }
    let Some(answer) = answer else {
        if !args.json {
            output::paragraph(&mut out, "no daemon is running: there is nothing to forget")?;
        }
        return Ok(());
    };
    if profiles.is_empty() && !args.json {
        // A daemon of an older version reports nothing.
        output::paragraph(&mut out, "forgotten, and revoked if the source supports it")?;
    }
    answer.into_result(profiles.iter().filter_map(|report| report.failure.as_ref()))
}

/// What was done for one profile.
fn sentence(report: &LogoutReport) -> String {
    let LogoutReport { name, source, .. } = report;
    let forgotten = match (&report.forgotten, report.lease.as_deref()) {
        (None, _) => "had no key".to_owned(),
        (Some(key), Some(NONE)) => {
            format!("forgot the key {key}, which the gateway may still accept")
        }
        (Some(key), _) => format!("forgot the key {key}"),
    };
    let lease = report.lease.as_deref() == Some(REVOKED);
    let revoked = match report.login.as_deref() {
        _ if report.failure.is_some() => format!("source '{source}' could not revoke it"),
        Some(REVOKED) if lease => format!("revoked its lease and the login at source '{source}'"),
        Some(REVOKED) => format!("revoked the login at source '{source}'"),
        Some(STAYS_VALID) if lease => {
            format!("revoked its lease; the login at source '{source}' stays valid")
        }
        Some(STAYS_VALID) => {
            format!("the login at source '{source}' cannot be revoked here and stays valid")
        }
        _ if lease => format!("revoked its lease at source '{source}'"),
        _ => format!("nothing to revoke at source '{source}'"),
    };
    format!("{name}: {forgotten}; {revoked}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status_report::FailureReport;

    #[test]
    fn a_sentence_says_what_was_done_and_no_more() {
        let sentence = |forgotten: Option<&str>, lease: Option<&str>, login: Option<&str>| {
            sentence(&LogoutReport {
                name: "p".to_owned(),
                source: "s".to_owned(),
                forgotten: forgotten.map(str::to_owned),
                lease: lease.map(str::to_owned),
                login: login.map(str::to_owned),
                failure: lease.is_none().then(FailureReport::default),
            })
        };
        let key = Some("ba7816bf8f01");
        for (forgotten, lease, login, expected) in [
            (
                None,
                Some(NONE),
                Some(NONE),
                "p: had no key; nothing to revoke at source 's'",
            ),
            (
                key,
                Some(NONE),
                Some(NONE),
                "p: forgot the key ba7816bf8f01, which the gateway may still accept; nothing to revoke at source 's'",
            ),
            (
                key,
                Some(NONE),
                Some(REVOKED),
                "p: forgot the key ba7816bf8f01, which the gateway may still accept; revoked the login at source 's'",
            ),
            (
                key,
                Some(REVOKED),
                Some(REVOKED),
                "p: forgot the key ba7816bf8f01; revoked its lease and the login at source 's'",
            ),
            (
                key,
                Some(REVOKED),
                Some(STAYS_VALID),
                "p: forgot the key ba7816bf8f01; revoked its lease; the login at source 's' stays valid",
            ),
            (
                key,
                Some(REVOKED),
                Some(NONE),
                "p: forgot the key ba7816bf8f01; revoked its lease at source 's'",
            ),
            (
                None,
                Some(NONE),
                Some(STAYS_VALID),
                "p: had no key; the login at source 's' cannot be revoked here and stays valid",
            ),
            (
                key,
                None,
                None,
                "p: forgot the key ba7816bf8f01; source 's' could not revoke it",
            ),
        ] {
            assert_eq!(sentence(forgotten, lease, login), expected);
        }
    }
}
