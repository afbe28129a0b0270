//! What the daemon does about a request: the only place that knows both the wire and the broker.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use claviger_wire::{Acquire, Failure, Request, Response, Token};

use super::{ANSWER_MARGIN, LONGEST_DEADLINE, Shutdown, report};
use crate::{
    broker::{Broker, Jitter, Route, slot::AcquireRequest},
    client_process,
    clock::{Clock, Now, Tick},
    config::{self, Config, ConfigError, Locations, Stamp},
    error_report,
    gateway::{Gateway, HttpGateway},
    listener::Peer,
    source::catalog,
    sync,
};

/// What the daemon is made with.
pub(crate) struct DaemonOptions {
    /// Where its configuration may be.
    pub(crate) locations: Locations,
    /// Where it listens.
    pub(crate) socket: PathBuf,
    /// Its time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Its chance.
    pub(crate) jitter: Jitter,
}

/// The daemon's state: the configuration that is in force and the broker that was made from it.
pub(crate) struct Daemon {
    options: DaemonOptions,
    started: Now,
    shutdown: Shutdown,
    state: Mutex<State>,
}

struct State {
    stamp: Stamp,
    /// The last one that was good; `None` while there never was one.
    serving: Option<Serving>,
    /// What is wrong with the files as they are now.
    error: Option<Arc<ConfigError>>,
    asked_at: Tick,
}

#[derive(Clone)]
struct Serving {
    config: Arc<Config>,
    broker: Arc<Broker>,
}

impl Daemon {
    /// Reads the configuration. A broken one is no reason not to start: who asks is told what is wrong with it, and it
    /// is read again when it changes.
    #[must_use]
    pub(crate) fn new(options: DaemonOptions, shutdown: Shutdown) -> Self {
        let started = options.clock.now();
        let stamp = Stamp::of(&options.locations);
        let mut state = State {
            stamp,
            serving: None,
            error: None,
            asked_at: started.tick,
        };
        reload(&options, &mut state);
        Self {
            options,
            started,
            shutdown,
            state: Mutex::new(state),
        }
    }

    /// Answers a request.
    pub(crate) async fn handle(&self, request: Request, peer: Peer) -> Vec<Response> {
        tracing::debug!(pid = peer.pid, ?request, "asked");
        let answer = self.answer(request, peer).await;
        answer.unwrap_or_else(|failure| vec![Response::Failure(failure)])
    }

    async fn answer(&self, request: Request, peer: Peer) -> Result<Vec<Response>, Failure> {
        let serving = self
            .serving()
            .map_err(|error| error_report::of_config(&error));
        match request {
            Request::Acquire(acquire) => Ok(vec![self.acquire(&serving?, &acquire, peer).await?]),
            Request::Status { profile } => self.status(&serving?, profile.as_deref()),
            Request::Refresh { profile } => self.refresh(&serving?, profile.as_deref()).await,
            Request::Logout { profile } => self.logout(&serving?, profile.as_deref()).await,
            Request::Stop => {
                self.shutdown.start();
                self.shutdown.listener_closed().await;
                Ok(vec![Response::Done])
            }
            Request::Unknown { .. } => Ok(vec![Response::Unsupported {
                version: claviger_wire::VERSION,
            }]),
        }
    }

    /// When the daemon has been idle for as long as the configuration allows; `None` where it may stay for ever.
    pub(super) fn idle_at(&self) -> Option<Tick> {
        let state = self.lock();
        let idle = state.serving.as_ref()?.config.daemon.exit_when_idle?;
        Some(state.asked_at + idle)
    }

    async fn acquire(
        &self,
        serving: &Serving,
        acquire: &Acquire,
        peer: Peer,
    ) -> Result<Response, Failure> {
        let (name, profile) = serving
            .config
            .select(acquire.profile.as_deref(), acquire.gateway.as_deref())
            .map_err(|error| error_report::of_select(&error))?;
        let ask = AcquireRequest {
            cache_lifetime: Duration::from_millis(acquire.cache_lifetime_ms),
            session: peer.pid.or(acquire.pid).and_then(client_process::find),
        };
        let until = self.until(Duration::from_millis(acquire.deadline_ms));
        let acquired = serving.broker.acquire(name, ask, until).await;
        let credential =
            acquired.map_err(|error| error_report::of_acquire(name, &profile.source, &error))?;
        Ok(Response::Credential {
            token: Token::new(credential.secret.expose().as_bytes().to_vec()),
            expires_at: credential.expires_at().map(|at| at.to_string()),
        })
    }

    fn status(&self, serving: &Serving, profile: Option<&str>) -> Result<Vec<Response>, Failure> {
        let now = self.options.clock.now();
        let daemon = report::DaemonReport {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
            uptime_s: now.tick.since(self.started.tick).as_secs(),
            socket: self.options.socket.display().to_string(),
            config: serving.config.file.display().to_string(),
            config_error: self.lock().error.as_ref().map(ToString::to_string),
        };
        let mut responses = vec![report::response(&daemon)];
        for name in named(&serving.config, profile)? {
            let source = &serving.config.profiles[&name].source;
            let snapshot = serving.broker.snapshot(&name);
            let calibration = serving.broker.calibration(&name);
            let profile = report::ProfileReport::new(&name, source, &snapshot, calibration, now);
            responses.push(report::response(&profile));
        }
        responses.push(Response::Done);
        Ok(responses)
    }

    async fn refresh(
        &self,
        serving: &Serving,
        profile: Option<&str>,
    ) -> Result<Vec<Response>, Failure> {
        let until = self.until(LONGEST_DEADLINE);
        let mut refreshes = tokio::task::JoinSet::new();
        for profile in named(&serving.config, profile)? {
            let broker = Arc::clone(&serving.broker);
            let source = serving.config.profiles[&profile].source.clone();
            refreshes.spawn(async move {
                let refreshed = broker.refresh(&profile, until).await;
                refreshed.map_err(|error| error_report::of_acquire(&profile, &source, &error))
            });
        }
        // All are waited for, whatever becomes of one.
        for refreshed in refreshes.join_all().await {
            refreshed?;
        }
        self.status(serving, profile)
    }

    async fn logout(
        &self,
        serving: &Serving,
        profile: Option<&str>,
    ) -> Result<Vec<Response>, Failure> {
        let mut failed = None;
        for profile in named(&serving.config, profile)? {
            if let Err(error) = serving.broker.revoke(&profile).await {
                tracing::warn!(profile, %error, "forgotten here, but not revoked there");
                failed = failed.or(Some(error_report::of_revoke(&profile, &error)));
            }
        }
        failed.map_or(Ok(vec![Response::Done]), Err)
    }

    /// When an answer has to be there that a caller waits for this long.
    fn until(&self, deadline: Duration) -> Tick {
        let patience = deadline.min(LONGEST_DEADLINE).saturating_sub(ANSWER_MARGIN);
        self.options.clock.now().tick + patience
    }

    /// What is in force, after a look whether the files have changed.
    fn serving(&self) -> Result<Serving, Arc<ConfigError>> {
        let mut state = self.lock();
        state.asked_at = self.options.clock.now().tick;
        let stamp = Stamp::of(&self.options.locations);
        if stamp != state.stamp {
            state.stamp = stamp;
            reload(&self.options, &mut state);
        }
        match (&state.serving, &state.error) {
            (Some(serving), _) => Ok(serving.clone()),
            (None, Some(error)) => Err(Arc::clone(error)),
            (None, None) => unreachable!("a reload leaves one of the two"),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        sync::lock(&self.state)
    }
}

/// Reads the files. A broken configuration does not take the good one's place; a good one takes over the credentials
/// of the profiles that it leaves as they were.
fn reload(options: &DaemonOptions, state: &mut State) {
    match config::load(&options.locations) {
        Ok(config) => {
            tracing::info!(file = %config.file.display(), "configuration read");
            let routes = routes(&config, &options.clock);
            let broker = match &state.serving {
                None => Broker::new(routes, &options.clock, &options.jitter),
                Some(before) => {
                    let unchanged = unchanged(&before.config, &config);
                    before
                        .broker
                        .reconfigured(routes, &unchanged, &options.clock, &options.jitter)
                }
            };
            state.serving = Some(Serving {
                config: Arc::new(config),
                broker: Arc::new(broker),
            });
            state.error = None;
        }
        Err(error) => {
            tracing::error!(%error, "the configuration is not usable");
            state.error = Some(Arc::new(error));
        }
    }
}

/// What each profile's credential comes from and goes to.
fn routes(config: &Config, clock: &Arc<dyn Clock>) -> BTreeMap<String, Route> {
    let sources = catalog::build(config, clock);
    let route = |profile: &config::ProfileConfig| Route {
        source: Arc::clone(&sources[&profile.source]),
        gateway: profile.gateway.as_ref().and_then(|gateway| {
            let asked = HttpGateway::new(gateway, profile.probe, clock)?;
            Some(Arc::new(asked) as Arc<dyn Gateway>)
        }),
        watch: config.watch(&profile.source),
    };
    config
        .profiles
        .iter()
        .map(|(name, profile)| (name.clone(), route(profile)))
        .collect()
}

/// The profiles whose credential stays good under the new configuration: nothing on the way to it has changed.
fn unchanged(before: &Config, after: &Config) -> BTreeSet<String> {
    let same = |(name, profile): (&String, &config::ProfileConfig)| {
        let is_same = before.profiles.get(name) == Some(profile)
            && chain(before, &profile.source).eq(chain(after, &profile.source));
        is_same.then(|| name.clone())
    };
    after.profiles.iter().filter_map(same).collect()
}

/// The source and those that it needs, one after another.
fn chain<'a>(config: &'a Config, source: &str) -> impl Iterator<Item = &'a config::SourceConfig> {
    let next = |source: &&'a config::SourceConfig| config.sources.get(source.upstream()?);
    std::iter::successors(config.sources.get(source), next)
}

/// The profile of that name, or all.
fn named(config: &Config, profile: Option<&str>) -> Result<Vec<String>, Failure> {
    if profile.is_none() {
        return Ok(config.profiles.keys().cloned().collect());
    }
    let selected = config.select(profile, None);
    let (name, _) = selected.map_err(|error| error_report::of_select(&error))?;
    Ok(vec![name.to_owned()])
}
