//! What is in force: the configuration and the broker that is built from it.
//!
//! The composition reads the files anew when their [`Stamp`] changes. A broken configuration does
//! not replace a good one, and a good one keeps the credentials of the profiles that it leaves
//! unchanged.

mod routes;
mod unchanged;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use self::{routes::routes, unchanged::unchanged};
use crate::{
    broker::{Broker, Jitter, RouteBuilder},
    clock::Clock,
    config::{self, Config, ConfigError, Locations, Stamp},
    sync,
};

/// A configuration with the broker that serves its profiles. Clones share both.
#[derive(Clone)]
pub(crate) struct InForce {
    /// The configuration.
    pub(crate) config: Arc<Config>,
    /// The broker of exactly the profiles in `config`.
    pub(crate) broker: Arc<Broker>,
}

/// Loads the configuration, builds what it describes, and replaces both when a file changes.
pub(crate) struct Composition {
    locations: Locations,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
    loaded: Mutex<Loaded>,
}

/// The result of the last reading of the files.
struct Loaded {
    /// What the files looked like just before they were read.
    stamp: Stamp,
    /// The last good configuration; the last error if there has been no good one.
    in_force: Result<InForce, Arc<ConfigError>>,
    /// The error of the last reading, whether or not an older configuration is in force.
    error: Option<Arc<ConfigError>>,
}

impl Composition {
    /// Reads the configuration. A broken one is kept as the error that [`Composition::current`]
    /// returns until a file changes.
    #[must_use]
    pub(crate) fn new(locations: Locations, clock: Arc<dyn Clock>, jitter: Jitter) -> Self {
        let stamp = Stamp::of(&locations);
        let (in_force, error) = match load(&locations, &clock) {
            Ok((config, routes)) => {
                let broker = Arc::new(Broker::new(routes, &clock, &jitter));
                (Ok(InForce { config, broker }), None)
            }
            Err(error) => (Err(Arc::clone(&error)), Some(error)),
        };
        Self {
            locations,
            clock,
            jitter,
            loaded: Mutex::new(Loaded {
                stamp,
                in_force,
                error,
            }),
        }
    }

    /// Returns what is in force, after a new reading of the files if one of them has changed.
    ///
    /// # Errors
    ///
    /// The [`ConfigError`] of the last reading, if no reading has succeeded yet.
    pub(crate) fn current(&self) -> Result<InForce, Arc<ConfigError>> {
        self.reload_if_changed();
        self.lock().in_force.clone()
    }

    /// Returns what is in force without a look at the files; `None` if no reading has succeeded
    /// yet.
    #[must_use]
    pub(crate) fn in_force(&self) -> Option<InForce> {
        self.lock().in_force.clone().ok()
    }

    /// The error of the last reading of the files; `None` if it succeeded.
    #[must_use]
    pub(crate) fn last_error(&self) -> Option<Arc<ConfigError>> {
        self.lock().error.clone()
    }

    /// Reads the files without the lock. If two callers read at once, the later one's result stays;
    /// if that is of the older files, its stamp differs from the files' and the next caller reads.
    fn reload_if_changed(&self) {
        let stamp = Stamp::of(&self.locations);
        if self.lock().stamp == stamp {
            return;
        }
        let result = load(&self.locations, &self.clock);
        let mut loaded = self.lock();
        loaded.stamp = stamp;
        match result {
            Ok((config, routes)) => {
                let broker = match &loaded.in_force {
                    Ok(before) => before.broker.reconfigured(
                        routes,
                        &unchanged(&before.config, &config),
                        &self.clock,
                        &self.jitter,
                    ),
                    Err(_) => Broker::new(routes, &self.clock, &self.jitter),
                };
                let broker = Arc::new(broker);
                loaded.in_force = Ok(InForce { config, broker });
                loaded.error = None;
            }
            Err(error) => {
                if loaded.in_force.is_err() {
                    loaded.in_force = Err(Arc::clone(&error));
                }
                loaded.error = Some(error);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Loaded> {
        sync::lock(&self.loaded)
    }
}

/// A configuration with the routes that it describes.
type Built = (Arc<Config>, BTreeMap<String, RouteBuilder>);

fn load(locations: &Locations, clock: &Arc<dyn Clock>) -> Result<Built, Arc<ConfigError>> {
    match config::load(locations) {
        Ok(config) => {
            tracing::info!(file = %config.file.display(), "loaded the configuration");
            let config = Arc::new(config);
            let routes = routes(&config, clock);
            Ok((config, routes))
        }
        Err(error) => {
            tracing::error!(%error, "invalid configuration");
            Err(Arc::new(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;
    use crate::{clock::SystemClock, trust::ManagedOwner};

    const GOOD: &str = r#"
version = 1
[profile.default]
source = "signed"
[source.signed]
type = "jwt"
algorithm = "HS256"
key_env = "KEY"
"#;

    /// A composition of a user's file with `text`, which may be absent.
    fn composition(text: Option<&str>) -> (Composition, PathBuf, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("config.toml");
        if let Some(text) = text {
            fs::write(&file, text).unwrap();
        }
        let locations = Locations {
            managed: directory.path().join("managed.toml"),
            user: Some(file.clone()),
            explicit: None,
            managed_owner: ManagedOwner::of_this_machine(),
        };
        let composition = Composition::new(locations, Arc::new(SystemClock), Arc::new(|| 0.5));
        (composition, file, directory)
    }

    fn profiles(composition: &Composition) -> Vec<String> {
        let InForce { config, .. } = composition.current().unwrap();
        config.profiles.keys().cloned().collect()
    }

    #[test]
    fn a_changed_file_is_in_force_at_the_next_request() {
        let (composition, file, _directory) = composition(Some(GOOD));
        assert_eq!(profiles(&composition), ["default"]);
        fs::write(&file, GOOD.replace("default", "renamed")).unwrap();
        assert_eq!(profiles(&composition), ["renamed"]);
    }

    #[test]
    fn a_broken_file_does_not_replace_a_good_one() {
        let (composition, file, _directory) = composition(Some(GOOD));
        fs::write(&file, "version = ").unwrap();
        assert_eq!(profiles(&composition), ["default"]);
        assert!(composition.last_error().is_some());
        fs::write(&file, GOOD).unwrap();
        assert_eq!(profiles(&composition), ["default"]);
        assert!(composition.last_error().is_none());
    }

    #[test]
    fn the_first_configuration_may_come_later() {
        let (composition, file, _directory) = composition(None);
        assert!(matches!(
            composition.current().err().as_deref(),
            Some(ConfigError::Missing { .. })
        ));
        fs::write(&file, GOOD).unwrap();
        assert!(composition.in_force().is_none(), "files are not read here");
        assert_eq!(profiles(&composition), ["default"]);
    }

    #[test]
    fn an_unchanged_file_keeps_the_broker() {
        let (composition, _file, _directory) = composition(Some(GOOD));
        let first = composition.current().unwrap();
        let second = composition.current().unwrap();
        assert!(Arc::ptr_eq(&first.broker, &second.broker));
    }
}
