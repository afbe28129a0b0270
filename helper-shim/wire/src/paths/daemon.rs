//! The daemon's paths together, as its clients use them.

use std::path::{Path, PathBuf};

use super::{Env, PathError, System, log_file, socket, state_dir, variable};

/// The paths that a client of the daemon uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonPaths {
    /// The socket's path, or the pipe's name.
    pub socket: PathBuf,
    /// The file that a client locks while it starts the daemon: beside the socket, in a directory
    /// that other users cannot enter, or in the state directory on Windows.
    pub lock: PathBuf,
    /// The daemon's log.
    pub log: PathBuf,
    /// Whether `CLAVIGER_SOCKET` names the socket: Claviger did not choose its directory then.
    pub socket_is_overridden: bool,
}

impl DaemonPaths {
    /// Returns the paths for a system, a user (the SID on Windows, unused elsewhere) and an
    /// environment.
    ///
    /// # Errors
    ///
    /// [`PathError`].
    pub fn new(system: System, user: &str, env: Env<'_>) -> Result<Self, PathError> {
        let socket = socket(system, user, env)?;
        let lock = if system == System::Windows {
            state_dir(system, env)?.join("daemon.start")
        } else {
            let mut name = socket.clone().into_os_string();
            name.push(".start");
            name.into()
        };
        Ok(Self {
            socket,
            lock,
            log: log_file(system, env)?,
            socket_is_overridden: variable("CLAVIGER_SOCKET", env).is_some(),
        })
    }

    /// The hint that names the log.
    #[must_use]
    pub fn see_log(&self) -> String {
        format!("see the daemon's log, '{}'", self.log.display())
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

/// The hint for a socket that cannot be used.
pub const OTHER_SOCKET: &str = if cfg!(windows) {
    "set CLAVIGER_SOCKET to the name of another pipe"
} else {
    "set CLAVIGER_SOCKET to a path in a directory of your own with mode 0700"
};
