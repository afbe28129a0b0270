//! When the slot acts without a request: renewals and revalidations of a profile that is in use.
//!
//! Pure: `now` is an argument; the jitter of a credential was drawn when it was fetched.

use std::{sync::Arc, time::Duration};

use super::{Slot, cached::Cached, successor::Successor, types::Action};
use crate::{
    broker::renewal,
    clock::{Now, Tick},
};

/// How many cache lifetimes a profile stays in use after the last request. A client at work comes
/// back after each of them; one that missed two is idle, and an idle laptop must have no timer.
pub(crate) const IN_USE_LIFETIMES: u32 = 3;

/// The cache lifetime assumed for clients that cache for less, or not at all: a pause of a minute
/// or two between two requests must not end the use.
const MIN_IN_USE_LIFETIME: Duration = Duration::from_secs(60);

impl Slot {
    /// When [`Slot::on_timer`] must be called next; `None` while the profile is idle.
    pub(crate) fn next_deadline(&self, now: Now) -> Option<Tick> {
        self.valid(now).filter(|_| self.is_in_use(now))?;
        let trial = self.successor.as_ref().and_then(Successor::due);
        let evidence = self.evidence.due().filter(|_| !self.probe.is_under_way());
        let refresh = self.refresh_due(now);
        refresh.into_iter().chain(trial).chain(evidence).min()
    }

    /// When the source is next asked without a request; `None` while the profile is idle.
    pub(super) fn refresh_due(&self, now: Now) -> Option<Tick> {
        let cached = self.valid(now).filter(|_| self.is_in_use(now))?;
        if self.flight.current().is_some() {
            // Its result decides what is due next.
            return None;
        }
        let due = if self.probe.is_rejected() {
            Some(now.tick)
        } else if self.successor.is_some() {
            self.mandatory_due(now, cached)
        } else {
            self.renewal_due(now, cached)
        };
        let fetch = due.map(|at| at.max(self.retry_at(now).unwrap_or(at)));
        fetch.into_iter().chain(self.watch.due()).min()
    }

    /// Returns the revalidation under way, or starts one if it is due.
    pub(super) fn revalidate_if_due(&mut self, now: Now) -> Option<u64> {
        if let Some(revalidation) = self.watch.current() {
            return Some(revalidation);
        }
        if self.flight.current().is_some() || self.watch.due().is_none_or(|due| due > now.tick) {
            return None;
        }
        let successor = self.successor.as_ref().map(|successor| &successor.cached);
        let latest = successor.or(self.cached.as_ref())?;
        let credential = Arc::clone(&latest.credential);
        let revalidation = self.watch.start();
        self.actions.push(Action::Revalidate {
            revalidation,
            credential,
        });
        Some(revalidation)
    }

    /// Whether nothing is lost but the credential if the slot is dropped: it is not in use, and no
    /// fetch is under way.
    pub(crate) fn is_idle(&self, now: Now) -> bool {
        !self.is_in_use(now) && self.flight.current().is_none()
    }

    /// When no client has requested the credential for `limit`; `None` if there is nothing to drop,
    /// and while a fetch is under way.
    ///
    /// The time that a machine is asleep counts: [`Tick`] includes it.
    pub(crate) fn unused_at(&self, limit: Duration) -> Option<Tick> {
        let last_used = self.last_used()?;
        let is_fetching = self.flight.current().is_some();
        (!is_fetching).then(|| last_used + limit)
    }

    /// Whether the credential was requested or fetched, or is being fetched, since the slot was
    /// created or has forgotten everything.
    pub(crate) fn is_used(&self) -> bool {
        self.last_used().is_some() || self.flight.current().is_some()
    }

    /// When the credential was last requested, or fetched if no client has requested it.
    fn last_used(&self) -> Option<Tick> {
        let last_request = self.last_request.as_ref();
        last_request
            .map(|last_request| last_request.at)
            .or(self.last_fetch)
    }

    /// Whether a client has requested the credential recently enough to keep it renewed.
    pub(super) fn is_in_use(&self, now: Now) -> bool {
        self.last_request.as_ref().is_some_and(|last_request| {
            let lifetime = last_request.cache_lifetime.max(MIN_IN_USE_LIFETIME);
            now.tick.since(last_request.at) <= lifetime * IN_USE_LIFETIMES
        })
    }

    /// How soon the cached credential must be replaced; `None` if no valid one is cached.
    pub(super) fn urgency(&self, now: Now) -> Option<renewal::Urgency> {
        let cached = self.valid(now)?;
        let max_age = self.config.max_age;
        let (Some(lifetime), Some(remaining)) =
            (cached.lifetime(max_age), cached.remaining(now, max_age))
        else {
            return Some(renewal::Urgency::None);
        };
        if cached.is_due_for_rerun(now) {
            return Some(renewal::Urgency::Mandatory);
        }
        let cache_lifetime = self.cache_lifetime();
        let window = renewal::advisory_window(lifetime, cache_lifetime, cached.jitter);
        Some(renewal::urgency(
            lifetime,
            remaining,
            window,
            cache_lifetime,
        ))
    }

    /// When the advisory window opens; `None` for a credential that does not expire.
    pub(super) fn renewal_due(&self, now: Now, cached: &Cached) -> Option<Tick> {
        let lifetime = cached.lifetime(self.config.max_age)?;
        let window = renewal::advisory_window(lifetime, self.cache_lifetime(), cached.jitter);
        let remaining = cached.remaining(now, self.config.max_age)?;
        Some(now.tick + remaining.saturating_sub(window))
    }

    /// When the mandatory window opens; `None` for a credential that does not expire.
    fn mandatory_due(&self, now: Now, cached: &Cached) -> Option<Tick> {
        let lifetime = cached.lifetime(self.config.max_age)?;
        let window = renewal::mandatory_window(lifetime, self.cache_lifetime());
        let remaining = cached.remaining(now, self.config.max_age)?;
        Some(now.tick + remaining.saturating_sub(window))
    }

    fn cache_lifetime(&self) -> Duration {
        self.last_request
            .as_ref()
            .map_or(Duration::ZERO, |last_request| last_request.cache_lifetime)
    }
}
