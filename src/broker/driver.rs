//! Runs one entry's slot: starts its actions (`actions`) in tasks of the daemon, wakes the callers
//! that wait and keeps the timer.
//!
//! The slot decides, the driver acts. It gives the slot the time and the jitter, and holds no lock
//! during I/O. Tasks belong to the daemon, so a client that disconnects cancels nothing.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::{sync::watch, task::JoinHandle};
use tracing::Instrument as _;

use super::{
    observer::{Change, DropCause, Grant, Observer},
    route::Route,
    slot::{Action, CredentialUnavailable, Outcome, Slot, SlotChange, SlotConfig, Ticket},
};
use crate::{
    clock::{Clock, Tick},
    gateway::Calibration,
    jitter::Jitter,
    lock::{Lock, Locked},
    metrics::Counters,
    secret::Fingerprint,
    source::{Revocation, SourceError},
    sync,
};

/// Why a caller got no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcquireError {
    /// No credential can be served.
    Unavailable(CredentialUnavailable),
    /// The lock is on: no credential is given.
    Locked(Locked),
    /// The caller's deadline passed while the source was being asked.
    TimedOut {
        /// The source's host.
        host: String,
        /// The error of the fetch before, if it failed.
        last: Option<SourceError>,
    },
}

/// What a logout did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedOut {
    /// The key that was cached; `None` if there was none.
    pub forgotten: Option<Fingerprint>,
    /// What the source revoked, or why it could not.
    pub revocation: Result<Revocation, SourceError>,
}

/// One entry's slot, and what its actions need.
pub(super) struct Driver {
    /// The profile's name, for the log.
    pub(super) profile: String,
    slot: Mutex<Slot>,
    pub(super) route: Route,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) jitter: Jitter,
    lock: Arc<Lock>,
    /// The counters of the profile.
    pub(super) counters: Arc<Counters>,
    observer: Arc<dyn Observer>,
    /// The number of updates of the slot; callers that wait poll again when it changes.
    updates: watch::Sender<u64>,
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
    /// Creates a driver with an empty slot.
    pub(super) fn new(
        profile: &str,
        route: Route,
        clock: &Arc<dyn Clock>,
        jitter: &Jitter,
        lock: &Arc<Lock>,
        counters: &Arc<Counters>,
        observer: &Arc<dyn Observer>,
    ) -> Arc<Self> {
        let config = SlotConfig {
            watch: route.watch,
            has_gateway: route.gateway.is_some(),
            max_age: route.max_age,
        };
        Arc::new(Self {
            profile: profile.to_owned(),
            slot: Mutex::new(Slot::new(config)),
            route,
            clock: Arc::clone(clock),
            jitter: Arc::clone(jitter),
            lock: Arc::clone(lock),
            counters: Arc::clone(counters),
            observer: Arc::clone(observer),
            updates: watch::Sender::new(0),
            timer: Mutex::default(),
        })
    }

    /// Whether the answers of the gateway are reliable; `None` if there is none to probe.
    pub(super) fn calibration(&self) -> Option<Calibration> {
        Some(self.route.gateway.as_ref()?.calibration())
    }

    /// Locks the slot. The lock must not be held across an `await`.
    pub(super) fn lock(&self) -> MutexGuard<'_, Slot> {
        sync::lock(&self.slot)
    }

    /// Updates the slot, starts the actions that follow and wakes the callers that wait.
    pub(super) fn update<T>(self: &Arc<Self>, change: impl FnOnce(&mut Slot) -> T) -> T {
        let (result, actions, changes) = {
            let mut slot = self.lock();
            let result = change(&mut slot);
            (result, slot.take_actions(), slot.take_changes())
        };
        for change in &changes {
            self.report(match change {
                SlotChange::Promoted(credential) => Change::Promoted(credential),
                SlotChange::Rejected(credential) => Change::Rejected(credential),
                SlotChange::Dropped { credential, cause } => Change::Dropped {
                    credential,
                    cause: *cause,
                },
            });
        }
        for action in actions {
            // What a source or a gateway logs has these fields, too.
            let span = match &action {
                Action::Fetch { .. } => self.span("fetch"),
                Action::Probe { .. } | Action::ProbeSuccessor { .. } => self.span("probe"),
                Action::Revalidate { .. } => self.span("revalidate"),
            };
            tokio::spawn(Arc::clone(self).run(action).instrument(span));
        }
        self.updates.send_modify(|updates| *updates += 1);
        self.arm_timer();
        result
    }

    /// Performs an action. If the lock was turned on meanwhile, drops what it has brought.
    async fn run(self: Arc<Self>, action: Action) {
        Arc::clone(&self).perform(action).await;
        if self.lock.current().is_some() {
            self.drop_secrets().await;
        }
    }

    /// Drops the credential, and the secrets of its source and its gateway. Revokes nothing.
    pub(super) async fn drop_secrets(self: &Arc<Self>) {
        self.update(Slot::forget);
        self.close_gateway();
        self.route.source.forget().await;
    }

    /// Closes the idle connections to the gateway, whose buffers may contain the key.
    pub(super) fn close_gateway(&self) {
        if let Some(gateway) = &self.route.gateway {
            gateway.forget();
        }
    }

    /// Waits at most until `deadline` for what `ticket` waits for.
    ///
    /// # Errors
    ///
    /// [`AcquireError::TimedOut`] if the deadline passes and no valid credential is cached,
    /// [`AcquireError::Unavailable`] if none can be served.
    pub(super) async fn wait(
        self: &Arc<Self>,
        ticket: Ticket,
        deadline: Tick,
    ) -> Result<Grant, AcquireError> {
        let mut updates = self.updates.subscribe();
        loop {
            let polled = self.lock().poll(self.clock.now(), ticket);
            let outcome = match polled {
                Outcome::Pending(poll_at) => {
                    let wake_at = poll_at.map_or(deadline, |at| at.min(deadline));
                    tokio::select! {
                        // This cannot fail: `self` owns the sender.
                        _ = updates.changed() => continue,
                        () = self.clock.sleep_until(wake_at) => {}
                    }
                    let now = self.clock.now();
                    if now.tick < deadline {
                        continue;
                    }
                    self.lock().poll_at_deadline(now, ticket)
                }
                outcome => outcome,
            };
            return match outcome {
                Outcome::Ready(credential) => Ok(Grant {
                    reason: ticket.reason(&credential),
                    credential,
                }),
                Outcome::Failed(unavailable) => Err(AcquireError::Unavailable(unavailable)),
                Outcome::Pending(_) => Err(self.timed_out(self.lock().last_error())),
            };
        }
    }

    /// Returns the error of a caller whose deadline has passed.
    pub(super) fn timed_out(&self, last: Option<&SourceError>) -> AcquireError {
        AcquireError::TimedOut {
            host: self.route.source.host().to_owned(),
            last: last.cloned(),
        }
    }

    /// Forgets all about the credential, and has the source revoke it and its login.
    pub(super) async fn log_out(self: &Arc<Self>) -> LoggedOut {
        self.recalibrate();
        let credential = self.update(Slot::forget);
        let forgotten = credential
            .as_ref()
            .map(|credential| credential.fingerprint());
        let work = async {
            let revocation = self.route.source.revoke(credential.as_deref()).await;
            let fingerprint = forgotten.as_ref().map(tracing::field::display);
            match &revocation {
                Ok(revoked) => {
                    tracing::info!(event = "logged-out", fingerprint, ?revoked, "logged out");
                }
                Err(error) => tracing::warn!(
                    event = "revocation-failed",
                    fingerprint,
                    %error,
                    "forgot the credential, but could not revoke it",
                ),
            }
            self.report(Change::LoggedOut {
                fingerprint: forgotten.as_ref(),
                revocation: &revocation,
            });
            revocation
        };
        let revocation = work.instrument(self.span("logout")).await;
        LoggedOut {
            forgotten,
            revocation,
        }
    }

    /// Reports `change` to the observer.
    pub(super) fn report(&self, change: Change<'_>) {
        self.observer
            .on_change(&self.profile, &self.route.source_name, change);
    }

    /// Reports that the cached credential, if there is one, is dropped.
    pub(super) fn report_dropped(&self, cause: DropCause) {
        let credential = self.lock().snapshot(self.clock.now()).credential;
        if let Some(credential) = &credential {
            self.report(Change::Dropped { credential, cause });
        }
    }

    /// The context of everything that is logged during `action`.
    fn span(&self, action: &'static str) -> tracing::Span {
        let (profile, source) = (self.profile.as_str(), self.route.source_name.as_str());
        // An action that follows from another one is not a part of it.
        tracing::info_span!(parent: None, "profile", action, profile, source)
    }

    /// Forgets what the gateway has answered to other keys: it may have changed.
    pub(super) fn recalibrate(&self) {
        if let Some(gateway) = &self.route.gateway {
            gateway.recalibrate();
        }
    }

    /// Replaces the timer by one for the slot's next deadline. An idle profile has none.
    fn arm_timer(self: &Arc<Self>) {
        let mut timer = sync::lock(&self.timer);
        if let Some(timer) = timer.take() {
            timer.abort();
        }
        let Some(deadline) = self.lock().next_deadline(self.clock.now()) else {
            return;
        };
        let driver = Arc::downgrade(self);
        let clock = Arc::clone(&self.clock);
        *timer = Some(tokio::spawn(async move {
            clock.sleep_until(deadline).await;
            if let Some(driver) = driver.upgrade() {
                // In a task of its own, because the update replaces the timer and so aborts this
                // task.
                tokio::spawn(
                    async move { driver.update(|slot| slot.on_timer(driver.clock.now())) },
                );
            }
        }));
    }
}
