//! Which variables choose a place: a client's environment may come from a repository that it works
//! in.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{Env, PATH_VARIABLES, PathError, System, home, path_override, variable, xdg};

/// What the system reports to decide which variables count.
#[derive(Clone, Copy)]
pub struct Observed<'a> {
    /// The operating system.
    pub system: System,
    /// Whether the user is root.
    pub is_root: bool,
    /// Whether there is a managed configuration that forbids other places.
    pub is_managed: bool,
    /// The runtime directory that the system makes for the user, `/run/user/UID`; it need not
    /// exist.
    pub runtime_dir: &'a Path,
    /// Returns the owner of a directory, links followed.
    pub owner: &'a dyn Fn(&Path) -> Owner,
}

/// The owner of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The user.
    User {
        /// Whether the mode lets others write.
        others_write: bool,
    },
    /// Another user, with this id.
    Other(u32),
    /// It is not a directory, or cannot be looked at.
    Unknown,
}

/// The variables that choose the places, each with its value, after the rules:
///
/// - An override (`CLAVIGER_…`) must be absolute; a relative XDG directory is ignored, as the XDG
///   specification demands.
/// - With a managed configuration only `HOME` counts, to find the socket of a daemon that knows
///   better.
/// - `XDG_RUNTIME_DIR` counts if that directory is the user's and others cannot write it; otherwise
///   the system's one does, on the same condition.
/// - `HOME` counts if that directory is the user's.
/// - Root in another user's environment is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaceVariables {
    values: Vec<(&'static str, OsString)>,
    /// The set variables that do not count because of a managed configuration.
    ignored: Vec<&'static str>,
}

impl PlaceVariables {
    /// Applies the rules to the environment `env`.
    ///
    /// # Errors
    ///
    /// [`PathError::Invalid`] for a relative override, [`PathError::OtherUser`].
    pub fn new(observed: &Observed<'_>, env: Env<'_>) -> Result<Self, PathError> {
        let mut found = Self::default();
        if observed.is_root && observed.system != System::Windows {
            check_root(observed, env)?;
        }
        for name in PATH_VARIABLES {
            if observed.is_managed {
                found.ignored.extend(variable(name, env).map(|_| name));
            } else if let Some(path) = path_override(name, observed.system, env)? {
                found.set(name, path);
            }
        }
        for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
            match xdg(name, env) {
                Some(_) if observed.is_managed => found.ignored.push(name),
                Some(dir) => found.set(name, dir),
                None => {}
            }
        }
        if observed.system == System::Windows {
            for name in ["APPDATA", "LOCALAPPDATA"] {
                found
                    .values
                    .extend(variable(name, env).map(|dir| (name, dir)));
            }
            return Ok(found);
        }
        if observed.system == System::Linux {
            found.choose_runtime_dir(observed, env);
        }
        found.choose_home(observed, env);
        Ok(found)
    }

    /// Returns a variable's value, if it counts.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<OsString> {
        let found = self.values.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    }

    /// Sets a variable in place of its value.
    pub fn set(&mut self, name: &'static str, value: impl Into<OsString>) {
        self.values.retain(|(known, _)| *known != name);
        self.values.push((name, value.into()));
    }

    /// Removes a variable.
    pub fn remove(&mut self, name: &str) {
        self.values.retain(|(known, _)| *known != name);
    }

    /// The variables that count, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let values = self.values.iter();
        values.map(|(name, value)| (*name, Path::new(value)))
    }

    /// The set variables that do not count because of a managed configuration.
    #[must_use]
    pub fn ignored(&self) -> &[&'static str] {
        &self.ignored
    }

    fn choose_runtime_dir(&mut self, observed: &Observed<'_>, env: Env<'_>) {
        let is_own = |dir: &PathBuf| {
            let private = Owner::User {
                others_write: false,
            };
            (observed.owner)(dir) == private
        };
        let named = xdg("XDG_RUNTIME_DIR", env).filter(|dir| {
            // With a managed configuration only the system's directory counts.
            !observed.is_managed || dir == observed.runtime_dir
        });
        let system = || Some(observed.runtime_dir.to_owned()).filter(is_own);
        if let Some(dir) = named.filter(is_own).or_else(system) {
            self.set("XDG_RUNTIME_DIR", dir);
        }
    }

    /// Looks at the directory only if a place depends on it: it may be on a server that is down.
    fn choose_home(&mut self, observed: &Observed<'_>, env: Env<'_>) {
        let named = [
            "CLAVIGER_SOCKET",
            "XDG_RUNTIME_DIR",
            "CLAVIGER_STATE_DIR",
            "XDG_STATE_HOME",
        ];
        let is_needed = observed.system == System::MacOs && self.get(named[0]).is_none()
            || named.iter().all(|name| self.get(name).is_none());
        let Some(dir) = variable("HOME", env).map(PathBuf::from) else {
            return;
        };
        let is_own = || matches!((observed.owner)(&dir), Owner::User { .. });
        // A relative one is reported when it is used.
        if !is_needed || dir.is_relative() || is_own() {
            self.set("HOME", dir);
        }
    }
}

/// Refuses a root that has kept another user's environment, as `sudo -E` makes it: what root
/// would create in that user's directories would lock the user out.
fn check_root(observed: &Observed<'_>, env: Env<'_>) -> Result<(), PathError> {
    for name in ["HOME", "XDG_RUNTIME_DIR"] {
        let Some(directory) = xdg(name, env) else {
            continue;
        };
        if let Owner::Other(owner) = (observed.owner)(&directory) {
            return Err(PathError::OtherUser {
                variable: name,
                directory,
                owner,
            });
        }
    }
    Ok(())
}

/// Whether the home directory is missing from `variables`, not wrong.
pub(super) fn lacks_home(variables: &PlaceVariables) -> bool {
    home(&|name| variables.get(name)) == Err(PathError::Unset { variable: "HOME" })
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    /// The user's directories are below /u and /run/user/7, another user's below /other; what is
    /// below /open can be written by others.
    fn owner(directory: &Path) -> Owner {
        let below = |start: &str| directory.starts_with(start);
        if below("/u") || below("/run/user/7") || below("/open") {
            return Owner::User {
                others_write: below("/open"),
            };
        }
        match below("/other") {
            true => Owner::Other(1000),
            false => Owner::Unknown,
        }
    }

    /// A machine whose user has the directory `runtime_dir` from the system.
    struct World {
        is_root: bool,
        is_managed: bool,
        runtime_dir: &'static str,
    }

    const USER: World = World {
        is_root: false,
        is_managed: false,
        runtime_dir: "/run/user/8",
    };

    impl World {
        fn variables(&self, set: &[(&str, &str)]) -> Result<PlaceVariables, PathError> {
            let observed = Observed {
                system: System::Linux,
                is_root: self.is_root,
                is_managed: self.is_managed,
                runtime_dir: Path::new(self.runtime_dir),
                owner: &owner,
            };
            PlaceVariables::new(&observed, &|name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| OsString::from(value))
            })
        }

        fn get(&self, name: &str, set: &[(&str, &str)]) -> Option<String> {
            let value = self.variables(set).unwrap().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        }
    }

    #[test]
    fn an_override_is_absolute() {
        for name in PATH_VARIABLES {
            assert_eq!(USER.get(name, &[(name, "/x")]).as_deref(), Some("/x"));
            let relative = USER.variables(&[(name, "x/y")]).unwrap_err();
            let message = format!("invalid value of '{name}': expected an absolute path");
            assert_eq!(relative.to_string(), message);
        }
        for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME"] {
            assert_eq!(USER.get(name, &[(name, "/x")]).as_deref(), Some("/x"));
            assert_eq!(USER.get(name, &[(name, "x")]), None);
        }
    }

    #[test]
    fn the_runtime_directory_is_the_users() {
        let runtime =
            |world: &World, dir| world.get("XDG_RUNTIME_DIR", &[("XDG_RUNTIME_DIR", dir)]);
        assert_eq!(runtime(&USER, "/u/run").as_deref(), Some("/u/run"));
        let with_system = World {
            runtime_dir: "/run/user/7",
            ..USER
        };
        for useless in ["", "run", "/other/run", "/missing", "/open/run"] {
            assert_eq!(runtime(&USER, useless), None, "{useless}");
            let fallback = runtime(&with_system, useless);
            assert_eq!(fallback.as_deref(), Some("/run/user/7"), "{useless}");
        }
    }

    #[test]
    fn a_home_directory_of_another_user_does_not_count() {
        let home = |dir| USER.get("HOME", &[("HOME", dir)]);
        assert_eq!(home("/u").as_deref(), Some("/u"));
        assert_eq!(home("/other"), None);
        assert_eq!(home("/missing"), None);
        // It is not looked at if no path depends on it.
        let with_runtime = [("HOME", "/missing"), ("XDG_RUNTIME_DIR", "/u/run")];
        assert_eq!(USER.get("HOME", &with_runtime).as_deref(), Some("/missing"));
    }

    #[test]
    fn a_managed_configuration_leaves_no_choice() {
        let managed = World {
            is_managed: true,
            runtime_dir: "/run/user/7",
            ..USER
        };
        let set = [
            ("CLAVIGER_CONFIG", "x"),
            ("CLAVIGER_SOCKET", "/u/s"),
            ("XDG_STATE_HOME", "/u/state"),
            ("XDG_RUNTIME_DIR", "/u/run"),
            ("HOME", "/u"),
        ];
        let variables = managed.variables(&set).unwrap();
        let left: Vec<_> = variables.iter().collect();
        let expected = [
            ("XDG_RUNTIME_DIR", Path::new("/run/user/7")),
            ("HOME", Path::new("/u")),
        ];
        assert_eq!(left, expected);
        let ignored = ["CLAVIGER_CONFIG", "CLAVIGER_SOCKET", "XDG_STATE_HOME"];
        assert_eq!(variables.ignored(), ignored);
    }

    #[test]
    fn root_in_another_users_environment_is_an_error() {
        let root = World {
            is_root: true,
            ..USER
        };
        for name in ["HOME", "XDG_RUNTIME_DIR"] {
            let error = root.variables(&[(name, "/other/x")]).unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains(name) && message.contains("uid 1000"),
                "{message}"
            );
            assert!(USER.variables(&[(name, "/other/x")]).is_ok());
        }
        assert!(
            root.variables(&[("HOME", "/u"), ("XDG_STATE_HOME", "/other/x")])
                .is_ok()
        );
    }
}
