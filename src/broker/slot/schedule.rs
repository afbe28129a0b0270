//! When the slot acts.

use std::{sync::Arc, time::Duration};

use super::{Cached, Slot, types::Action};
use crate::{
    broker::renewal,
    clock::{Now, Tick},
};

/// A profile is in use while a client asked for it within this many of its cache lifetimes; after that it rests.
const IN_USE_LIFETIMES: u32 = 3;

/// What the number of lifetimes is counted in at least, for clients that cache for a second or not at all.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(60);

impl Slot {
    /// When the slot next has something to do of itself; `None` while it rests.
    pub(crate) fn next_deadline(&self, now: Now) -> Option<Tick> {
        let cached = self.valid(now).filter(|_| self.is_in_use(now))?;
        let fetch = match self.flight.current() {
            // Its landing is waited for.
            Some(_) => None,
            None => {
                let renewal = if self.probe.rejected_since().is_some() {
                    Some(now.tick)
                } else {
                    self.renewal_due(now, cached)
                };
                renewal.map(|at| at.max(self.retry.retry_at(now.tick).unwrap_or(at)))
            }
        };
        let revalidation = self.watch.due().filter(|_| self.flight.current().is_none());
        fetch.into_iter().chain(revalidation).min()
    }

    /// The look that is under way, or starts now because it is due.
    pub(super) fn revalidate_if_due(&mut self, now: Now) -> Option<u64> {
        if let Some(revalidation) = self.watch.current() {
            return Some(revalidation);
        }
        if self.flight.current().is_some() || self.watch.due().is_none_or(|due| due > now.tick) {
            return None;
        }
        let cached = self.cached.as_ref()?;
        let credential = Arc::clone(&cached.credential);
        let revalidation = self.watch.start();
        self.actions.push(Action::Revalidate {
            revalidation,
            credential,
        });
        Some(revalidation)
    }

    pub(super) fn is_in_use(&self, now: Now) -> bool {
        self.last_request.as_ref().is_some_and(|last_request| {
            let lifetime = last_request.cache_lifetime.max(SHORTEST_LIFETIME);
            now.tick.since(last_request.asked_at) <= lifetime * IN_USE_LIFETIMES
        })
    }

    /// How soon a successor is needed; `None` where there is nothing to be succeeded.
    pub(super) fn urgency(&self, now: Now) -> Option<renewal::Urgency> {
        let cached = self.valid(now)?;
        let (Some(lifetime), Some(remaining)) =
            (cached.credential.lifetime, cached.credential.remaining(now))
        else {
            return Some(renewal::Urgency::None);
        };
        let cache_lifetime = self.cache_lifetime();
        let window = renewal::advisory_window(lifetime, cache_lifetime, cached.jitter);
        Some(renewal::urgency(
            lifetime,
            remaining,
            window,
            cache_lifetime,
        ))
    }

    /// When the advisory window opens; `None` for a credential without an end.
    pub(super) fn renewal_due(&self, now: Now, cached: &Cached) -> Option<Tick> {
        let lifetime = cached.credential.lifetime?;
        let window = renewal::advisory_window(lifetime, self.cache_lifetime(), cached.jitter);
        let left = cached.credential.remaining(now)?;
        Some(now.tick + left.saturating_sub(window))
    }

    pub(super) fn cache_lifetime(&self) -> Duration {
        self.last_request
            .as_ref()
            .map_or(Duration::ZERO, |last_request| last_request.cache_lifetime)
    }
}
