//! `claviger status`.

mod policy;
mod print;
mod watch;

use std::io::{self, Write as _};

use claviger_wire::{ExitCode, Failure, Request};
use serde::Serialize;

use self::print::{no_daemon, print};
use super::{
    CliError,
    all_users::{self, UserDaemon},
    client, output,
    profile_args::ProfileArgs,
    socket_args::SocketArgs,
    table::{Colour, Width},
};
use crate::{
    clock::{Clock as _, SystemClock},
    status_report::{ProfileReport, StatusReport},
};

#[derive(Debug, clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  claviger status                    every profile, in 80 columns
  claviger status --wide             every column, with absolute times
  claviger status work --json        one profile, for a script
  claviger status --exit-status      for monitoring: 0 unless a profile fails
  claviger status --watch            until Ctrl-C
  sudo claviger status --all-users   every user's daemon
",
    "
States: ready; empty (no key requested yet); login-required; rejected (by the gateway); denied (by \
the source or the policy); misconfigured; unusable (not a key); unreachable. KEY is the start of the key's \
SHA-256, CHECKED when the source last had this key.

Exit codes: 8 no daemon runs; with --exit-status, that of the profile that fails worst."
))]
pub(super) struct StatusArgs {
    #[command(flatten)]
    pub(super) profile: ProfileArgs,

    /// As one JSON object; with --watch, one in each line
    #[arg(long)]
    json: bool,

    /// Every column and all advice, with absolute times
    #[arg(long, conflicts_with = "json")]
    wide: bool,

    /// Print again whenever something changes, until Ctrl-C
    #[arg(long)]
    watch: bool,

    /// End with the highest exit code that a request for the key of a profile would have now
    #[arg(long, conflicts_with = "watch")]
    exit_status: bool,

    /// The daemons of all users; only for root
    #[arg(long, conflicts_with = "watch")]
    all_users: bool,

    #[command(flatten)]
    socket: SocketArgs,
}

/// The status of one user's daemon.
#[derive(Serialize)]
struct UserStatus {
    #[serde(flatten)]
    user: UserDaemon,
    #[serde(flatten)]
    status: StatusReport,
    /// Why there is no report.
    error: Option<String>,
}

/// The JSON object of `--all-users`.
#[derive(Serialize)]
struct AllUsers {
    users: Vec<UserStatus>,
}

pub(super) fn run(args: &StatusArgs) -> Result<(), CliError> {
    if args.watch {
        return watch::run(args);
    }
    if args.all_users {
        return all(args);
    }
    let answer = client::request_at(args.socket.clone(), args.request())?;
    let status = match &answer {
        Some(answer) => answer.status()?,
        None => StatusReport::default(),
    };
    let mut out = io::stdout().lock();
    if args.json {
        output::json(&mut out, &status)?;
    } else {
        print(&mut out, &status, args.width(), Colour::of_stdout())?;
    }
    let Some(answer) = answer else {
        return Err(no_daemon().into());
    };
    answer.into_result([].iter())?;
    args.exit(&status.profiles)
}

impl StatusArgs {
    /// One profile, as a table.
    pub(super) fn of(profile: &str) -> Self {
        Self {
            profile: ProfileArgs::of(profile),
            json: false,
            wide: false,
            watch: false,
            exit_status: false,
            all_users: false,
            socket: SocketArgs::default(),
        }
    }

    fn request(&self) -> Request {
        Request::Status {
            profile: self.profile.name(),
        }
    }

    fn width(&self) -> Width {
        if self.wide {
            Width::Wide
        } else {
            Width::Narrow(SystemClock.now().wall)
        }
    }

    /// Ends with the worst code of `profiles` if that is asked for.
    fn exit<'a>(
        &self,
        profiles: impl IntoIterator<Item = &'a ProfileReport>,
    ) -> Result<(), CliError> {
        let codes = profiles
            .into_iter()
            .filter_map(|profile| profile.error_code);
        match codes.max().filter(|_| self.exit_status) {
            Some(worst) => Err(CliError::Reported(ExitCode::from_byte(worst))),
            None => Ok(()),
        }
    }
}

fn all(args: &StatusArgs) -> Result<(), CliError> {
    let mut failures = Vec::new();
    let mut users = Vec::new();
    for (user, answer) in all_users::request(&args.request())? {
        let status = answer.and_then(|answer| {
            let status = answer.status()?;
            failures.extend(answer.failure.map(|failure| all_users::of(&user, failure)));
            Ok(status)
        });
        let (status, error) = match status {
            Ok(status) => (status, None),
            Err(failure) => {
                let error = failure.message.clone();
                failures.push(all_users::of(&user, failure));
                (StatusReport::default(), Some(error))
            }
        };
        users.push(UserStatus {
            user,
            status,
            error,
        });
    }
    let mut out = io::stdout().lock();
    if args.json {
        let all = AllUsers { users };
        output::json(&mut out, &all)?;
        return end(args, &all.users, failures);
    }
    if users.is_empty() {
        output::paragraph(&mut out, all_users::NONE)?;
    }
    for (index, user) in users.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        output::paragraph(&mut out, &format!("user {}:", user.user))?;
        match &user.error {
            Some(error) => output::indented(&mut out, error)?,
            None => print(&mut out, &user.status, args.width(), Colour::of_stdout())?,
        }
    }
    end(args, &users, failures)
}

fn end(args: &StatusArgs, users: &[UserStatus], failures: Vec<Failure>) -> Result<(), CliError> {
    if !failures.is_empty() {
        return Err(CliError::Failures(failures));
    }
    args.exit(users.iter().flat_map(|user| &user.status.profiles))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_code_is_that_of_the_command_only_if_asked_for() {
        let args = |exit_status| StatusArgs {
            profile: ProfileArgs::default(),
            json: false,
            wide: false,
            watch: false,
            exit_status,
            all_users: false,
            socket: SocketArgs::default(),
        };
        let profiles = [None, Some(5), Some(3)].map(|error_code| ProfileReport {
            error_code,
            ..ProfileReport::default()
        });
        args(false).exit(&profiles).unwrap();
        args(true).exit(&profiles[..1]).unwrap();
        let worst = args(true).exit(&profiles).unwrap_err();
        assert!(
            matches!(worst, CliError::Reported(ExitCode::SourceFailed)),
            "{worst:?}"
        );
    }
}
