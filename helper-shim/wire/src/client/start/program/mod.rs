//! The program that is started: the `claviger` beside this one, if no other user can have put it
//! there.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{
    env::{self, consts::EXE_SUFFIX},
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

#[cfg(unix)]
use self::unix::check;
#[cfg(windows)]
use self::windows::check;
use crate::{ExitCode, Failure};

/// Returns the `claviger` that is installed beside this program, never one found on `PATH`.
///
/// # Errors
///
/// [`ExitCode::Denied`] if another user can write it, [`ExitCode::DaemonUnavailable`] if there is
/// none.
pub(super) fn program() -> Result<PathBuf, Failure> {
    let directory = env::current_exe().and_then(|own| directory(&own));
    let directory = directory.map_err(|error| {
        let problem = format!("cannot determine the path of this program: {error}");
        let hint = "run this program by its absolute path";
        Failure::new(ExitCode::DaemonUnavailable, problem, hint)
    })?;
    let program = directory.join(format!("claviger{EXE_SUFFIX}"));
    if !program.is_file() {
        let problem = format!(
            "no daemon is running, and '{}' was not found",
            program.display()
        );
        let hint = "install claviger in the directory of claviger-helper";
        return Err(Failure::new(ExitCode::DaemonUnavailable, problem, hint));
    }
    check(&program)?;
    Ok(program)
}

/// The directory of this program. A link to it may be anywhere; the daemon is beside its target.
///
/// If the file is replaced while the program runs, Linux appends " (deleted)" to its name. The
/// directory has the new version then.
fn directory(own: &Path) -> io::Result<PathBuf> {
    let is_replaced = own
        .file_name()
        .and_then(OsStr::to_str)
        .is_some_and(|name| name.ends_with(" (deleted)"));
    let directory = match own.canonicalize() {
        Ok(file) => file.parent().map(Path::to_owned),
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_replaced => {
            own.parent().map(Path::canonicalize).transpose()?
        }
        Err(error) => return Err(error),
    };
    directory.ok_or_else(|| io::ErrorKind::NotFound.into())
}
