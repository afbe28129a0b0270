//! A pipe's access list admits its user alone, so that not even an administrator can ask the
//! daemons of other users to end: their processes are ended.

use std::io::Write;

use claviger_wire::{ExitCode, Failure};

use super::END_TIMEOUT;
use crate::{
    cli::{CliError, all_users, output},
    process,
};

/// Ends every other process of this program, and those alone; one line for each.
///
/// # Errors
///
/// The failures of those that were not ended.
pub(super) fn stop_all(out: &mut impl Write) -> Result<(), CliError> {
    let found = process::end_others(END_TIMEOUT)
        .map_err(|error| CliError::system("list the processes", &error))?;
    if found.is_empty() {
        output::paragraph(out, all_users::NONE)?;
    }
    let mut failures = Vec::new();
    for (pid, result) in found {
        let line = match result {
            Ok(()) => format!("process {pid}: the daemon has ended"),
            Err(error) => {
                let problem = format!("process {pid} was not ended: {error}");
                let hint = "run claviger stop --all-users as an administrator";
                failures.push(Failure::new(ExitCode::Denied, &*problem, hint));
                problem
            }
        };
        output::paragraph(out, &line)?;
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(CliError::Failures(failures))
    }
}
