//! The process's environment: which of its variables choose a place, and which a daemon inherits.
//!
//! The file of each system has the same items: `is_root`, `runtime_dir` and `owner` (see
//! [`Observed`]), `host_name`, `managed_config` (the place of the managed configuration) and `PATH`
//! (the search path of a daemon and its programs).

mod inherited;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    io::{ErrorKind, Read as _},
    path::Path,
};

pub use self::inherited::is_inherited;
pub use self::system::{PATH, host_name, managed_config, owner, runtime_dir};
#[cfg(unix)]
use self::unix as system;
#[cfg(windows)]
use self::windows as system;
#[cfg(windows)]
pub(super) use self::windows::windows_directory;
use crate::{
    Failure,
    client::user,
    paths::{
        DaemonPaths, MAX_SCANNED, Machine, Observed, PathError, PlaceVariables, System,
        allows_overrides,
    },
};

/// Returns a variable of this process's environment. An empty one counts as unset.
#[must_use]
pub fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Whether the user's systemd runs the daemon, which then logs to the journal: for each unit that
/// runs it keeps a link in its runtime directory, which is in memory.
pub(super) fn is_service_running() -> bool {
    let link = runtime_dir().join("systemd/units/invocation:claviger.service");
    cfg!(target_os = "linux") && fs::symlink_metadata(link).is_ok()
}

/// Returns the variables of this process's environment that choose a place. `is_managed` is
/// whether a managed configuration forbids other places.
///
/// # Errors
///
/// Those of [`PlaceVariables::new`].
pub fn place_variables(is_managed: bool) -> Result<PlaceVariables, PathError> {
    let observed = Observed {
        system: System::HERE,
        is_root: system::is_root(),
        is_managed,
        runtime_dir: &runtime_dir(),
        owner: &owner,
    };
    PlaceVariables::new(&observed, &variable)
}

/// Returns the daemon's paths on this machine for the variables that count.
///
/// # Errors
///
/// [`PathError`], or the user is not known.
pub fn daemon_paths(variables: &PlaceVariables) -> Result<DaemonPaths, Failure> {
    let machine = Machine {
        system: System::HERE,
        user: &user()?,
        host: &host_name,
    };
    Ok(DaemonPaths::new(&machine, variables)?)
}

/// Whether the managed configuration seems to forbid other places: a look at its first lines, as a
/// client without a parser can have it. A file that cannot be read forbids them.
pub(super) fn is_managed() -> bool {
    is_managed_by(&managed_config())
}

fn is_managed_by(file: &Path) -> bool {
    match fs::symlink_metadata(file) {
        Err(error) => error.kind() != ErrorKind::NotFound,
        // Opening a FIFO would block.
        Ok(_) if !fs::metadata(file).is_ok_and(|found| found.is_file()) => true,
        Ok(_) => {
            let mut text = Vec::new();
            let read =
                File::open(file).and_then(|file| file.take(MAX_SCANNED).read_to_end(&mut text));
            read.is_err() || !allows_overrides(&String::from_utf8_lossy(&text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_managed_file_forbids_other_places_unless_it_allows_them() {
        let dir = env::temp_dir().join(format!("claviger-managed-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let file = dir.join("config.toml");
        assert!(!is_managed_by(&file));
        fs::create_dir(&file).unwrap();
        assert!(is_managed_by(&file), "what cannot be read");
        fs::remove_dir(&file).unwrap();
        for (text, expected) in [
            ("version = 1\n", true),
            ("allow_user_config = true\n", false),
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(is_managed_by(&file), expected, "{text:?}");
        }
        fs::remove_dir_all(&dir).unwrap();
    }
}
