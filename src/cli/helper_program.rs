//! The shim that settings name: the one beside this program.

use std::env;

use claviger_wire::{ExitCode, Failure};

/// The path of `claviger-helper`.
///
/// # Errors
///
/// [`ExitCode::Usage`] if it does not exist: settings with it would break their client.
pub(crate) fn path() -> Result<String, Failure> {
    let name = format!("claviger-helper{}", env::consts::EXE_SUFFIX);
    let hint = "install both programs of the same version in one directory";
    let own = env::current_exe().map_err(|error| {
        let problem = format!("cannot find '{name}' beside this program: {error}");
        Failure::new(ExitCode::Usage, problem, hint)
    })?;
    let path = own.with_file_name(name);
    if !path.is_file() {
        let problem = format!("'{}' does not exist", path.display());
        return Err(Failure::new(ExitCode::Usage, problem, hint));
    }
    Ok(path.display().to_string())
}
