//! Where the shim and the daemon meet, and where the daemon's files are.
//!
//! Pure: the system is an argument and the environment a function, so that every system's places are tested on every
//! other. A variable that is set but empty counts as unset. Overrides (`CLAVIGER_…`) must be absolute, for the shim and
//! the daemon need not run in the same directory; who takes relative ones makes them absolute in `env`.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// A look at the environment: `&|name| std::env::var_os(name)`.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The variables that hold a path of ours, which callers make absolute.
pub const PATH_VARIABLES: [&str; 3] = ["CLAVIGER_CONFIG", "CLAVIGER_SOCKET", "CLAVIGER_STATE_DIR"];

/// A kind of operating system, as far as places differ.
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
    /// The one that this program was built for.
    pub const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::MacOs
    } else {
        Self::Linux
    };

    /// The longest socket path in bytes: `sun_path` less its NUL. A pipe's name has 256 characters.
    const fn socket_limit(self) -> usize {
        match self {
            Self::Linux => 107,
            Self::MacOs => 103,
            Self::Windows => 256,
        }
    }
}

/// The socket, or the pipe's name. `user` is the user's SID on Windows and not looked at elsewhere.
///
/// On Linux without `XDG_RUNTIME_DIR` it lies in `run` below the [state directory](state_dir). The directory around it
/// must be the user's with mode 0700; that is for those who create and open it to see to.
///
/// # Errors
///
/// An override that is relative, no home directory, or a path that a socket address cannot hold.
pub fn socket(system: System, user: &str, env: Env<'_>) -> Result<PathBuf, PathError> {
    let socket = match (path_override("CLAVIGER_SOCKET", system, env)?, system) {
        (Some(socket), _) => socket,
        (None, System::Linux) => match xdg("XDG_RUNTIME_DIR", env) {
            Some(runtime) => runtime.join("claviger").join(SOCKET_NAME),
            None => state_dir(system, env)?.join("run").join(SOCKET_NAME),
        },
        (None, System::MacOs) => home(env)?.join("Library/Caches/Claviger").join(SOCKET_NAME),
        (None, System::Windows) => PathBuf::from(format!("{PIPES}claviger-{user}")),
    };
    let (len, limit) = (socket.as_os_str().len(), system.socket_limit());
    if len > limit {
        return Err(PathError::TooLong { socket, len, limit });
    }
    Ok(socket)
}

/// The directory of the audit log and sealed data.
///
/// # Errors
///
/// An override that is relative, or no home directory.
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

/// The daemon's log: `daemon.log` in the [state directory](state_dir), on macOS in `~/Library/Logs/Claviger` unless
/// `CLAVIGER_STATE_DIR` is set.
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

/// Why there is no place. A matter of configuration: exit code 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    /// A variable that says where the user's files are is not set.
    Unset {
        /// Its name.
        variable: &'static str,
    },
    /// An override is not an absolute path, or not a pipe's name.
    Relative {
        /// The variable's name.
        variable: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// The socket's path does not fit a socket address.
    TooLong {
        /// The path.
        socket: PathBuf,
        /// Its length in bytes.
        len: usize,
        /// The longest possible.
        limit: usize,
    },
}

impl PathError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unset { .. } => "set it, or both CLAVIGER_STATE_DIR and CLAVIGER_SOCKET",
            Self::Relative { expected, .. } => expected,
            Self::TooLong { .. } => {
                "set CLAVIGER_SOCKET to a shorter path, in a directory of your own with mode 0700"
            }
        }
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset { variable } => write!(f, "\"{variable}\" is not set"),
            Self::Relative { variable, .. } => write!(f, "\"{variable}\" cannot be used as it is"),
            Self::TooLong { socket, len, limit } => {
                write!(
                    f,
                    "socket path of {len} bytes is over the limit of {limit}: \"{}\"",
                    socket.display()
                )
            }
        }
    }
}

impl std::error::Error for PathError {}

const SOCKET_NAME: &str = "agent.sock";
const PIPES: &str = r"\\.\pipe\";

fn variable(name: &str, env: Env<'_>) -> Option<OsString> {
    env(name).filter(|value| !value.is_empty())
}

/// A base directory. The XDG specification has relative ones ignored.
fn xdg(name: &str, env: Env<'_>) -> Option<PathBuf> {
    variable(name, env)
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
}

fn home(env: Env<'_>) -> Result<PathBuf, PathError> {
    variable("HOME", env)
        .map(PathBuf::from)
        .ok_or(PathError::Unset { variable: "HOME" })
}

fn path_override(
    name: &'static str,
    system: System,
    env: Env<'_>,
) -> Result<Option<PathBuf>, PathError> {
    let Some(path) = variable(name, env).map(PathBuf::from) else {
        return Ok(None);
    };
    let pipe = system == System::Windows && name == "CLAVIGER_SOCKET";
    let (good, expected) = if pipe {
        (
            is_pipe(&path),
            r"set it to the name of a pipe, \\.\pipe\NAME, or unset it",
        )
    } else {
        (
            path.is_absolute(),
            "set it to an absolute path, or unset it",
        )
    };
    if good {
        Ok(Some(path))
    } else {
        Err(PathError::Relative {
            variable: name,
            expected,
        })
    }
}

fn is_pipe(path: &Path) -> bool {
    path.to_str()
        .and_then(|name| name.strip_prefix(PIPES))
        .is_some_and(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        move |name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| OsString::from(value))
        }
    }

    fn socket_of(system: System, variables: &[(&str, &str)]) -> PathBuf {
        socket(system, "S-1-5-21-7", &env(variables)).unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn linux_follows_xdg() {
        let home = ("HOME", "/home/ann");
        let places = |variables: &[(&str, &str)]| {
            let state = state_dir(System::Linux, &env(variables)).unwrap();
            let log = log_file(System::Linux, &env(variables)).unwrap();
            assert_eq!(log, state.join("daemon.log"));
            (socket_of(System::Linux, variables), state)
        };
        let fallback = PathBuf::from("/home/ann/.local/state/claviger");
        let below = fallback.join("run/agent.sock");
        let runtime = PathBuf::from("/run/user/7/claviger/agent.sock");
        let elsewhere = (
            PathBuf::from("/s/claviger/run/agent.sock"),
            PathBuf::from("/s/claviger"),
        );
        assert_eq!(places(&[home]), (below.clone(), fallback.clone()));
        assert_eq!(
            places(&[home, ("XDG_RUNTIME_DIR", "/run/user/7")]),
            (runtime, fallback.clone())
        );
        assert_eq!(places(&[home, ("XDG_STATE_HOME", "/s")]), elsewhere);
        // Empty and relative ones do not count.
        let ignored = [
            home,
            ("XDG_RUNTIME_DIR", "run"),
            ("XDG_STATE_HOME", ""),
            ("CLAVIGER_STATE_DIR", ""),
        ];
        assert_eq!(places(&ignored), (below, fallback));
    }

    #[cfg(unix)]
    #[test]
    fn overrides_win_and_are_absolute() {
        for system in [System::Linux, System::MacOs] {
            let moved = [
                ("CLAVIGER_SOCKET", "/t/s"),
                ("CLAVIGER_STATE_DIR", "/t/state"),
            ];
            assert_eq!(socket_of(system, &moved), Path::new("/t/s"));
            assert_eq!(
                state_dir(system, &env(&moved)).unwrap(),
                Path::new("/t/state")
            );
            assert_eq!(
                log_file(system, &env(&moved)).unwrap(),
                Path::new("/t/state/daemon.log")
            );
            let relative = [
                ("CLAVIGER_SOCKET", "s"),
                ("CLAVIGER_STATE_DIR", "state"),
                ("HOME", "/h"),
            ];
            let error = socket(system, "", &env(&relative)).unwrap_err();
            assert_eq!(
                error.to_string(),
                "\"CLAVIGER_SOCKET\" cannot be used as it is"
            );
            assert!(state_dir(system, &env(&relative)).is_err());
            assert!(log_file(system, &env(&relative)).is_err());
        }
    }

    #[test]
    fn macos_has_its_own_directories() {
        let home = [
            ("HOME", "/Users/ann"),
            ("XDG_RUNTIME_DIR", "/run/user/7"),
            ("XDG_STATE_HOME", "/s"),
        ];
        let library = Path::new("/Users/ann/Library");
        assert_eq!(
            socket_of(System::MacOs, &home),
            library.join("Caches/Claviger/agent.sock")
        );
        let state = state_dir(System::MacOs, &env(&home)).unwrap();
        assert_eq!(state, library.join("Application Support/Claviger"));
        assert_eq!(
            log_file(System::MacOs, &env(&home)).unwrap(),
            library.join("Logs/Claviger/daemon.log")
        );
    }

    #[test]
    fn windows_has_a_pipe_named_after_the_user() {
        let local = [("LOCALAPPDATA", r"C:\Users\ann\AppData\Local")];
        assert_eq!(
            socket_of(System::Windows, &local),
            Path::new(r"\\.\pipe\claviger-S-1-5-21-7")
        );
        let state = state_dir(System::Windows, &env(&local)).unwrap();
        assert_eq!(
            state,
            Path::new(r"C:\Users\ann\AppData\Local").join("Claviger")
        );
        assert_eq!(
            log_file(System::Windows, &env(&local)).unwrap(),
            state.join("daemon.log")
        );
        assert_eq!(
            socket_of(System::Windows, &[("CLAVIGER_SOCKET", r"\\.\pipe\x")]),
            Path::new(r"\\.\pipe\x")
        );
        for other in [r"\\.\pipe\", r"C:\x", r"\\server\pipe\x"] {
            assert!(
                socket(System::Windows, "", &env(&[("CLAVIGER_SOCKET", other)])).is_err(),
                "{other}"
            );
        }
        assert_eq!(
            state_dir(System::Windows, &env(&[])),
            Err(PathError::Unset {
                variable: "LOCALAPPDATA"
            })
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_socket_path_fits_a_socket_address() {
        for (system, limit) in [(System::Linux, 107), (System::MacOs, 103)] {
            let path = |len: usize| format!("/{}", "x".repeat(len - 1));
            assert!(socket(system, "", &env(&[("CLAVIGER_SOCKET", &path(limit))])).is_ok());
            let error =
                socket(system, "", &env(&[("CLAVIGER_SOCKET", &path(limit + 1))])).unwrap_err();
            let start = format!(
                "socket path of {} bytes is over the limit of {limit}: \"/xxx",
                limit + 1
            );
            assert!(error.to_string().starts_with(&start), "{error}");
            assert!(error.hint().contains("CLAVIGER_SOCKET"));
        }
    }

    #[test]
    fn without_a_home_there_is_no_place() {
        let unset = PathError::Unset { variable: "HOME" };
        assert_eq!(state_dir(System::Linux, &env(&[])), Err(unset.clone()));
        assert_eq!(socket(System::MacOs, "", &env(&[])), Err(unset));
    }
}
