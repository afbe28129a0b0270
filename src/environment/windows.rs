//! The environment on Windows, which a process cannot pass on to itself.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    path::Path,
};

use super::{Account, Variables};

/// The variables that the system, or a login, sets, and without which its own libraries fail.
const SYSTEM_VARIABLES: [&str; 16] = [
    "ALLUSERSPROFILE",
    "APPDATA",
    "ComSpec",
    "LOCALAPPDATA",
    "NUMBER_OF_PROCESSORS",
    "OS",
    "PATHEXT",
    "PROCESSOR_ARCHITECTURE",
    "ProgramData",
    "ProgramFiles",
    "SystemDrive",
    "SystemRoot",
    "TEMP",
    "USERNAME",
    "USERPROFILE",
    "windir",
];

/// The directories of a user are in variables that the login sets.
pub(crate) fn account() -> Option<Account> {
    None
}

/// Windows has no session bus.
pub(super) fn own_socket(_: &Path) -> bool {
    false
}

/// Whether `name` is one of [`SYSTEM_VARIABLES`].
pub(super) fn is_system(name: &OsStr) -> bool {
    let mut known = SYSTEM_VARIABLES.iter();
    known.any(|known| name.eq_ignore_ascii_case(known))
}

/// Removes every variable that is neither in `variables` nor one of the system's, and sets
/// `variables`. The process goes on.
///
/// # Errors
///
/// None on this system.
#[expect(
    unsafe_code,
    reason = "changing the environment is unsafe beside other threads"
)]
pub(crate) fn enter(variables: &Variables, _: &[OsString]) -> io::Result<()> {
    for (name, _) in env::vars_os().filter(|(name, _)| !is_system(name)) {
        // SAFETY: the caller is the first thing that `main` does; there is no other thread.
        unsafe { env::remove_var(name) };
    }
    for (name, value) in variables {
        // SAFETY: as above.
        unsafe { env::set_var(name, value) };
    }
    Ok(())
}
