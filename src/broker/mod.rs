//! The broker: serves each profile's credential from memory and replaces it in time.
//!
//! A profile has one entry, that is, one slot with one credential, for each set of values of the
//! variables that it needs of a client's environment. Equal values share an entry and its flights.
//!
//! The policy is pure: [`slot`] decides what a caller gets and what must be done, with the help of
//! [`renewal`], [`retry`] and [`client_retry`]; the time and the jitter are arguments. The
//! mechanism is in `driver`, `actions` and `entries`: tasks, waiting callers, the timer. The broker
//! knows the traits [`Source`], [`Gateway`] and [`Clock`] and none of their implementations.
//!
//! # The engine
//!
//! ```text
//!            request                 issued               advisory         mandatory     expiry
//!  (empty) ──────────▶ one flight ──────┬────── fresh ───────┬─ one renews, ───┬─ all wait ──┐
//!     ▲                (all wait)       │                    │  all are served │  for it     │
//!     │                                 ▼                    ▼                 ▼             ▼
//!     │          ┌───────────── served from memory ◀───────────────┐                  not served
//!     │          │ early request                                   │ accepted: promoted
//!     │          ▼                                                 │
//!     │   key replaced since then? ─ yes ─▶ the new one   probe the successor ◀─────┐
//!     │          │ no                                              │ rejected       │
//!     │          ▼            accepted, known: served              ▼                │
//!     │   probe the gateway ─▶ rejected ─▶ reissue ┐     is the old one accepted?   │
//!     │          │                                 │       │ yes         │ no       │
//!     │          ▼ inconclusive                    │       ▼             ▼          │
//!     │   refetch within the limit;   another key: │  old one served, exit code 4   │
//!     │   the old key is served;      the successor│  successor tried at once; each │
//!     │   exit code 4 if the client                │  again           ask looks at  │
//!     │   keeps coming back                        │                  the source    │
//!     │                                            └────────────────────────────────┘
//!     └── denied, deleted, revoked: dropped at once
//! ```
//!
//! Whatever fails, the old credential stays until its successor has arrived and, if the gateway can
//! tell, is accepted; a valid one is served until it expires. Only a final answer of the source
//! (denied, deleted, login refused) drops it. Only a gateway's rejection keeps it from being
//! served, or a client that keeps coming back for it while no probe can tell.
//!
//! # The numbers
//!
//! Each links to the constant or function that holds it and gives the reason.
//!
//! | number | value |
//! |---|---|
//! | [minimum remaining lifetime] | cache lifetime + 60 s |
//! | [advisory window] | 30% of the lifetime or 2 cache lifetimes, at most half of it, ±10% |
//! | [mandatory window] | 60 s, at most a tenth of the lifetime; [32 s for a JWT][jwt] |
//! | [in use] | a request within the last 3 cache lifetimes, at least 3 min |
//! | [back-off] | full jitter over 1 s · 2ⁿ, from 1 s to 5 min |
//! | [`Retry-After`] | up to an hour; up to 5 min for a person without a key |
//! | [watch] | every 30 s by default, [±10%](slot::watch::WATCH_JITTER); back-off after a failure |
//! | [wait for the source] | at most 1 s if a valid key is cached |
//! | [revalidation grace] | 2 s |
//! | [probe result] | answers further requests for 5 s |
//! | [burst of probes] | 5, then [one every 2 s](slot::probe::PROBE_REFILL) |
//! | [calibration] | a probe with a wrong key, once a day |
//! | [evidence] | a probe after the first key is served, once a day |
//! | [trial] of a successor | after 2 s · 2ⁿ, [at most 30 s](slot::successor::MAX_PAUSE) |
//! | [refetch limit] | one in 10 s · 2ⁿ, [at most 5 min](slot::refetch_limiter::MAX_INTERVAL) |
//! | [look for a rejected key] | at a request, one in 2 s |
//! | [refusal] | of a key that a client keeps coming back for: 3 times, then it is served |
//! | [entries] | at most 64 for each profile |
//! | [uninformative clients] | [one probe in 30 s][uninformative] if the process is unknown |
//!
//! [minimum remaining lifetime]: renewal::min_remaining
//! [advisory window]: renewal::advisory_window
//! [mandatory window]: renewal::MANDATORY_WINDOW
//! [jwt]: slot::cached::JWT_RERUN_WINDOW
//! [in use]: slot::schedule::IN_USE_LIFETIMES
//! [back-off]: retry::delay
//! [`Retry-After`]: retry::MAX_RETRY_AFTER
//! [watch]: Route::watch
//! [wait for the source]: slot::MAX_REVALIDATION_WAIT
//! [revalidation grace]: client_retry::history::REVALIDATION_GRACE
//! [probe result]: slot::probe::RESULT_TTL
//! [burst of probes]: slot::probe::PROBE_BURST
//! [calibration]: crate::gateway::http::memory::CALIBRATION_TTL
//! [evidence]: slot::verification::EVIDENCE_TTL
//! [trial]: slot::successor::MIN_PAUSE
//! [refetch limit]: slot::refetch_limiter::INITIAL_INTERVAL
//! [look for a rejected key]: slot::rejection::REJECTED_RECHECK
//! [refusal]: client_retry::history::REFUSALS
//! [entries]: entries::MAX_ENTRIES
//! [uninformative clients]: client_retry::rules
//! [uninformative]: slot::probe::UNINFORMATIVE_INTERVAL
//!
//! [`Gateway`]: crate::gateway::Gateway

mod actions;
pub(crate) mod client_retry;
mod driver;
mod entries;
mod forgetting;
mod observer;
pub(crate) mod renewal;
mod request;
pub(crate) mod retry;
mod route;
pub(crate) mod slot;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::task::JoinSet;

pub(crate) use self::entries::EntrySnapshot;
use self::{
    driver::Driver,
    entries::Entries,
    observer::NoObserver,
    slot::{Outcome, Slot},
};
pub use self::{
    driver::{AcquireError, LoggedOut},
    observer::{Change, DropCause, FetchCause, Grant, GrantReason, Observer},
    request::AcquireRequest,
    route::{Route, RouteBuilder},
    slot::{CredentialUnavailable, RotateAfter, Snapshot},
};
pub use crate::jitter::{Jitter, system_jitter};
use crate::{
    client_variables::ClientVariables,
    clock::{Clock, Tick},
    lock::Lock,
    metrics::Counters,
    source::Source,
};

/// Serves the credentials of all profiles.
///
/// Its methods take the name of one of its profiles, and panic if it has no such profile.
pub struct Broker {
    profiles: BTreeMap<String, Arc<Entries>>,
    lock: Arc<Lock>,
    observer: Arc<dyn Observer>,
}

impl Broker {
    /// Creates a broker for the profiles of `routes`, whose lock is off and stays so. No source is
    /// asked before the first request for its profile.
    #[must_use]
    pub fn new<R: Into<RouteBuilder>>(
        routes: BTreeMap<String, R>,
        clock: &Arc<dyn Clock>,
        jitter: &Jitter,
    ) -> Self {
        let empty = Self::empty(Arc::new(Lock::in_memory()), Arc::new(NoObserver));
        empty.reconfigured(routes, &BTreeSet::new(), clock, jitter)
    }

    /// Creates a broker without profiles. While `lock` is on, it gives no credential and obtains
    /// none. Both are also those of the brokers that are made of it.
    #[must_use]
    pub(crate) fn empty(lock: Arc<Lock>, observer: Arc<dyn Observer>) -> Self {
        Self {
            profiles: BTreeMap::new(),
            lock,
            observer,
        }
    }

    /// Creates the broker for a new configuration. The profiles in `unchanged` keep their
    /// credentials, the flights under way and the back-off; the others start empty.
    #[must_use]
    pub(crate) fn reconfigured<R: Into<RouteBuilder>>(
        &self,
        routes: BTreeMap<String, R>,
        unchanged: &BTreeSet<String>,
        clock: &Arc<dyn Clock>,
        jitter: &Jitter,
    ) -> Self {
        let entries = |profile: &String, routes: R| match self.profiles.get(profile) {
            Some(entries) if unchanged.contains(profile) => Arc::clone(entries),
            before => {
                let counters = before.map(|entries| entries.counters()).unwrap_or_default();
                let observer = Arc::clone(&self.observer);
                let routes = routes.into();
                Entries::new(
                    profile, routes, clock, jitter, &self.lock, counters, observer,
                )
            }
        };
        let profiles = routes
            .into_iter()
            .map(|(profile, routes)| {
                let entries = entries(&profile, routes);
                (profile, entries)
            })
            .collect();
        for (profile, entries) in &self.profiles {
            if !unchanged.contains(profile) {
                for driver in entries.all() {
                    driver.report_dropped(DropCause::Reconfigured);
                }
            }
        }
        Self {
            profiles,
            lock: Arc::clone(&self.lock),
            observer: Arc::clone(&self.observer),
        }
    }

    /// Returns the current credential of `profile` for a client with these variables. If one has to
    /// be obtained first, waits for it at most until `deadline`.
    ///
    /// # Errors
    ///
    /// [`AcquireError`]. A valid credential that the gateway does not reject is served even if its
    /// successor could not be obtained.
    pub async fn acquire(
        &self,
        profile: &str,
        variables: &ClientVariables,
        request: AcquireRequest,
        deadline: Tick,
    ) -> Result<Grant, AcquireError> {
        let entries = &self.profiles[profile];
        let acquire = async {
            let driver = entries.get(variables);
            let ticket = driver.update(|slot| slot.acquire(driver.clock.now(), request));
            if let Some(rejection) = ticket.rejection() {
                entries.counters().on_client_rejection(rejection);
            }
            driver.wait(ticket, deadline).await
        };
        self.unless_locked(acquire).await
    }

    /// The source of `profile` for a client with these variables: the one whose login its
    /// credentials come from.
    #[must_use]
    pub(crate) fn source(&self, profile: &str, variables: &ClientVariables) -> Arc<dyn Source> {
        Arc::clone(&self.profiles[profile].get(variables).route.source)
    }

    /// Whether `profile` has an entry: a client has asked for it.
    #[must_use]
    pub(crate) fn has_entries(&self, profile: &str) -> bool {
        !self.profiles[profile].is_empty()
    }

    /// Obtains a new credential now for all entries of `profile`; if it has none, for one with
    /// `variables`. Until they have arrived, the old ones are served.
    ///
    /// # Errors
    ///
    /// The first [`AcquireError`] if a new credential does not arrive by `deadline`; the old one
    /// stays all the same.
    pub async fn refresh(
        &self,
        profile: &str,
        variables: &ClientVariables,
        deadline: Tick,
    ) -> Result<(), AcquireError> {
        let entries = &self.profiles[profile];
        let mut drivers = entries.all();
        if drivers.is_empty() {
            drivers.push(entries.get(variables));
        }
        let refreshes = drivers.into_iter();
        let refreshes = refreshes.map(|driver| async move { refresh(&driver, deadline).await });
        // Waits for all of them, even if one fails.
        let refresh = async { JoinSet::from_iter(refreshes).join_all().await };
        let refreshed = self.unless_locked(async { Ok(refresh.await) }).await?;
        refreshed.into_iter().collect()
    }

    /// Rejects the credentials of `profile` that were issued before `rotation`, from now on; until
    /// the next call, also those that are obtained later.
    pub fn rotate_after(&self, profile: &str, rotation: Option<RotateAfter>) {
        self.profiles[profile].rotate_after(rotation);
    }

    /// Discards the credentials of all entries of `profile`, also those under way, because of
    /// `cause`, and revokes nothing.
    pub(crate) fn discard(&self, profile: &str, cause: DropCause) {
        for driver in self.profiles[profile].all() {
            driver.report_dropped(cause);
            driver.update(Slot::forget);
        }
    }

    /// Forgets all entries of `profile`, and has the source revoke their credentials and logins.
    /// Returns what was done for each, and for an unused one if there are none.
    pub async fn log_out(&self, profile: &str) -> Vec<LoggedOut> {
        let entries = self.profiles[profile].take();
        let log_out = |driver: Arc<Driver>| async move { driver.log_out().await };
        JoinSet::from_iter(entries.into_iter().map(log_out))
            .join_all()
            .await
    }

    /// Has `log_out` log out of `profiles`, and then drops the leased credentials that the others
    /// had obtained from the same sources: these share the login, with which Vault has revoked
    /// their leases. If the login stays valid, one fetch too many is the price.
    pub(crate) async fn drop_shared_leases<T>(
        &self,
        profiles: &[String],
        log_out: impl Future<Output = T>,
    ) -> T {
        let named = profiles.iter().map(|name| &self.profiles[name]);
        let sources: Vec<_> = named.flat_map(|entries| entries.sources()).collect();
        let others = self.profiles.iter();
        let shared: Vec<_> = others
            .filter(|(name, _)| !profiles.contains(name))
            .flat_map(|(_, entries)| entries.all())
            .filter(|driver| {
                let mut sources = sources.iter();
                sources.any(|source| Arc::ptr_eq(source, &driver.route.source))
            })
            .filter_map(|driver| {
                let lease = driver.lock().leased()?;
                Some((driver, lease))
            })
            .collect();
        let result = log_out.await;
        for (driver, lease) in shared {
            // Not one that has arrived since, with a new login.
            driver.update(|slot| slot.drop_revoked(&lease));
        }
        result
    }

    /// The counters of `profile`.
    #[must_use]
    pub(crate) fn counters(&self, profile: &str) -> Arc<Counters> {
        self.profiles[profile].counters()
    }

    /// Returns what `status` reports about each entry of `profile`, and about an unused one if it
    /// has none.
    #[must_use]
    pub(crate) fn snapshots(&self, profile: &str) -> Vec<EntrySnapshot> {
        self.profiles[profile].snapshots()
    }
}

async fn refresh(driver: &Arc<Driver>, deadline: Tick) -> Result<(), AcquireError> {
    driver.recalibrate();
    let ticket = driver.update(Slot::refresh);
    driver.wait(ticket, deadline).await?;
    driver.update(|slot| {
        let now = driver.clock.now();
        match (slot.poll(now, ticket), slot.last_error()) {
            (Outcome::Pending(_), last) => Err(driver.timed_out(last)),
            (_, Some(_)) => Err(AcquireError::Unavailable(slot.unavailable(now))),
            (_, None) => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests;
