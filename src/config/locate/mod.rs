//! Where configurations are, and which of them is read.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::{ffi::OsString, path::PathBuf};

#[cfg(unix)]
use self::unix as system;
#[cfg(windows)]
use self::windows as system;
use crate::trust::ManagedOwner;

/// The variable that names a configuration.
const CONFIG_VARIABLE: &str = "CLAVIGER_CONFIG";

/// Where configurations can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Locations {
    /// The administrator's. Where it is there, it is the only one unless it says `allow_user_config = true`.
    pub(crate) managed: PathBuf,
    /// The user's own; `None` where the system does not say where the user's files are.
    pub(crate) user: Option<PathBuf>,
    /// What `--config` or else `CLAVIGER_CONFIG` names. It replaces `user`.
    pub(crate) explicit: Option<PathBuf>,
    /// Whom the managed one may belong to.
    pub(crate) managed_owner: ManagedOwner,
}

impl Locations {
    /// This system's places, for the user whose environment `env` looks into (`std::env::var_os`, but in tests).
    /// `explicit` is `--config`.
    #[must_use]
    pub(crate) fn of_this_machine(
        explicit: Option<PathBuf>,
        env: impl Fn(&str) -> Option<OsString>,
    ) -> Self {
        // Set and empty is as good as not set, here and for the XDG variables.
        let env = |name: &str| {
            env(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let explicit = explicit.or_else(|| env(CONFIG_VARIABLE));
        Self {
            managed: system::managed(),
            user: system::user(env),
            // The daemon's working directory is not the one that a relative path was written for.
            explicit: explicit.map(|path| std::path::absolute(&path).unwrap_or(path)),
            managed_owner: ManagedOwner::of_this_machine(),
        }
    }

    /// Every file that could be read, in the order of precedence.
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
    fn the_flag_is_before_the_variable() {
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
