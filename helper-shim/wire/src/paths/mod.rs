//! Paths of the daemon's socket, lock, log and state, the same for the shim, the command line and
//! the daemon.
//!
//! Pure: the machine is an argument and the environment a function, so that the paths of every
//! system are tested on every other. A variable that is set but empty counts as unset. Overrides
//! (`CLAVIGER_…`) must be absolute, because the shim and the daemon do not run in the same
//! directory. Which variables count at all is decided before, by [`PlaceVariables`].

mod daemon;
mod host;
mod managed;
mod variables;

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

pub use self::{
    daemon::{DaemonPaths, OTHER_SOCKET},
    managed::{MAX_SCANNED, allows_overrides},
    variables::{Observed, Owner, PlaceVariables},
};
use crate::{ExitCode, Failure};

/// A lookup of an environment variable: `&|name| std::env::var_os(name)`.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The variables that override a path of Claviger.
pub const PATH_VARIABLES: [&str; 3] = ["CLAVIGER_CONFIG", "CLAVIGER_SOCKET", "CLAVIGER_STATE_DIR"];

/// The variables with which a user moves the directories of all programs.
pub const BASE_VARIABLES: [&str; 4] = [
    "HOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
];

/// The variable that sets the level of the log. Like the paths it counts for a daemon on another
/// socket than the usual one, and for one in the foreground.
pub const LOG_VARIABLE: &str = "CLAVIGER_LOG";

/// The machine and the user, as far as paths depend on them.
#[derive(Clone, Copy)]
pub struct Machine<'a> {
    /// The operating system.
    pub system: System,
    /// The user's SID on Windows; unused elsewhere.
    pub user: &'a str,
    /// This host's name; called only if a path contains it.
    pub host: &'a dyn Fn() -> String,
}

/// An operating system, as far as paths differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// Linux, and any other Unix with the XDG base directories.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl System {
    /// The system that this program was built for.
    pub const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::MacOs
    } else {
        Self::Linux
    };

    /// The longest socket path in bytes: `sun_path` without its NUL. A pipe's name has at most 256
    /// characters.
    const fn socket_limit(self) -> usize {
        match self {
            Self::Linux => 107,
            Self::MacOs => 103,
            Self::Windows => 256,
        }
    }
}

/// Returns the socket's path, or the pipe's name.
///
/// On Linux without `XDG_RUNTIME_DIR` the socket is below the [state directory](state_dir), which
/// several hosts may share, in a directory with the host's name. The process that creates or opens
/// the directory around it must check that it is the user's with mode 0700.
///
/// # Errors
///
/// [`PathError`]: an invalid override, no home directory, or a path that a socket address cannot
/// contain.
pub fn socket(machine: &Machine<'_>, env: Env<'_>) -> Result<PathBuf, PathError> {
    let system = machine.system;
    let socket = match (path_override("CLAVIGER_SOCKET", system, env)?, system) {
        (Some(socket), _) => socket,
        (None, System::Linux) => match xdg("XDG_RUNTIME_DIR", env) {
            Some(runtime) => runtime.join("claviger").join(SOCKET_NAME),
            None => {
                let run = format!("run-{}", host::in_path(&(machine.host)()));
                state_dir(system, env)?.join(run).join(SOCKET_NAME)
            }
        },
        (None, System::MacOs) => home(env)?.join("Library/Caches/Claviger").join(SOCKET_NAME),
        (None, System::Windows) => PathBuf::from(format!("{PIPES}claviger-{}", machine.user)),
    };
    let (len, limit) = (socket.as_os_str().len(), system.socket_limit());
    if len > limit {
        return Err(PathError::TooLong { socket, len, limit });
    }
    Ok(socket)
}

/// Returns the directory of the audit log and sealed data.
///
/// # Errors
///
/// [`PathError`]: an invalid override, or no home directory.
pub fn state_dir(system: System, env: Env<'_>) -> Result<PathBuf, PathError> {
    if let Some(dir) = path_override("CLAVIGER_STATE_DIR", system, env)? {
        return Ok(dir);
    }
    Ok(match system {
        System::Linux => match xdg("XDG_STATE_HOME", env) {
            Some(state) => state.join("claviger"),
            None => home(env)?.join(".local/state/claviger"),
        },
        System::MacOs => home(env)?.join("Library/Application Support/Claviger"),
        System::Windows => variable("LOCALAPPDATA", env)
            .map(|dir| PathBuf::from(dir).join("Claviger"))
            .ok_or(PathError::Unset {
                variable: "LOCALAPPDATA",
            })?,
    })
}

/// Returns the daemon's log: `daemon.log` in the [state directory](state_dir), on macOS in
/// `~/Library/Logs/Claviger` unless `CLAVIGER_STATE_DIR` is set.
///
/// # Errors
///
/// As for [`state_dir`].
pub fn log_file(system: System, env: Env<'_>) -> Result<PathBuf, PathError> {
    let moved = variable("CLAVIGER_STATE_DIR", env).is_some();
    let dir = match system {
        System::MacOs if !moved => home(env)?.join("Library/Logs/Claviger"),
        _ => state_dir(system, env)?,
    };
    Ok(dir.join("daemon.log"))
}

/// The reason why a path is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    /// The variable that names the directory of the user's files is not set.
    Unset {
        /// The variable's name.
        variable: &'static str,
    },
    /// An override is not an absolute path, or not a pipe's name.
    Invalid {
        /// The variable's name.
        variable: &'static str,
        /// The form that its value must have.
        expected: &'static str,
    },
    /// Root runs in the environment of another user, whose files it would make its own.
    OtherUser {
        /// The variable's name.
        variable: &'static str,
        /// The directory that it names.
        directory: PathBuf,
        /// The directory's owner.
        owner: u32,
    },
    /// The socket's path does not fit a socket address.
    TooLong {
        /// The path.
        socket: PathBuf,
        /// Its length in bytes.
        len: usize,
        /// The longest possible length in bytes.
        limit: usize,
    },
}

impl PathError {
    /// The one thing to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Unset { .. } => "set it, or both CLAVIGER_STATE_DIR and CLAVIGER_SOCKET",
            Self::OtherUser { .. } => {
                "run it as that user, or with root's own environment (sudo -H)"
            }
            Self::Invalid { .. } => "correct it, or leave it out",
            Self::TooLong { .. } => {
                "set CLAVIGER_SOCKET to a shorter path, in a directory of your own with mode 0700"
            }
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset { variable } => write!(f, "'{variable}' is not set"),
            Self::Invalid { variable, expected } => {
                write!(f, "invalid value of '{variable}': expected {expected}")
            }
            Self::OtherUser {
                variable,
                directory,
                owner,
            } => write!(
                f,
                "root in the environment of another user: '{variable}' is '{}', which is owned by \
                 uid {owner}",
                directory.display()
            ),
            Self::TooLong { socket, len, limit } => write!(
                f,
                "the socket path '{}' has {len} bytes, more than the limit of {limit}",
                socket.display()
            ),
        }
    }
}

impl std::error::Error for PathError {}

impl From<PathError> for Failure {
    fn from(error: PathError) -> Self {
        let code = match error {
            PathError::OtherUser { .. } => ExitCode::Denied,
            _ => ExitCode::Usage,
        };
        Self::new(code, error.to_string(), error.hint())
    }
}

const SOCKET_NAME: &str = "agent.sock";
const PIPES: &str = r"\\.\pipe\";
const ABSOLUTE: &str = "an absolute path";

fn variable(name: &str, env: Env<'_>) -> Option<OsString> {
    env(name).filter(|value| !value.is_empty())
}

/// A base directory. The XDG specification demands that relative ones are ignored.
fn xdg(name: &str, env: Env<'_>) -> Option<PathBuf> {
    variable(name, env)
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
}

fn home(env: Env<'_>) -> Result<PathBuf, PathError> {
    let home = variable("HOME", env).ok_or(PathError::Unset { variable: "HOME" })?;
    let home = PathBuf::from(home);
    if home.is_absolute() {
        Ok(home)
    } else {
        Err(PathError::Invalid {
            variable: "HOME",
            expected: ABSOLUTE,
        })
    }
}

fn path_override(
    name: &'static str,
    system: System,
    env: Env<'_>,
) -> Result<Option<PathBuf>, PathError> {
    let Some(path) = variable(name, env).map(PathBuf::from) else {
        return Ok(None);
    };
    let is_pipe = system == System::Windows && name == "CLAVIGER_SOCKET";
    check_override(name, is_pipe, &path)?;
    Ok(Some(path))
}

/// Checks a path that `name`, a variable or an option, contains; with `is_pipe` a pipe's name.
fn check_override(name: &'static str, is_pipe: bool, path: &Path) -> Result<(), PathError> {
    let (is_valid, expected) = match is_pipe {
        true => (is_pipe_name(path), r"the name of a pipe, \\.\pipe\NAME"),
        false => (path.is_absolute(), ABSOLUTE),
    };
    if is_valid {
        Ok(())
    } else {
        Err(PathError::Invalid {
            variable: name,
            expected,
        })
    }
}

fn is_pipe_name(path: &Path) -> bool {
    path.to_str()
        .and_then(|name| name.strip_prefix(PIPES))
        .is_some_and(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
