//! The daemon's environment: built from what the system says of the user, not inherited from the
//! client that happens to start the daemon.
//!
//! The file of each system has the same items: `account` (the user's entry in the user database),
//! `own_socket` (whether a path is a socket of the user's), `is_system` (whether the system's own
//! libraries need a variable) and `enter` (gives this process, or what
//! it becomes, the environment).

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use claviger_wire::client::{PATH, is_inherited};

pub(crate) use self::system::{account, enter, group};
#[cfg(unix)]
use self::unix as system;
#[cfg(windows)]
use self::windows as system;

/// The user's entry in the user database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// The login name.
    pub(crate) name: OsString,
    /// The home directory.
    pub(crate) home: PathBuf,
    /// The login shell.
    pub(crate) shell: OsString,
}

/// The variables that [`build`] sets.
const BUILT: [&str; 7] = [
    "DBUS_SESSION_BUS_ADDRESS",
    "HOME",
    "LOGNAME",
    "PATH",
    "SHELL",
    "USER",
    "XDG_RUNTIME_DIR",
];

/// Variables with their values.
pub(crate) type Variables = Vec<(OsString, OsString)>;

/// Returns the environment of a daemon: language and time zone of `inherited`, a fixed search path,
/// and what the system says of the user. `home` and `runtime_dir` are the directories that the
/// daemon uses, if there are any.
#[must_use]
pub(crate) fn build(
    account: Option<&Account>,
    home: Option<&Path>,
    runtime_dir: Option<&Path>,
    inherited: impl Iterator<Item = (OsString, OsString)>,
) -> Variables {
    let mut variables: Variables = inherited
        .filter(|(name, value)| is_inherited(name, value))
        .collect();
    let mut set = |name: &str, value: &OsStr| {
        if !value.is_empty() {
            variables.push((name.into(), value.to_owned()));
        }
    };
    set("PATH", OsStr::new(PATH));
    if let Some(home) = home {
        set("HOME", home.as_os_str());
    }
    if let Some(account) = account {
        set("USER", &account.name);
        set("LOGNAME", &account.name);
        set("SHELL", &account.shell);
    }
    if let Some(dir) = runtime_dir {
        set("XDG_RUNTIME_DIR", dir.as_os_str());
        let bus = dir.join("bus");
        if system::own_socket(&bus) {
            let mut address = OsString::from("unix:path=");
            address.push(bus);
            set("DBUS_SESSION_BUS_ADDRESS", &address);
        }
    }
    variables
}

/// Returns the environment of a program that the daemon runs: those variables of this process that
/// a daemon has, and no others, whatever this process was started with.
#[must_use]
pub(crate) fn of_programs() -> Variables {
    of_daemon(env::vars_os())
}

/// Those of `variables` that [`build`] or the system sets, with the search path of a daemon.
fn of_daemon(variables: impl Iterator<Item = (OsString, OsString)>) -> Variables {
    let is_built = |name: &OsStr| BUILT.iter().any(|built| name == *built);
    let mut kept: Variables = variables
        .filter(|(name, _)| !name.eq_ignore_ascii_case("PATH"))
        .filter(|(name, value)| {
            is_built(name) || system::is_system(name) || is_inherited(name, value)
        })
        .collect();
    kept.push(("PATH".into(), PATH.into()));
    kept
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn names(variables: &Variables) -> Vec<&str> {
        let mut names: Vec<_> = variables
            .iter()
            .map(|(name, _)| name.to_str().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    fn hostile() -> impl Iterator<Item = (OsString, OsString)> {
        let set = [
            ("ANTHROPIC_API_KEY", "x"),
            ("HOME", "/repository"),
            ("HTTPS_PROXY", "http://x"),
            ("LANG", "de_AT.UTF-8"),
            ("LC_ALL", "/repository/locale"),
            ("LD_PRELOAD", "/repository/x.so"),
            ("PATH", "/repository"),
            ("TZ", "UTC"),
            ("USER", "root"),
        ];
        set.into_iter()
            .map(|(name, value)| (name.into(), value.into()))
    }

    #[test]
    fn only_what_the_system_says_and_the_language_is_in_it() {
        let account = Account {
            name: "ana".into(),
            home: "/home/ana".into(),
            shell: "/bin/zsh".into(),
        };
        let dir = tempfile::tempdir().unwrap();
        let built = || {
            let (home, dir) = (Path::new("/home/ana"), dir.path());
            build(Some(&account), Some(home), Some(dir), hostile())
        };
        let mut expected = vec![
            "HOME",
            "LANG",
            "LOGNAME",
            "PATH",
            "SHELL",
            "TZ",
            "USER",
            "XDG_RUNTIME_DIR",
        ];
        assert_eq!(names(&built()), expected);
        assert!(!format!("{:?}", built()).contains("repository"));
        let value = |name: &str| built().into_iter().find(|(key, _)| key == name).unwrap().1;
        assert_eq!(
            (value("HOME"), value("USER")),
            ("/home/ana".into(), "ana".into())
        );

        let bus = dir.path().join("bus");
        let _bus = std::os::unix::net::UnixListener::bind(&bus).unwrap();
        expected.insert(0, "DBUS_SESSION_BUS_ADDRESS");
        assert_eq!(names(&built()), expected);
        let address = format!("unix:path={}", bus.display());
        assert_eq!(value("DBUS_SESSION_BUS_ADDRESS"), *address);
    }

    #[test]
    fn a_program_gets_what_a_daemon_has_and_nothing_else() {
        let account = Account {
            name: "ana".into(),
            home: "/home/ana".into(),
            shell: "/bin/zsh".into(),
        };
        let dir = tempfile::tempdir().unwrap();
        let _bus = std::os::unix::net::UnixListener::bind(dir.path().join("bus")).unwrap();
        let mut built = build(
            Some(&account),
            Some(&account.home),
            Some(dir.path()),
            hostile(),
        );
        let mut kept = of_daemon(built.iter().cloned());
        built.sort();
        kept.sort();
        assert_eq!(kept, built);
        // This process has the tests' environment.
        let kept = of_daemon(hostile());
        assert_eq!(names(&kept), ["HOME", "LANG", "PATH", "TZ", "USER"]);
        let path = kept.iter().find(|(name, _)| name == "PATH");
        assert_eq!(path.unwrap().1, *PATH);
    }

    #[test]
    fn a_user_without_an_entry_has_what_is_known() {
        let built = build(None, None, None, hostile());
        assert_eq!(names(&built), ["LANG", "PATH", "TZ"]);
    }
}
