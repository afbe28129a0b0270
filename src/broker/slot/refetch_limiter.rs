//! The rate limit for fetches of a key that may be rejected.
//!
//! Pure. If neither the gateway nor the source can settle whether a key still works, the key is
//! fetched again, because the source may have a newer one. This file decides how often.

use std::time::Duration;

use crate::{broker::retry, clock::Tick};

/// The interval after the first refetch; it doubles with each further one. The client's own retries
/// span about ten seconds, so one chain of them costs one or two fetches.
pub(crate) const INITIAL_INTERVAL: Duration = Duration::from_secs(10);

/// The longest interval. A gateway that is down for hours costs Vault a dozen reads an hour.
pub(crate) const MAX_INTERVAL: Duration = Duration::from_secs(300);

/// The refetches since the cached key last changed.
#[derive(Debug, Default)]
pub(super) struct RefetchLimiter {
    refetches: u32,
    allowed_at: Option<Tick>,
}

impl RefetchLimiter {
    /// Returns whether a refetch may start now, and if so counts it.
    pub(super) fn allow(&mut self, now: Tick) -> bool {
        if self.allowed_at.is_some_and(|at| now < at) {
            return false;
        }
        let interval = retry::doubled(INITIAL_INTERVAL, self.refetches, MAX_INTERVAL);
        self.refetches = self.refetches.saturating_add(1);
        self.allowed_at = Some(now + interval);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_suspicion_costs_a_dozen_fetches() {
        let mut limiter = RefetchLimiter::default();
        let allowed = (0..3600)
            .filter(|second| limiter.allow(Tick(Duration::from_secs(*second))))
            .count();
        assert!((12..=17).contains(&allowed), "{allowed}");
    }
}
