//! The environment on Windows, which a process cannot pass on to itself.

use std::{
    env,
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
};

use super::{Account, Variables};
use crate::process;

/// The variables that the system, or a login, sets, and without which its own libraries fail.
const SYSTEM_VARIABLES: [&str; 17] = [
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
    "TMP",
    "USERNAME",
    "USERPROFILE",
    "windir",
];

/// Returns the user's name and profile directory; `None` if the system does not report them.
pub(crate) fn account() -> Option<Account> {
    let login = process::login_environment().ok()?;
    let value = |wanted: &str| {
        let found = login
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.clone())
    };
    Some(Account {
        name: value("USERNAME").unwrap_or_default(),
        home: PathBuf::from(value("USERPROFILE")?),
        shell: OsString::new(),
    })
}

/// Returns nothing: groups have no numbers here.
pub(crate) fn group(_: &str) -> Option<u32> {
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

/// Replaces this process's variables by those that the system sets at a login, and `variables`. The
/// process goes on.
///
/// # Errors
///
/// The system does not report the former.
#[expect(
    unsafe_code,
    reason = "changing the environment is unsafe beside other threads"
)]
pub(crate) fn enter(variables: &Variables, _: &[OsString]) -> io::Result<()> {
    let login = process::login_environment()?;
    for (name, _) in env::vars_os() {
        // SAFETY: the caller is the first thing that `main` does; there is no other thread.
        unsafe { env::remove_var(name) };
    }
    let system = login.iter().filter(|(name, _)| is_system(name));
    for (name, value) in system.chain(variables) {
        // SAFETY: as above.
        unsafe { env::set_var(name, value) };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_has_an_account() {
        let account = account().unwrap();
        assert_eq!(account.name.to_str(), whoami::username().ok().as_deref());
        assert!(account.home.is_absolute());
    }
}
