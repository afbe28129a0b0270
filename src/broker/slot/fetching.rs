//! Starting fetches, and what becomes of their results.

use std::sync::Arc;

use super::{
    Cached, Slot, refetch_limiter::RefetchLimiter, retry_state::RetryState, types::Action,
};
use crate::{clock::Now, credential::Credential, source::SourceError};

impl Slot {
    /// The flight that will bring a successor, under way or started now; `None` while a failure is too fresh.
    pub(super) fn fetch_if_allowed(&mut self, now: Now) -> Option<u64> {
        if let Some(flight) = self.flight.current() {
            return Some(flight);
        }
        if self.retry.retry_at(now.tick).is_some() {
            return None;
        }
        let is_rejected = self.probe.rejected_since().is_some();
        let renew = self
            .valid(now)
            .filter(|_| !is_rejected)
            .map(|cached| &cached.credential)
            .filter(|credential| {
                credential
                    .lease
                    .as_ref()
                    .is_some_and(|lease| lease.renewable)
            })
            .map(Arc::clone);
        Some(self.start_fetch(renew))
    }

    pub(super) fn start_fetch(&mut self, renew: Option<Arc<Credential>>) -> u64 {
        let flight = self.flight.start();
        self.actions.push(Action::Fetch { flight, renew });
        flight
    }

    pub(super) fn store(&mut self, now: Now, jitter: f64, credential: Credential) {
        let before = self
            .valid(now)
            .filter(|cached| cached.credential.secret == credential.secret);
        let is_known = before.is_some();
        let is_no_better = before.is_some_and(|before| {
            let is_rejected = self.probe.rejected_since().is_some();
            let is_no_longer = before.credential.lifetime.is_some()
                && credential.remaining(now) <= before.credential.remaining(now);
            is_rejected || is_no_longer
        });
        let first_obtained = before.map_or(now.tick, |before| before.first_obtained);
        if is_no_better {
            self.retry.add(now.tick, jitter, None);
        } else {
            self.retry = RetryState::default();
        }
        if !is_known {
            self.refetch_limiter = RefetchLimiter::default();
        }
        self.probe.hold(&credential.fingerprint());
        self.watch.obtained(now, jitter);
        self.cached = Some(Cached {
            credential: Arc::new(credential),
            first_obtained,
            confirmed: now.tick,
            jitter,
        });
    }

    pub(super) fn record_failure(&mut self, now: Now, jitter: f64, error: SourceError) {
        if error.is_final() {
            self.drop_cached();
        }
        self.retry.add(now.tick, jitter, Some(error));
    }

    pub(super) fn drop_cached(&mut self) -> Option<Cached> {
        self.probe.forget();
        self.watch.forget();
        self.cached.take()
    }

    pub(super) fn valid(&self, now: Now) -> Option<&Cached> {
        self.cached
            .as_ref()
            .filter(|cached| !cached.credential.is_expired(now))
    }
}
