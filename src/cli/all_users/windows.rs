//! A pipe's access list admits its user alone, so that not even an administrator can ask the
//! daemons of other users.

use std::{
    io::{self, ErrorKind},
    process::Command,
};

use claviger_wire::{ExitCode, Failure, Request, Response};

use super::{UserAccount, UserDaemon};

/// # Errors
///
/// Always.
pub(super) fn find() -> Result<Vec<UserDaemon>, Failure> {
    let problem =
        "status --all-users is not supported on Windows: a daemon's pipe admits its user alone";
    let hint = "run claviger status as each user";
    Err(Failure::new(ExitCode::Denied, problem, hint))
}

/// # Errors
///
/// Always, as [`find`].
pub(super) fn accounts() -> Result<Vec<UserAccount>, Failure> {
    find().map(|_| Vec::new())
}

/// Never called, as [`accounts`] finds nothing.
///
/// # Errors
///
/// Always.
pub(super) fn command(_: &UserAccount, _: &[&str]) -> io::Result<Command> {
    Err(ErrorKind::Unsupported.into())
}

/// Never called, as [`find`] finds nothing.
///
/// # Errors
///
/// None.
pub(super) fn exchange(_: &UserDaemon, _: &Request) -> Result<Option<Vec<Response>>, Failure> {
    Ok(None)
}
