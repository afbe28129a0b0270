//! Places of the daemon: its socket, its log, and the variables that choose its configuration.
//!
//! The client that happens to start a daemon must not choose anything for the others. The *usual*
//! socket is the system's: in the runtime directory of the user's login or, without one, below the
//! home directory of the user database. A daemon on the usual socket takes every place from the
//! system. A daemon on another one is reached only by clients with the same environment: it may
//! take its places from there, if no other user can write them.

mod state_file;
#[cfg(windows)]
mod windows;

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

pub(crate) use self::state_file::StateFile;
pub(crate) use claviger_wire::client::{managed_config, variable};
use claviger_wire::{
    ExitCode, Failure,
    client::{daemon_paths, owner, place_variables, runtime_dir},
    paths::{DaemonPaths, OTHER_SOCKET, Owner, PathError, PlaceVariables, System, state_dir},
};

use crate::trust::{self, TrustError};

/// The process that asks for the places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Starter {
    /// A client, for the daemon that it shares with others.
    Client,
    /// A user who runs a daemon in the foreground, with an environment chosen for that.
    User,
}

/// The places of a daemon.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The socket and the log.
    pub(crate) daemon: DaemonPaths,
    /// The variables that choose the configuration.
    pub(crate) variables: PlaceVariables,
    /// Whether the socket is the usual one.
    pub(crate) is_usual_socket: bool,
    /// The user's home directory, if one is known.
    pub(crate) home: Option<PathBuf>,
    /// The runtime directory of the user's login, if there is one.
    pub(crate) runtime_dir: Option<PathBuf>,
    /// The variables that are set and do not count.
    pub(crate) ignored: Vec<&'static str>,
}

impl Places {
    /// Returns the places for this process's environment. `account_home` is the home directory in
    /// the user database, and `is_managed` whether a managed configuration forbids other places.
    ///
    /// # Errors
    ///
    /// [`ExitCode::Usage`] if a variable is invalid or none leads to a socket, [`ExitCode::Denied`]
    /// for a place that another user can write and for root in another user's environment.
    pub(crate) fn of_this_process(
        starter: Starter,
        account_home: Option<&Path>,
        is_managed: bool,
    ) -> Result<Self, Failure> {
        let mut chosen = place_variables(is_managed)?;
        let named_home = variable("HOME").map(PathBuf::from);
        let own_home = named_home
            .filter(|home| home.is_relative() || matches!(owner(home), Owner::User { .. }));
        let usual = usual_variables(account_home.or(own_home.as_deref()));
        match own_home {
            Some(home)
                if !is_managed && !account_home.is_some_and(|known| is_same(known, &home)) =>
            {
                chosen.set("HOME", home);
            }
            _ => match usual.get("HOME") {
                Some(home) => chosen.set("HOME", home),
                None => chosen.remove("HOME"),
            },
        }
        let on_usual = daemon_paths(&usual)?;
        let mut on_chosen = daemon_paths(&chosen)?;
        let is_usual_socket = match (&on_usual.socket, &on_chosen.socket) {
            (Some(usual), Some(chosen)) => is_same(usual, chosen),
            (None, Some(_)) => false,
            (_, None) => return Err(PathError::Unset { variable: "HOME" }.into()),
        };
        let takes_chosen = !is_usual_socket || starter == Starter::User;
        if takes_chosen {
            if is_usual_socket && let Some(home) = usual.get("HOME") {
                chosen.set("HOME", home);
                on_chosen = daemon_paths(&chosen)?;
            }
            judge(&chosen, &usual)?;
        }
        let mut daemon = if takes_chosen {
            on_chosen
        } else {
            on_usual.clone()
        };
        if is_usual_socket {
            daemon.socket = on_usual.socket;
            daemon.lock = on_usual.lock;
        }
        let mut ignored = chosen.ignored().to_vec();
        if !takes_chosen {
            ignored.extend(differing(&chosen, &usual));
        }
        let variables = if takes_chosen { chosen } else { usual.clone() };
        let path = |from: &PlaceVariables, name: &str| from.get(name).map(PathBuf::from);
        Ok(Self {
            daemon,
            home: path(&variables, "HOME"),
            runtime_dir: path(&usual, "XDG_RUNTIME_DIR"),
            variables,
            is_usual_socket,
            ignored,
        })
    }

    /// The directory of what the daemon keeps, if it is known.
    pub(crate) fn state_dir(&self) -> Option<PathBuf> {
        state_dir(System::HERE, &|name| self.variables.get(name)).ok()
    }
}

/// The socket of the user's session bus, whether it exists or not. For the daemon: its environment
/// is its own, and names the runtime directory of the user's login if there was one at its start.
#[cfg(target_os = "linux")]
pub(crate) fn session_bus() -> PathBuf {
    let directory = variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    directory.unwrap_or_else(runtime_dir).join("bus")
}

/// The variables as the system sets them.
fn usual_variables(home: Option<&Path>) -> PlaceVariables {
    let mut usual = PlaceVariables::default();
    #[cfg(windows)]
    for (name, directory) in windows::directories() {
        usual.set(name, directory);
    }
    if let Some(home) = home {
        usual.set("HOME", home);
    }
    let private = Owner::User {
        others_write: false,
    };
    let runtime_dir = runtime_dir();
    if owner(&runtime_dir) == private {
        usual.set("XDG_RUNTIME_DIR", runtime_dir);
    }
    usual
}

/// Checks that no other user can write the places that `chosen` names, apart from the usual ones.
fn judge(chosen: &PlaceVariables, usual: &PlaceVariables) -> Result<(), Failure> {
    for (name, path) in chosen.iter() {
        if usual.get(name).as_deref() == Some(path.as_os_str()) {
            continue;
        }
        if path.is_relative() && name == "HOME" {
            let expected = "an absolute path";
            return Err(PathError::Invalid {
                variable: name,
                expected,
            }
            .into());
        }
        // The socket itself may be there, and is looked at by whom it concerns.
        let place = match name {
            "CLAVIGER_SOCKET" => path.parent().unwrap_or(path),
            _ => path,
        };
        trust::place(place).map_err(|error| refused(name, path, error))?;
    }
    Ok(())
}

/// Checks a configuration that the user names with a flag.
///
/// # Errors
///
/// [`ExitCode::Denied`] if another user can write it.
pub(crate) fn judge_flag(flag: &'static str, path: &Path) -> Result<(), Failure> {
    trust::place(path).map_err(|error| refused(flag, path, error))
}

fn refused(name: &str, path: &Path, error: TrustError) -> Failure {
    match error {
        TrustError::Violation(violation) => {
            let problem = format!("'{name}' names an unsafe place: {violation}");
            Failure::new(ExitCode::Denied, problem, violation.hint)
        }
        TrustError::Io(error) => {
            let problem = format!(
                "cannot look at '{}', which '{name}' names: {error}",
                path.display()
            );
            Failure::new(ExitCode::DaemonUnavailable, problem, OTHER_SOCKET)
        }
    }
}

/// The variables that would lead elsewhere than the usual ones.
fn differing(chosen: &PlaceVariables, usual: &PlaceVariables) -> Vec<&'static str> {
    let leads_elsewhere = |(name, path): &(&'static str, &Path)| match *name {
        "CLAVIGER_SOCKET" | "XDG_RUNTIME_DIR" => false,
        _ => usual.get(name).as_deref() != Some(path.as_os_str()),
    };
    let differing = chosen.iter().filter(leads_elsewhere);
    differing.map(|(name, _)| name).collect()
}

/// Whether two paths lead to the same file or directory, which need not exist.
fn is_same(a: &Path, b: &Path) -> bool {
    a == b || real(a) == real(b)
}

/// `path` without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let mut rest: Vec<&OsStr> = Vec::new();
    for above in path.ancestors() {
        if let Ok(real) = above.canonicalize() {
            return rest.into_iter().rev().fold(real, |at, name| at.join(name));
        }
        rest.extend(above.file_name());
    }
    path.to_owned()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn links_and_missing_parts_do_not_make_two_places_of_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        std::fs::create_dir(path("run")).unwrap();
        std::os::unix::fs::symlink("run", path("link")).unwrap();
        assert!(is_same(&path("run/a/b.sock"), &path("link/a/b.sock")));
        assert!(is_same(&path("run/"), &path("link")));
        assert!(!is_same(&path("run/a/b.sock"), &path("run/a/c.sock")));
        assert!(!is_same(&path("run"), &path("other")));
    }
}
