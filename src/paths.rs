//! Where this user's socket and log are: the shim's own rules, with this machine's environment put in.

use std::{env, ffi::OsString, path::PathBuf};

use claviger_wire::paths::{self, PathError, System};

/// The socket, or the pipe's name.
///
/// # Errors
///
/// [`PathError`]: a variable is missing or relative, or the path is too long for a socket.
pub(crate) fn socket() -> Result<PathBuf, PathError> {
    paths::socket(System::HERE, &crate::listener::own_user(), &variable)
}

/// The daemon's log; in the temporary directory where the environment does not say where the user's files are.
#[must_use]
pub(crate) fn log_file() -> PathBuf {
    paths::log_file(System::HERE, &variable)
        .unwrap_or_else(|_| env::temp_dir().join("claviger-daemon.log"))
}

/// A variable of the environment. A path in one of Claviger's own is looked up from where the command was given.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    let value = env::var_os(name).filter(|value| !value.is_empty())?;
    if !paths::PATH_VARIABLES.contains(&name) {
        return Some(value);
    }
    std::path::absolute(&value).map_or(Some(value), |path| Some(path.into()))
}
