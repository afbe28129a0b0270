//! Root asks the daemon of every user to end.

use std::io::Write;

use claviger_wire::Request;

use super::{ended, pid_of};
use crate::cli::{CliError, all_users, output};

/// Stops every user's daemon; one line for each.
///
/// # Errors
///
/// The failures of those that were not stopped.
pub(super) fn stop_all(out: &mut impl Write) -> Result<(), CliError> {
    let request = Request::Status { profile: None };
    let pids = all_users::request(&request)?.into_iter();
    let pids: Vec<_> = pids
        .map(|(user, answer)| (user, answer.ok().and_then(|answer| pid_of(&answer))))
        .collect();
    let mut failures = Vec::new();
    let answers = all_users::request(&Request::Stop)?;
    if answers.is_empty() {
        output::paragraph(out, all_users::NONE)?;
    }
    for (user, answer) in answers {
        let pid = pids.iter().find(|(of, _)| *of == user);
        let result = match answer {
            Ok(_) => ended(pid.and_then(|(_, pid)| *pid)),
            Err(failure) => {
                let result = format!("not stopped: {}", failure.message);
                failures.push(all_users::of(&user, failure));
                result
            }
        };
        output::paragraph(out, &format!("user {user}: {result}"))?;
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(CliError::Failures(failures))
    }
}
