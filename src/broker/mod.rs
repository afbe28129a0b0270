//! The broker: hands out credentials, and sees to it that there is one.
//!
//! The policy is in pure files ([`slot`], [`renewal`], [`retry`], [`client_retry`]); this one has the mechanism: it runs what a slot
//! wants done in tasks of the daemon's own, so that a client that goes away cancels nothing, and it wakes who waits.
//! It knows the traits [`Source`], [`Gateway`] and [`Clock`] and none of their implementations.

pub mod client_retry;
pub mod renewal;
pub mod retry;
pub mod slot;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};

use self::slot::{Action, Answer, Ask, Refusal, Slot, SlotConfig, Snapshot, Ticket};
use crate::{
    clock::{Clock, Tick},
    credential::{self, Credential},
    gateway::{Calibration, Gateway},
    source::{Source, SourceError},
};

/// Chance, injected: each call gives a number from 0 up to 1.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// Hands out the credentials of all profiles.
pub struct Broker {
    desks: BTreeMap<String, Arc<Desk>>,
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

/// One profile's slot with what it needs to act.
struct Desk {
    slot: Mutex<Slot>,
    route: Route,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
    /// Counts what happened to the slot: who waits looks again when it changes.
    events: watch::Sender<u64>,
    keeper: Mutex<Option<JoinHandle<()>>>,
}

/// Why a caller got no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcquireError {
    /// The source gave none.
    Refused(Refusal),
    /// The caller's deadline came first.
    TimedOut {
        /// The host that is waited for.
        host: String,
        /// What went wrong the last time, if anything did.
        last: Option<SourceError>,
    },
}

impl Broker {
    /// A broker for these profiles. No source is asked before somebody asks for its credential.
    #[must_use]
    pub fn new(routes: BTreeMap<String, Route>, clock: &Arc<dyn Clock>, jitter: &Jitter) -> Self {
        let none = Self {
            desks: BTreeMap::new(),
        };
        none.succeed(routes, &BTreeSet::new(), clock, jitter)
    }

    /// A broker for the profiles of a new configuration. Those that are `unchanged` go on with what they have: their
    /// credential, their flight, their back-off.
    #[must_use]
    pub fn succeed(
        &self,
        routes: BTreeMap<String, Route>,
        unchanged: &BTreeSet<String>,
        clock: &Arc<dyn Clock>,
        jitter: &Jitter,
    ) -> Self {
        let desk = |profile: &String, route| match self.desks.get(profile) {
            Some(desk) if unchanged.contains(profile) => Arc::clone(desk),
            _ => Desk::new(route, clock, jitter),
        };
        let desks = routes
            .into_iter()
            .map(|(profile, route)| {
                let desk = desk(&profile, route);
                (profile, desk)
            })
            .collect();
        Self { desks }
    }

    /// The current credential of `profile`, which must be one of the broker's. Where a new one has to be obtained first,
    /// this waits for it until `until`.
    ///
    /// # Errors
    ///
    /// [`AcquireError`]; a credential that is there and alive is served whatever happens to its successor.
    pub async fn acquire(
        &self,
        profile: &str,
        ask: Ask,
        until: Tick,
    ) -> Result<Arc<Credential>, AcquireError> {
        let desk = &self.desks[profile];
        let ticket = desk.with(|slot| slot.ask(desk.clock.now(), ask));
        desk.wait(ticket, until).await
    }

    /// Obtains a new credential now. The old one stays, and is served to others, until the new one is in hand.
    ///
    /// # Errors
    ///
    /// [`AcquireError`], also where the old one is still served.
    pub async fn refresh(
        &self,
        profile: &str,
        until: Tick,
    ) -> Result<Arc<Credential>, AcquireError> {
        let desk = &self.desks[profile];
        let ticket = desk.with(Slot::refresh);
        let credential = desk.wait(ticket, until).await?;
        desk.with(|slot| {
            let now = desk.clock.now();
            match (slot.answer(now, ticket), slot.last_error()) {
                (Answer::Wait(_), last) => Err(desk.timed_out(last)),
                (_, Some(_)) => Err(AcquireError::Refused(slot.refusal(now))),
                (_, None) => Ok(credential),
            }
        })
    }

    /// Forgets the credential of `profile` and tells the source so.
    ///
    /// # Errors
    ///
    /// What the source said; here all is forgotten nevertheless.
    pub async fn revoke(&self, profile: &str) -> Result<(), SourceError> {
        let desk = &self.desks[profile];
        let credential = desk.with(Slot::forget);
        desk.route.source.revoke(credential.as_deref()).await
    }

    /// What is known of `profile`.
    #[must_use]
    pub fn snapshot(&self, profile: &str) -> Snapshot {
        let desk = &self.desks[profile];
        desk.lock().snapshot(desk.clock.now())
    }

    /// Whether the word of the gateway of `profile` counts; `None` where there is none to ask.
    #[must_use]
    pub fn calibration(&self, profile: &str) -> Option<Calibration> {
        Some(self.desks[profile].route.gateway.as_ref()?.calibration())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut();
        if let Some(keeper) = keeper.unwrap_or_else(PoisonError::into_inner).take() {
            keeper.abort();
        }
    }
}

impl Desk {
    fn new(route: Route, clock: &Arc<dyn Clock>, jitter: &Jitter) -> Arc<Self> {
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
            keeper: Mutex::default(),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the slot something and does what it wants done then. No lock is held while that is under way.
    fn with<T>(self: &Arc<Self>, tell: impl FnOnce(&mut Slot) -> T) -> T {
        let (told, actions) = {
            let mut slot = self.lock();
            (tell(&mut slot), slot.take_actions())
        };
        for action in actions {
            tokio::spawn(Arc::clone(self).run(action));
        }
        self.events.send_modify(|events| *events += 1);
        self.keep();
        told
    }

    async fn wait(
        self: &Arc<Self>,
        ticket: Ticket,
        until: Tick,
    ) -> Result<Arc<Credential>, AcquireError> {
        let mut events = self.events.subscribe();
        loop {
            let answer = self.lock().answer(self.clock.now(), ticket);
            let answer = match answer {
                Answer::Wait(again_at) => {
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
                    self.lock().give_up(now, ticket)
                }
                answer => answer,
            };
            return match answer {
                Answer::Serve(credential) => Ok(credential),
                Answer::Refuse(refusal) => Err(AcquireError::Refused(refusal)),
                Answer::Wait(_) => Err(self.timed_out(self.lock().last_error())),
            };
        }
    }

    fn timed_out(&self, last: Option<&SourceError>) -> AcquireError {
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
                    slot.on_revalidated(self.clock.now(), jitter, revalidation, result)
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
        let unusable = |why: String| SourceError::Unusable {
            host: self.route.source.host().to_owned(),
            field: "credential".to_owned(),
            why,
        };
        credential::check_usable(&credential.secret).map_err(|why| unusable(why.to_string()))?;
        if credential.is_expired(self.clock.now()) {
            return Err(unusable("had expired when it arrived".to_owned()));
        }
        Ok(credential)
    }

    /// Sees to it that the slot is woken when something is due: there is a timer only while there is a deadline.
    fn keep(self: &Arc<Self>) {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keeper) = keeper.take() {
            keeper.abort();
        }
        let Some(due) = self.lock().next_deadline(self.clock.now()) else {
            return;
        };
        let desk = Arc::downgrade(self);
        let clock = Arc::clone(&self.clock);
        *keeper = Some(tokio::spawn(async move {
            clock.sleep_until(due).await;
            if let Some(desk) = desk.upgrade() {
                // In a task of its own: waking sets the next timer and so ends this one.
                tokio::spawn(async move { desk.with(|slot| slot.on_timer(desk.clock.now())) });
            }
        }));
    }
}

/// Chance from the system's random numbers.
#[must_use]
pub fn jitter() -> Jitter {
    Arc::new(fastrand::f64)
}

#[cfg(test)]
mod tests;
