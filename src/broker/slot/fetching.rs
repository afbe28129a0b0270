//! Starting fetches within their limits, and storing their results.
//!
//! Pure: `now` and `jitter` are arguments, and a fetch is started by adding an [`Action`] for the
//! driver.

use std::sync::Arc;

use super::{
    Cached, Slot,
    retry_state::RetryState,
    types::{Action, SlotChange},
};
use crate::{
    broker::observer::{DropCause, FetchCause},
    clock::{Now, Tick},
    credential::Credential,
    source::SourceError,
};

impl Slot {
    /// Returns the fetch under way, or starts one; `None` while the back-off forbids it.
    ///
    /// The lease of a valid credential is renewed if possible, unless the gateway rejects the key:
    /// a longer lease would not help then.
    pub(super) fn fetch_if_allowed(&mut self, now: Now) -> Option<u64> {
        if let Some(flight) = self.flight.current() {
            return Some(flight);
        }
        if self.retry_at(now).is_some() {
            return None;
        }
        let is_rejected = self.probe.is_rejected();
        let cause = match &self.cached {
            None => FetchCause::First,
            Some(cached) if self.is_outdated(cached) => FetchCause::Policy,
            Some(_) if self.valid(now).is_none() => FetchCause::Expired,
            Some(_) if is_rejected => FetchCause::GatewayRejected,
            Some(_) => FetchCause::AheadOfNeed,
        };
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
        Some(self.start_fetch(renew, cause))
    }

    /// Returns the fetch under way, or starts one because the key may be rejected; `None` while the
    /// back-off or the refetch limit forbids it.
    pub(super) fn refetch_if_allowed(&mut self, now: Now) -> Option<u64> {
        let cause = self.suspicion.unwrap_or(FetchCause::RejectionInferred);
        if let Some(flight) = self.flight.current() {
            return Some(flight);
        }
        let is_allowed = self.retry_at(now).is_none() && self.refetch_limiter.allow(now.tick);
        is_allowed.then(|| self.start_fetch(None, cause))
    }

    /// Starts a fetch; none may be under way. `renew` is the credential whose lease can be renewed.
    pub(super) fn start_fetch(&mut self, renew: Option<Arc<Credential>>, cause: FetchCause) -> u64 {
        let flight = self.flight.start();
        self.suspicion = None;
        self.actions.push(Action::Fetch {
            flight,
            renew,
            cause,
        });
        flight
    }

    /// Records a fetched credential: the cached one as before, or one that may replace it.
    ///
    /// A fetch that brings the same key counts as a failure for the back-off if the key is rejected
    /// or does not live longer than before: otherwise a source that cannot issue anything better
    /// would be asked without pause.
    pub(super) fn store(&mut self, now: Now, jitter: f64, credential: Credential) {
        self.watch.confirm(now, jitter);
        let mut new = Cached::new(credential, now.tick, jitter);
        let same_key = self
            .cached
            .as_ref()
            .filter(|cached| cached.credential.secret == new.credential.secret);
        if let Some(same_key) = same_key {
            new.continues(same_key);
        }
        let previous = self.valid(now).filter(|_| same_key.is_some()).cloned();
        let Some(previous) = previous else {
            match self.is_outdated(&new) {
                // Otherwise each request would ask the source for the same key again.
                true => self.retry.record(now.tick, jitter, None),
                false => self.retry = RetryState::default(),
            }
            self.succeed(now, new);
            self.recheck_verdict(now);
            return;
        };
        // The key is the source's current one, whatever it returned in between.
        self.successor = None;
        let lives_no_longer = previous.credential.lifetime.is_some()
            && new.credential.remaining(now) <= previous.credential.remaining(now);
        if previous.credential.version != new.credential.version {
            self.probe.outdate_verdict();
            self.sessions.forgive();
            self.refusal = None;
        }
        if self.probe.is_rejected() || lives_no_longer {
            self.retry.record(now.tick, jitter, None);
        } else {
            self.retry = RetryState::default();
        }
        self.cached = Some(new);
        self.recheck_verdict(now);
        self.want_evidence(now);
    }

    /// Records that the source could not be asked, or that it reported that the credential is gone;
    /// only the latter drops the cached one.
    pub(super) fn record_failure(&mut self, now: Now, jitter: f64, error: SourceError) {
        if error.is_final() {
            self.drop_because(DropCause::Denied);
        }
        self.retry.record(now.tick, jitter, Some(error));
    }

    /// When the next fetch may start; `None` if the back-off allows it now.
    pub(super) fn retry_at(&self, now: Now) -> Option<Tick> {
        let is_awaited = self.valid(now).is_none()
            && self
                .last_request
                .as_ref()
                .is_none_or(|last_request| last_request.is_of_person);
        self.retry.retry_at(now.tick, is_awaited)
    }

    /// Drops the cached credential and all that is known about it, for `cause`.
    pub(super) fn drop_because(&mut self, cause: DropCause) {
        let dropped = self.drop_cached().map(|cached| cached.credential);
        let change = dropped.map(|credential| SlotChange::Dropped { credential, cause });
        self.changes.extend(change);
    }

    /// Drops the cached credential and all that is known about it, and returns it.
    pub(super) fn drop_cached(&mut self) -> Option<Cached> {
        self.successor = None;
        self.refusal = None;
        self.probe.clear();
        self.watch.stop();
        self.cached.take()
    }
}
