//! The broker: serves each profile's credential from memory and replaces it in time.
//!
//! The policy is pure: [`slot`] decides what a caller gets and what must be done, with the help of
//! [`renewal`], [`retry`] and [`client_retry`]; the time and the jitter are arguments. The
//! mechanism is in `driver`: tasks, waiting callers, the timer. The broker knows the traits
//! [`Source`], [`Gateway`] and [`Clock`] and none of their implementations.
//!
//! # The engine
//!
//! ```text
//!            request                 issued               advisory         mandatory     expiry
//!  (empty) ──────────▶ one flight ──────┬────── fresh ───────┬─ one renews, ───┬─ all wait ──┐
//!     ▲                (all wait)       │                    │  all are served │  for it     │
//!     │                                 ▼                    ▼                 ▼             ▼
//!     │          ┌───────────── served from memory ◀──── the successor takes over      not served
//!     │          │ early request                             ▲
//!     │          ▼                                           │ another key
//!     │   key replaced since then? ─ yes ─▶ the new one      │
//!     │          │ no                                        │
//!     │          ▼            2xx: accepted, served          │
//!     │   probe the gateway ─▶ 401, 403: rejected ─▶ reissue ┤
//!     │          │                                           │ the same key
//!     │          ▼ inconclusive                              ▼
//!     │   refetch within the limit;           exit code 4 at once; fetched again with
//!     │   the old key is served               back-off until another key is issued
//!     │
//!     └── denied, deleted, revoked: dropped at once
//! ```
//!
//! Whatever fails, the old credential stays until its successor has arrived, and a valid one is
//! served until it expires. Only a final answer of the source (denied, deleted, revoked, login
//! refused) drops it, and only a gateway's rejection keeps it from being served.
//!
//! # The numbers
//!
//! Each links to the constant or function that holds it and gives the reason.
//!
//! | number | value |
//! |---|---|
//! | [minimum remaining lifetime] | cache lifetime + 60 s |
//! | [advisory window] | 30% of the lifetime or 2 cache lifetimes, at most half of it, ±10% |
//! | [mandatory window] | 60 s, at most a tenth of the lifetime |
//! | [in use] | a request within the last 3 cache lifetimes, at least 3 min |
//! | [back-off] | full jitter over 1 s · 2ⁿ, from 1 s to 5 min; `Retry-After` up to an hour |
//! | [watch] | every 30 s by default, [±10%](slot::watch::WATCH_JITTER); back-off after a failure |
//! | [wait for the source] | at most 1 s if a valid key is cached |
//! | [revalidation grace] | 2 s |
//! | [probe result] | answers further requests for 5 s |
//! | [burst of probes] | 5, then [one every 2 s](slot::probe::PROBE_REFILL) |
//! | [calibration] | a probe with an invalid key, once a day |
//! | [refetch limit] | one in 10 s · 2ⁿ, [at most 5 min](slot::refetch_limiter::MAX_INTERVAL) |
//! | [uninformative clients] | cache for less than 5 s; [one probe in 30 s][uninformative] |
//!
//! [minimum remaining lifetime]: renewal::min_remaining
//! [advisory window]: renewal::advisory_window
//! [mandatory window]: renewal::MANDATORY_WINDOW
//! [in use]: slot::schedule::IN_USE_LIFETIMES
//! [back-off]: retry::delay
//! [watch]: Route::watch
//! [wait for the source]: slot::MAX_REVALIDATION_WAIT
//! [revalidation grace]: client_retry::REVALIDATION_GRACE
//! [probe result]: slot::probe::RESULT_TTL
//! [burst of probes]: slot::probe::PROBE_BURST
//! [calibration]: crate::gateway::http::CALIBRATION_TTL
//! [refetch limit]: slot::refetch_limiter::INITIAL_INTERVAL
//! [uninformative clients]: client_retry::MIN_INFORMATIVE_LIFETIME
//! [uninformative]: slot::probe::UNINFORMATIVE_INTERVAL
//!
//! [`Source`]: crate::source::Source
//! [`Gateway`]: crate::gateway::Gateway

pub(crate) mod client_retry;
mod driver;
pub(crate) mod renewal;
pub(crate) mod retry;
pub(crate) mod slot;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use self::{
    driver::Driver,
    slot::{Outcome, Slot},
};
pub use self::{
    driver::{AcquireError, Jitter, LoggedOut, Route, system_jitter},
    slot::{AcquireRequest, CredentialUnavailable, Snapshot},
};
use crate::{
    clock::{Clock, Tick},
    credential::Credential,
    gateway::Calibration,
};

/// Serves the credentials of all profiles.
///
/// Its methods take the name of one of its profiles, and panic if it has no such profile.
pub struct Broker {
    drivers: BTreeMap<String, Arc<Driver>>,
}

impl Broker {
    /// Creates a broker for the profiles of `routes`. No source is asked before the first request
    /// for its profile.
    #[must_use]
    pub fn new(routes: BTreeMap<String, Route>, clock: &Arc<dyn Clock>, jitter: &Jitter) -> Self {
        let empty = Self {
            drivers: BTreeMap::new(),
        };
        empty.reconfigured(routes, &BTreeSet::new(), clock, jitter)
    }

    /// Creates the broker for a new configuration. The profiles in `unchanged` keep their
    /// credential, the flight under way and the back-off; the others start empty.
    #[must_use]
    pub(crate) fn reconfigured(
        &self,
        routes: BTreeMap<String, Route>,
        unchanged: &BTreeSet<String>,
        clock: &Arc<dyn Clock>,
        jitter: &Jitter,
    ) -> Self {
        let driver = |profile: &String, route| match self.drivers.get(profile) {
            Some(driver) if unchanged.contains(profile) => Arc::clone(driver),
            _ => Driver::new(profile, route, clock, jitter),
        };
        let drivers = routes
            .into_iter()
            .map(|(profile, route)| {
                let driver = driver(&profile, route);
                (profile, driver)
            })
            .collect();
        Self { drivers }
    }

    /// Returns the current credential of `profile`. If one has to be obtained first, waits for it
    /// at most until `deadline`.
    ///
    /// # Errors
    ///
    /// [`AcquireError`]. A valid credential that the gateway does not reject is served even if its
    /// successor could not be obtained.
    pub async fn acquire(
        &self,
        profile: &str,
        request: AcquireRequest,
        deadline: Tick,
    ) -> Result<Arc<Credential>, AcquireError> {
        let driver = &self.drivers[profile];
        let ticket = driver.update(|slot| slot.acquire(driver.clock.now(), request));
        driver.wait(ticket, deadline).await
    }

    /// Obtains a new credential now and returns it. Until it has arrived, the old one is served.
    ///
    /// # Errors
    ///
    /// [`AcquireError`] if no new credential arrives by `deadline`; the old one stays all the same.
    pub async fn refresh(
        &self,
        profile: &str,
        deadline: Tick,
    ) -> Result<Arc<Credential>, AcquireError> {
        let driver = &self.drivers[profile];
        let ticket = driver.update(Slot::refresh);
        let credential = driver.wait(ticket, deadline).await?;
        driver.update(|slot| {
            let now = driver.clock.now();
            match (slot.poll(now, ticket), slot.last_error()) {
                (Outcome::Pending(_), last) => Err(driver.timed_out(last)),
                (_, Some(_)) => Err(AcquireError::Unavailable(slot.unavailable(now))),
                (_, None) => Ok(credential),
            }
        })
    }

    /// Forgets all about the credential of `profile`, and has the source revoke it and its login.
    pub async fn log_out(&self, profile: &str) -> LoggedOut {
        self.drivers[profile].log_out().await
    }

    /// Returns what `status` reports about `profile`.
    #[must_use]
    pub fn snapshot(&self, profile: &str) -> Snapshot {
        let driver = &self.drivers[profile];
        driver.lock().snapshot(driver.clock.now())
    }

    /// Whether the answers of the gateway of `profile` are reliable; `None` if it has none to
    /// probe.
    #[must_use]
    pub(crate) fn calibration(&self, profile: &str) -> Option<Calibration> {
        Some(self.drivers[profile].route.gateway.as_ref()?.calibration())
    }
}

#[cfg(test)]
mod tests;
