//! The mechanism: runs what a slot asks for in tasks of the daemon, so that a client that goes away cancels nothing, and
//! wakes the callers that wait for it.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};

use super::slot::{Action, CredentialUnavailable, Outcome, Slot, SlotConfig, Ticket};
use crate::{
    clock::{Clock, Tick},
    credential::{self, Credential},
    gateway::Gateway,
    source::{Source, SourceError},
    sync,
};

/// Chance, injected: each call gives a number from 0 up to 1.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Chance from the system's random numbers.
#[must_use]
pub fn system_jitter() -> Jitter {
    Arc::new(fastrand::f64)
}

/// What a profile's credential comes from and goes to.
#[derive(Clone)]
pub struct Route {
    /// Where it comes from.
    pub source: Arc<dyn Source>,
    /// Who can be asked whether it is any good.
    pub gateway: Option<Arc<dyn Gateway>>,
    /// How often the source is looked at for a new version while the profile is in use; `None` is never.
    pub watch: Option<Duration>,
}

/// Why a caller got no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcquireError {
    /// The source gave none.
    Unavailable(CredentialUnavailable),
    /// The caller's deadline came first.
    TimedOut {
        /// The host that is waited for.
        host: String,
        /// What went wrong the last time, if anything did.
        last: Option<SourceError>,
    },
}

/// One profile's slot with what it needs to act.
pub(super) struct Driver {
    slot: Mutex<Slot>,
    pub(super) route: Route,
    pub(super) clock: Arc<dyn Clock>,
    jitter: Jitter,
    /// Counts what happened to the slot: who waits looks again when it changes.
    events: watch::Sender<u64>,
    timer: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(timer) = sync::lock(&self.timer).take() {
            timer.abort();
        }
    }
}

impl Driver {
    pub(super) fn new(route: Route, clock: &Arc<dyn Clock>, jitter: &Jitter) -> Arc<Self> {
        let config = SlotConfig {
            watch: route.watch,
            has_gateway: route.gateway.is_some(),
        };
        Arc::new(Self {
            slot: Mutex::new(Slot::new(config)),
            route,
            clock: Arc::clone(clock),
            jitter: Arc::clone(jitter),
            events: watch::Sender::new(0),
            timer: Mutex::default(),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Slot> {
        sync::lock(&self.slot)
    }

    /// Tells the slot something and does what it wants done then. No lock is held while that is under way.
    pub(super) fn with<T>(self: &Arc<Self>, tell: impl FnOnce(&mut Slot) -> T) -> T {
        let (told, actions) = {
            let mut slot = self.lock();
            (tell(&mut slot), slot.take_actions())
        };
        for action in actions {
            tokio::spawn(Arc::clone(self).run(action));
        }
        self.events.send_modify(|events| *events += 1);
        self.arm_timer();
        told
    }

    pub(super) async fn wait(
        self: &Arc<Self>,
        ticket: Ticket,
        until: Tick,
    ) -> Result<Arc<Credential>, AcquireError> {
        let mut events = self.events.subscribe();
        loop {
            let answer = self.lock().poll(self.clock.now(), ticket);
            let answer = match answer {
                Outcome::Pending(again_at) => {
                    let wake_at = again_at.map_or(until, |at| at.min(until));
                    tokio::select! {
                        // It can't fail: `self` keeps the sender.
                        _ = events.changed() => continue,
                        () = self.clock.sleep_until(wake_at) => {}
                    }
                    let now = self.clock.now();
                    if now.tick < until {
                        continue;
                    }
                    self.lock().poll_at_deadline(now, ticket)
                }
                answer => answer,
            };
            return match answer {
                Outcome::Ready(credential) => Ok(credential),
                Outcome::Failed(unavailable) => Err(AcquireError::Unavailable(unavailable)),
                Outcome::Pending(_) => Err(self.timed_out(self.lock().last_error())),
            };
        }
    }

    pub(super) fn timed_out(&self, last: Option<&SourceError>) -> AcquireError {
        AcquireError::TimedOut {
            host: self.route.source.host().to_owned(),
            last: last.cloned(),
        }
    }

    async fn run(self: Arc<Self>, action: Action) {
        match action {
            Action::Fetch { flight, renew } => {
                let result = self.fetch(renew.as_deref()).await;
                match &result {
                    Ok(credential) => tracing::info!(
                        fingerprint = %credential.fingerprint(),
                        expires_at = ?credential.expires_at().map(|at| at.to_string()),
                        version = credential.version,
                        host = self.route.source.host(),
                        "obtained a credential",
                    ),
                    Err(error) => tracing::warn!(%error, "obtained no credential"),
                }
                let jitter = (self.jitter)();
                self.with(|slot| slot.on_fetched(self.clock.now(), jitter, flight, result));
            }
            Action::Probe { probe, credential } => {
                // A slot asks for this only where there is a gateway.
                let Some(gateway) = &self.route.gateway else {
                    return;
                };
                let result = gateway.probe(&credential.secret).await;
                tracing::info!(fingerprint = %credential.fingerprint(), ?result, "asked the gateway");
                self.with(|slot| slot.on_probed(self.clock.now(), probe, result));
            }
            Action::Revalidate {
                revalidation,
                credential,
            } => {
                let result = self.route.source.revalidate(&credential).await;
                tracing::debug!(?result, "looked at the source");
                let jitter = (self.jitter)();
                self.with(|slot| {
                    slot.on_revalidated(self.clock.now(), jitter, revalidation, result);
                });
            }
        }
    }

    /// Renews where that is possible, else has a new one issued. Whatever the source says of itself, what it gives has
    /// to be something that the client takes and that is not over yet.
    async fn fetch(&self, renew: Option<&Credential>) -> Result<Credential, SourceError> {
        let renewed = match renew {
            None => None,
            Some(current) => match self.route.source.renew(current).await {
                Ok(renewed) => renewed,
                // The lease is gone, or not ours any more: a new one may still be had.
                Err(error) if error.is_final() => None,
                Err(error) => return Err(error),
            },
        };
        let credential = match renewed {
            Some(credential) => credential,
            None => self.route.source.issue().await?,
        };
        let unusable = |reason: String| SourceError::Unusable {
            host: self.route.source.host().to_owned(),
            field: "credential".to_owned(),
            reason,
        };
        credential::check_usable(&credential.secret)
            .map_err(|reason| unusable(reason.to_string()))?;
        if credential.is_expired(self.clock.now()) {
            return Err(unusable("had expired when it arrived".to_owned()));
        }
        Ok(credential)
    }

    /// Sees to it that the slot is woken when something is due: there is a timer only while there is a deadline.
    fn arm_timer(self: &Arc<Self>) {
        let mut timer = sync::lock(&self.timer);
        if let Some(timer) = timer.take() {
            timer.abort();
        }
        let Some(due) = self.lock().next_deadline(self.clock.now()) else {
            return;
        };
        let driver = Arc::downgrade(self);
        let clock = Arc::clone(&self.clock);
        *timer = Some(tokio::spawn(async move {
            clock.sleep_until(due).await;
            if let Some(driver) = driver.upgrade() {
                // In a task of its own: waking sets the next timer and so ends this one.
                tokio::spawn(async move { driver.with(|slot| slot.on_timer(driver.clock.now())) });
            }
        }));
    }
}
