//! The daemon's paths together, as its clients use them.

use std::path::{Path, PathBuf};

use super::{
    Machine, PathError, PlaceVariables, System, check_override, log_file, socket, state_dir,
    variables,
};

/// The paths that a client of the daemon uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonPaths {
    /// The socket's path, or the pipe's name. `None` if it is in the home directory and that is not
    /// known: the daemon, which asks the user database, reports it.
    pub socket: Option<PathBuf>,
    /// The file that a client locks while it starts the daemon: beside the socket, in a directory
    /// that other users cannot enter, or in the state directory on Windows.
    pub lock: Option<PathBuf>,
    /// The daemon's log, if its directory is known.
    pub log: Option<PathBuf>,
    /// Whether `CLAVIGER_SOCKET` names the socket: Claviger did not choose its directory then.
    pub socket_is_overridden: bool,
}

impl DaemonPaths {
    /// Returns the paths of a machine, for the variables that count there.
    ///
    /// # Errors
    ///
    /// [`PathError`].
    pub fn new(machine: &Machine<'_>, variables: &PlaceVariables) -> Result<Self, PathError> {
        let env = &|name: &str| variables.get(name);
        let socket = match socket(machine, env) {
            Ok(socket) => Some(socket),
            Err(PathError::Unset { variable: "HOME" }) if variables::lacks_home(variables) => None,
            Err(error) => return Err(error),
        };
        let lock = if machine.system == System::Windows {
            Some(state_dir(machine.system, env)?.join("daemon.start"))
        } else {
            socket.as_deref().map(lock_beside)
        };
        Ok(Self {
            socket,
            lock,
            log: match log_file(machine.system, env) {
                Ok(log) => Some(log),
                Err(PathError::Unset { .. }) => None,
                Err(error) => return Err(error),
            },
            socket_is_overridden: variables.get("CLAVIGER_SOCKET").is_some(),
        })
    }

    /// The paths of a daemon on `socket`, which an argument names.
    ///
    /// # Errors
    ///
    /// [`PathError::Invalid`] if it is not an absolute path, or not a pipe's name.
    pub fn at(socket: PathBuf) -> Result<Self, PathError> {
        check_override("--socket", System::HERE == System::Windows, &socket)?;
        Ok(Self {
            socket: Some(socket),
            lock: None,
            log: None,
            socket_is_overridden: true,
        })
    }

    /// These paths with the socket that the daemon has reported.
    #[must_use]
    pub fn reported(&self, socket: PathBuf) -> Self {
        Self {
            socket_is_overridden: self.socket_is_overridden
                && self.socket.as_ref() == Some(&socket),
            lock: self.lock.clone(),
            log: self.log.clone(),
            socket: Some(socket),
        }
    }

    /// The hint that names the log.
    #[must_use]
    pub fn see_log(&self) -> String {
        match &self.log {
            Some(log) => format!("see the daemon's log, '{}'", log.display()),
            None => "see the daemon's log, daemon.log in its state directory".to_owned(),
        }
    }

    /// The hint for a socket directory that other users can enter. A directory that Claviger did
    /// not choose may be shared on purpose, as /tmp is: its mode is not to be changed.
    #[must_use]
    pub fn private_directory_hint(&self, directory: &Path) -> String {
        if self.socket_is_overridden {
            OTHER_SOCKET.to_owned()
        } else {
            format!("run chmod 700 '{}'", directory.display())
        }
    }
}

fn lock_beside(socket: &Path) -> PathBuf {
    let mut name = socket.as_os_str().to_owned();
    name.push(".start");
    name.into()
}

/// The hint for a socket that cannot be used.
pub const OTHER_SOCKET: &str = if cfg!(windows) {
    "set CLAVIGER_SOCKET to the name of another pipe"
} else {
    "set CLAVIGER_SOCKET to a path in a directory of your own with mode 0700"
};
