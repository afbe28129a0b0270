//! The broker: hands out credentials, and sees to it that there is one.
//!
//! The policy is in pure files ([`slot`], [`renewal`], [`retry`], [`client_retry`]); this one has the mechanism: it runs what a slot
//! wants done in tasks of the daemon's own, so that a client that goes away cancels nothing, and it wakes who waits.
//! It knows the traits [`Source`], [`Gateway`] and [`Clock`] and none of their implementations.

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
    driver::{AcquireError, Jitter, Route, system_jitter},
    slot::{AcquireRequest, CredentialUnavailable, Snapshot},
};
use crate::{
    clock::{Clock, Tick},
    credential::Credential,
    gateway::Calibration,
    source::SourceError,
};

/// Hands out the credentials of all profiles.
pub struct Broker {
    drivers: BTreeMap<String, Arc<Driver>>,
}

impl Broker {
    /// A broker for these profiles. No source is asked before somebody asks for its credential.
    #[must_use]
    pub fn new(routes: BTreeMap<String, Route>, clock: &Arc<dyn Clock>, jitter: &Jitter) -> Self {
        let none = Self {
            drivers: BTreeMap::new(),
        };
        none.reconfigured(routes, &BTreeSet::new(), clock, jitter)
    }

    /// A broker for the profiles of a new configuration. Those that are `unchanged` go on with what they have: their
    /// credential, their flight, their back-off.
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
            _ => Driver::new(route, clock, jitter),
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

    /// The current credential of `profile`, which must be one of the broker's. Where a new one has to be obtained first,
    /// this waits for it until `until`.
    ///
    /// # Errors
    ///
    /// [`AcquireError`]; a credential that is there and alive is served whatever happens to its successor.
    pub async fn acquire(
        &self,
        profile: &str,
        request: AcquireRequest,
        until: Tick,
    ) -> Result<Arc<Credential>, AcquireError> {
        let driver = &self.drivers[profile];
        let ticket = driver.with(|slot| slot.acquire(driver.clock.now(), request));
        driver.wait(ticket, until).await
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
        let driver = &self.drivers[profile];
        let ticket = driver.with(Slot::refresh);
        let credential = driver.wait(ticket, until).await?;
        driver.with(|slot| {
            let now = driver.clock.now();
            match (slot.poll(now, ticket), slot.last_error()) {
                (Outcome::Pending(_), last) => Err(driver.timed_out(last)),
                (_, Some(_)) => Err(AcquireError::Unavailable(slot.unavailable(now))),
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
        let driver = &self.drivers[profile];
        let credential = driver.with(Slot::forget);
        driver.route.source.revoke(credential.as_deref()).await
    }

    /// What is known of `profile`.
    #[must_use]
    pub fn snapshot(&self, profile: &str) -> Snapshot {
        let driver = &self.drivers[profile];
        driver.lock().snapshot(driver.clock.now())
    }

    /// Whether the word of the gateway of `profile` counts; `None` where there is none to ask.
    #[must_use]
    pub(crate) fn calibration(&self, profile: &str) -> Option<Calibration> {
        Some(self.drivers[profile].route.gateway.as_ref()?.calibration())
    }
}

#[cfg(test)]
mod tests;
