//! What is in force: the configuration and the broker that is built from it.
//!
//! The composition reads the files anew when their [`Stamp`] changes. A broken configuration does
//! not replace a good one, and a good one keeps the credentials of the profiles that it leaves
//! unchanged. A managed configuration that disappears stays in force for a while: device management
//! replaces a file by removing and writing it, and the user's own must not be in force meanwhile.

mod absence;
mod central;
mod recorder;
mod routes;
mod unchanged;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use self::{absence::Absence, routes::routes, unchanged::unchanged};
pub(crate) use self::{
    central::policy_watch,
    recorder::{Recorder, settings as audit_settings},
};
pub(crate) use crate::source::catalog::LoginSessions;
use crate::{
    broker::{Broker, Jitter, Observer, RouteBuilder},
    clock::Clock,
    config::{self, Config, ConfigError, Locations, Origin, Stamp},
    lock::Lock,
    policy_watch::PolicyWatch,
    principal::Principal,
    sync,
};

/// A configuration with the broker that serves its profiles. Clones share both.
#[derive(Clone)]
pub(crate) struct InForce {
    /// The configuration.
    pub(crate) config: Arc<Config>,
    /// The broker of exactly the profiles in `config`.
    pub(crate) broker: Arc<Broker>,
    /// The user's name, for the central policy.
    user: Arc<str>,
}

/// Loads the configuration, builds what it describes, and replaces both when a file changes.
pub(crate) struct Composition {
    origin: Origin,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
    logins: Arc<LoginSessions>,
    lock: Arc<Lock>,
    recorder: Arc<Recorder>,
    policy: Arc<PolicyWatch>,
    user: Arc<str>,
    loaded: Mutex<Loaded>,
}

/// The result of the last reading of the files.
struct Loaded {
    /// What the files looked like just before they were read.
    stamp: Stamp,
    /// Whether the managed configuration was missing.
    absence: Absence,
    /// The last good configuration; the last error if there has been no good one.
    in_force: Result<InForce, Arc<ConfigError>>,
    /// The error of the last reading, whether or not an older configuration is in force.
    error: Option<Arc<ConfigError>>,
}

impl Composition {
    /// Reads the configuration. A broken one is kept as the error that [`Composition::current`]
    /// returns until a file changes.
    #[must_use]
    pub(crate) fn new(
        origin: impl Into<Origin>,
        clock: Arc<dyn Clock>,
        jitter: Jitter,
        logins: Arc<LoginSessions>,
        lock: Arc<Lock>,
        recorder: Arc<Recorder>,
        policy: Arc<PolicyWatch>,
    ) -> Self {
        let origin = origin.into();
        let user = Arc::from(Principal::of_this_machine().user);
        let stamp = origin.stamp();
        let mut absence = Absence::default();
        let (in_force, error) = match load(&origin, &clock, &logins, &mut absence) {
            Ok((config, routes)) => {
                policy.configure(&config.policy, || recorder.last_policy(&config));
                recorder.on_config(&config);
                let broker = first_broker(routes, &lock, &recorder, &clock, &jitter);
                (Ok(InForce::new(config, broker, &user)), None)
            }
            Err(error) => {
                tracing::error!(event = "config-invalid", %error, "invalid configuration");
                (Err(Arc::clone(&error)), Some(error))
            }
        };
        Self {
            origin,
            clock,
            jitter,
            logins,
            lock,
            recorder,
            policy,
            user,
            loaded: Mutex::new(Loaded {
                stamp,
                absence,
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

    /// Reads the files, changed or not. A broken configuration does not replace a good one: the
    /// error is logged, and is [`Self::last_error`].
    pub(crate) fn reload(&self) {
        self.read(self.origin.stamp());
    }

    fn reload_if_changed(&self) {
        let stamp = self.origin.stamp();
        let now = self.clock.now().tick;
        let is_up_to_date = {
            let loaded = self.lock();
            let error = loaded.error.as_ref();
            let may_pass = error.is_some_and(|error| error.is_about_access());
            loaded.stamp == stamp && !loaded.absence.is_due(now) && !may_pass
        };
        if !is_up_to_date {
            self.read(stamp);
        }
    }

    /// Reads the files without the lock. If two callers read at once, the later one's result stays;
    /// if that is of the older files, its stamp differs from the files' and the next caller reads.
    fn read(&self, stamp: Stamp) {
        let mut absence = self.lock().absence;
        let result = load(&self.origin, &self.clock, &self.logins, &mut absence);
        let mut loaded = self.lock();
        loaded.stamp = stamp;
        loaded.absence = absence;
        match result {
            Ok((config, routes)) => {
                self.policy
                    .configure(&config.policy, || self.recorder.last_policy(&config));
                self.recorder.on_config(&config);
                let broker = match &loaded.in_force {
                    Ok(before) => before.broker.reconfigured(
                        routes,
                        &unchanged(&before.config, &config),
                        &self.clock,
                        &self.jitter,
                    ),
                    Err(_) => first_broker(
                        routes,
                        &self.lock,
                        &self.recorder,
                        &self.clock,
                        &self.jitter,
                    ),
                };
                let in_force = InForce::new(config, broker, &self.user);
                if let Some(policy) = self.policy.in_force() {
                    in_force.apply(&policy);
                }
                loaded.in_force = Ok(in_force);
                loaded.error = None;
            }
            Err(error) => {
                // Once, although it may be met by every request.
                if loaded.error.as_ref() != Some(&error) {
                    tracing::error!(event = "config-invalid", %error, "invalid configuration");
                }
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

impl InForce {
    /// `config` with the `broker` of exactly its profiles, for this `user`.
    pub(crate) fn new(config: Arc<Config>, broker: Broker, user: &Arc<str>) -> Self {
        Self {
            config,
            broker: Arc::new(broker),
            user: Arc::clone(user),
        }
    }
}

/// The broker of the first good configuration.
fn first_broker(
    routes: BTreeMap<String, RouteBuilder>,
    lock: &Arc<Lock>,
    recorder: &Arc<Recorder>,
    clock: &Arc<dyn Clock>,
    jitter: &Jitter,
) -> Broker {
    let observer: Arc<dyn Observer> = Arc::<Recorder>::clone(recorder);
    let empty = Broker::empty(Arc::clone(lock), observer);
    empty.reconfigured(routes, &BTreeSet::new(), clock, jitter)
}

/// A configuration with the routes that it describes.
type Built = (Arc<Config>, BTreeMap<String, RouteBuilder>);

fn load(
    origin: &Origin,
    clock: &Arc<dyn Clock>,
    logins: &Arc<LoginSessions>,
    absence: &mut Absence,
) -> Result<Built, Arc<ConfigError>> {
    let config = match origin {
        Origin::Files(locations) => read(locations, clock, absence).map(Arc::new),
        Origin::Fixed(config) => Ok(Arc::clone(config)),
    };
    match config {
        Ok(config) => {
            tracing::info!(
                event = "config-loaded",
                file = %config.file.display(),
                "loaded the configuration",
            );
            let routes = routes(&config, clock, logins);
            Ok((config, routes))
        }
        Err(error) => Err(Arc::new(error)),
    }
}

fn read(
    locations: &Locations,
    clock: &Arc<dyn Clock>,
    absence: &mut Absence,
) -> Result<Config, ConfigError> {
    let managed = config::load_managed(locations);
    let exists = !matches!(managed, Ok(None));
    let is_gone = !absence.counts(exists, clock.now().tick) && !exists;
    match managed {
        _ if is_gone => Err(ConfigError::managed_is_gone(&locations.managed)),
        managed => managed.and_then(|managed| config::load_beside(managed, locations)),
    }
}

#[cfg(test)]
mod tests;
