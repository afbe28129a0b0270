//! The places of configurations.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{ffi::OsString, path::PathBuf};

#[cfg(unix)]
use self::unix as system;
#[cfg(windows)]
use self::windows as system;
use crate::{paths::managed_config, trust::ManagedOwner};

/// The variable that names the explicit configuration.
const CONFIG_VARIABLE: &str = "CLAVIGER_CONFIG";

/// The places of configurations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Locations {
    /// The administrator's. If it exists, it is the only one unless it says
    /// `allow_user_config = true`.
    pub(crate) managed: PathBuf,
    /// The user's own; `None` if the user's home is unknown.
    pub(crate) user: Option<PathBuf>,
    /// The one that `--config`, or else `CLAVIGER_CONFIG`, names. It replaces `user`.
    pub(crate) explicit: Option<PathBuf>,
    /// The required owner of the managed one.
    pub(crate) managed_owner: ManagedOwner,
}

impl Locations {
    /// This system's places. `env` returns the variables that count (see
    /// [`Places`](crate::paths::Places)), and `explicit` is `--config`.
    #[must_use]
    pub(crate) fn of_this_machine(
        explicit: Option<PathBuf>,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        // An empty variable counts as unset, as for the XDG variables.
        let env = |name: &str| {
            env(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let explicit = explicit.or_else(|| env(CONFIG_VARIABLE));
        Self {
            managed: managed_config(),
            user: system::user(env),
            // A relative path is relative to the caller's working directory, not to the daemon's.
            explicit: explicit.map(|path| std::path::absolute(&path).unwrap_or(path)),
            managed_owner: ManagedOwner::of_this_machine(),
        }
    }

    /// This system's places with those of the user's that are known already.
    #[must_use]
    pub(crate) fn known(explicit: Option<PathBuf>, user: Option<PathBuf>) -> Self {
        Self {
            managed: managed_config(),
            user,
            explicit,
            managed_owner: ManagedOwner::of_this_machine(),
        }
    }

    /// Every file that may be read, in the order of precedence.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.managed]
            .into_iter()
            .chain(&self.explicit)
            .chain(&self.user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_precedes_the_variable() {
        let env = |name: &str| (name == CONFIG_VARIABLE).then(|| "/from-env.toml".into());
        let explicit =
            |flag: Option<&str>| Locations::of_this_machine(flag.map(PathBuf::from), env).explicit;
        assert_eq!(explicit(Some("/flag.toml")), Some("/flag.toml".into()));
        assert_eq!(explicit(None), Some("/from-env.toml".into()));
        assert_eq!(
            Locations::of_this_machine(None, |_| Some("".into())).explicit,
            None
        );
    }

    #[test]
    fn a_relative_flag_is_made_absolute() {
        let locations = Locations::of_this_machine(Some("c.toml".into()), |_| None);
        assert_eq!(
            locations.explicit,
            Some(std::env::current_dir().unwrap().join("c.toml"))
        );
    }
}
