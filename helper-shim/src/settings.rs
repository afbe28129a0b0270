//! What the environment says.

use std::env;
use std::ffi::OsString;
use std::path::{self, PathBuf};
use std::process;

use claviger_wire::paths::{self, Env, PATH_VARIABLES, PathError, System};
use claviger_wire::{Acquire, Failure, MAX_TEXT_LEN};

use crate::args::Options;
use crate::{connect, usage};

/// How long the shim takes at most where nothing else is said, in milliseconds. Claude Code shows a notice after 10 s.
const DEFAULT_TIMEOUT_MS: u64 = 8_000;
/// How long Claude Code lets a helper run, in milliseconds.
const MAX_TIMEOUT_MS: u64 = 600_000;
/// How long Claude Code uses a key where nothing else is said, in milliseconds.
const DEFAULT_CACHE_LIFETIME_MS: u64 = 300_000;

/// The daemon's places.
pub(crate) struct Daemon {
    /// Its socket, or its pipe.
    pub(crate) socket: PathBuf,
    /// The file that a shim locks while it starts the daemon: beside the socket, where nobody else can reach it, or in
    /// the state directory.
    pub(crate) lock: PathBuf,
    /// Its log.
    pub(crate) log: PathBuf,
}

impl Daemon {
    /// Where the environment has them.
    ///
    /// # Errors
    ///
    /// Code 2: see [`PathError`]. Code 8 where the system does not say who the user is.
    pub(crate) fn locate(env: Env<'_>) -> Result<Self, Failure> {
        let refused = |error: PathError| usage(error.to_string(), error.hint());
        let user = connect::user()?;
        let socket = paths::socket(System::HERE, &user, env).map_err(refused)?;
        let lock = if cfg!(windows) {
            let state = paths::state_dir(System::HERE, env).map_err(refused)?;
            state.join("daemon.start")
        } else {
            let mut name = socket.clone().into_os_string();
            name.push(".start");
            name.into()
        };
        let log = paths::log_file(System::HERE, env).map_err(refused)?;
        Ok(Self { socket, lock, log })
    }

    /// The hint that names the log.
    pub(crate) fn see_log(&self) -> String {
        format!("see the daemon's log, {}", self.log.display())
    }
}

/// The hint that names the log, for who knows no more of the daemon.
pub(crate) fn log_hint(env: Env<'_>) -> String {
    match paths::log_file(System::HERE, env) {
        Ok(log) => format!("see the daemon's log, {}", log.display()),
        Err(error) => error.to_string(),
    }
}

/// A variable of the process's environment; empty ones count as unset, and relative paths of ours become absolute.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    let value = env::var_os(name).filter(|value| !value.is_empty())?;
    if PATH_VARIABLES.contains(&name)
        && let Ok(absolute) = path::absolute(&value)
    {
        return Some(absolute.into_os_string());
    }
    Some(value)
}

/// How long the shim takes at most, in milliseconds.
///
/// # Errors
///
/// Code 2 for a `CLAVIGER_TIMEOUT_MS` out of range.
pub(crate) fn timeout_ms(option: Option<u64>, env: Env<'_>) -> Result<u64, Failure> {
    match (option, text("CLAVIGER_TIMEOUT_MS", env)?) {
        (Some(ms), _) => Ok(ms),
        (None, Some(value)) => milliseconds("CLAVIGER_TIMEOUT_MS", &value),
        (None, None) => Ok(DEFAULT_TIMEOUT_MS),
    }
}

/// The request, but for how long the shim will wait for the answer.
///
/// # Errors
///
/// Code 2 for a variable that is not UTF-8 or too long.
pub(crate) fn acquire(options: &Options, terminal: bool, env: Env<'_>) -> Result<Acquire, Failure> {
    let profile = match (&options.profile, text("CLAVIGER_PROFILE", env)?) {
        (Some(option), _) => Some(option.clone()),
        (None, Some(value)) => Some(profile("CLAVIGER_PROFILE", value)?),
        (None, None) => None,
    };
    let cache_lifetime_ms = env("CLAUDE_CODE_API_KEY_HELPER_TTL_MS")
        .and_then(|value| value.to_str()?.trim().parse().ok())
        .unwrap_or(DEFAULT_CACHE_LIFETIME_MS);
    Ok(Acquire {
        profile,
        gateway: text("ANTHROPIC_BASE_URL", env)?,
        cache_lifetime_ms,
        format: options.format,
        deadline_ms: 0,
        reveal: terminal && options.reveal,
        pid: Some(process::id()),
    })
}

/// Checks the value of the option or variable `name`.
///
/// # Errors
///
/// Code 2 for an empty name, or one that does not fit the request.
pub(crate) fn profile(name: &str, value: String) -> Result<String, Failure> {
    if value.is_empty() {
        return Err(usage(format!("\"{name}\" is empty"), "name a profile"));
    }
    fitting(name, value)
}

/// Reads the value of the option or variable `name`.
///
/// # Errors
///
/// Code 2 for anything but a whole number from 1 to [`MAX_TIMEOUT_MS`].
pub(crate) fn milliseconds(name: &str, value: &str) -> Result<u64, Failure> {
    match value.parse() {
        Ok(ms @ 1..=MAX_TIMEOUT_MS) => Ok(ms),
        _ => Err(usage(
            format!("\"{name}\" cannot be \"{value}\""),
            format!("use 1 to {MAX_TIMEOUT_MS}"),
        )),
    }
}

fn text(name: &str, env: Env<'_>) -> Result<Option<String>, Failure> {
    env(name)
        .map(|value| {
            let value = value.into_string();
            let value = value.map_err(|_| usage(format!("\"{name}\" is not UTF-8"), "unset it"))?;
            fitting(name, value)
        })
        .transpose()
}

fn fitting(name: &str, value: String) -> Result<String, Failure> {
    if value.len() > MAX_TEXT_LEN {
        let message = format!("\"{name}\" is longer than {MAX_TEXT_LEN} bytes");
        return Err(usage(message, "give it a shorter value"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env<'a>(variables: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<OsString> + 'a {
        move |name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        }
    }

    #[test]
    fn the_option_beats_the_variable() {
        let both = env(&[
            ("CLAVIGER_PROFILE", "variable"),
            ("CLAVIGER_TIMEOUT_MS", "9"),
        ]);
        let mut options = Options::default();
        let asked = acquire(&options, false, &both).unwrap();
        assert_eq!(asked.profile.as_deref(), Some("variable"));
        assert_eq!(timeout_ms(None, &both).unwrap(), 9);
        options.profile = Some("option".to_owned());
        let asked = acquire(&options, false, &both).unwrap();
        assert_eq!(asked.profile.as_deref(), Some("option"));
        assert_eq!(timeout_ms(Some(7), &both).unwrap(), 7);
        assert_eq!(timeout_ms(None, &env(&[])).unwrap(), 8_000);
    }

    #[test]
    fn the_cache_lifetime_is_the_clients() {
        let lifetime = |value| {
            let variables = [("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", value)];
            acquire(&Options::default(), false, &env(&variables))
                .unwrap()
                .cache_lifetime_ms
        };
        assert_eq!(lifetime("0"), 0);
        assert_eq!(lifetime("60000"), 60_000);
        for bad in ["", "5m", "-1", "1.5"] {
            assert_eq!(lifetime(bad), 300_000, "{bad}");
        }
    }

    #[test]
    fn reveal_is_about_terminals() {
        let options = Options {
            reveal: true,
            ..Options::default()
        };
        assert!(acquire(&options, true, &env(&[])).unwrap().reveal);
        assert!(!acquire(&options, false, &env(&[])).unwrap().reveal);
    }

    #[test]
    fn bad_values_are_configuration_errors() {
        for bad in ["0", "600001", "8s", "-1"] {
            let failure = timeout_ms(None, &env(&[("CLAVIGER_TIMEOUT_MS", bad)])).unwrap_err();
            assert_eq!(failure.code, 2);
            assert_eq!(failure.hint.as_deref(), Some("use 1 to 600000"));
        }
        let long = "x".repeat(MAX_TEXT_LEN + 1);
        for name in ["CLAVIGER_PROFILE", "ANTHROPIC_BASE_URL"] {
            let variables = [(name, long.as_str())];
            let failure = acquire(&Options::default(), false, &env(&variables)).unwrap_err();
            assert_eq!(failure.code, 2);
            assert!(failure.message.contains(name));
        }
    }
}
