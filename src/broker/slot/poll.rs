//! What a caller gets: the cached credential, an error, or nothing yet.
//!
//! Pure: the state and `now` decide. Nothing here starts an operation.

use std::{sync::Arc, time::Duration};

use super::{
    Slot,
    types::{CredentialUnavailable, Evidence, Outcome, Reason, Rejected, Snapshot, Ticket},
};
use crate::{clock::Now, gateway::ProbeResult, source::SourceError};

impl Slot {
    /// Returns what the caller with `ticket` gets.
    pub(crate) fn poll(&mut self, now: Now, ticket: Ticket) -> Outcome {
        if self.is_pending(now, ticket) {
            return Outcome::Pending(ticket.wait_until.filter(|until| *until > now.tick));
        }
        self.resolve(now, ticket)
    }

    /// Returns what the caller gets whose deadline has passed. A valid key is served although its
    /// successor is still awaited; [`Outcome::Pending`] means that the caller timed out.
    pub(crate) fn poll_at_deadline(&mut self, now: Now, ticket: Ticket) -> Outcome {
        if self.is_pending(now, ticket) && self.valid(now).is_none() {
            return Outcome::Pending(None);
        }
        self.resolve(now, ticket)
    }

    /// The error of the last fetch; `None` if it succeeded or there was none.
    pub(crate) fn last_error(&self) -> Option<&SourceError> {
        self.retry.error()
    }

    /// Returns what `status` reports.
    pub(crate) fn snapshot(&self, now: Now) -> Snapshot {
        Snapshot {
            credential: self.valid(now).map(|cached| Arc::clone(&cached.credential)),
            rejected_since: self.probe.rejected_since(),
            rejection_evidence: self.probe.rejected_since().map(|_| Evidence::Probe),
            seen_current: self.watch.seen_current(),
            last_error: self.last_error().cloned(),
            last_probe: self.probe.last_probe(),
            successor: None,
            usable_until: None,
            next_deadline: self.next_deadline(now),
            cache_lifetime: self
                .last_request
                .as_ref()
                .map(|last_request| last_request.cache_lifetime),
        }
    }

    /// Returns why no credential can be served.
    pub(crate) fn unavailable(&self, now: Now) -> CredentialUnavailable {
        let reason = match (self.rejected(now), self.last_error()) {
            (Some(rejected), _) => Reason::Rejected(rejected),
            (None, error) => Reason::Source(error.cloned().unwrap_or(SourceError::Forgotten)),
        };
        let next_try = self
            .retry
            .retry_at(now.tick)
            .map_or(Duration::ZERO, |at| at.since(now.tick));
        CredentialUnavailable { reason, next_try }
    }

    /// Whether an operation is under way that `ticket` waits for.
    fn is_pending(&self, now: Now, ticket: Ticket) -> bool {
        let awaits_fetch = ticket
            .flight
            .is_some_and(|flight| !self.flight.is_finished(flight));
        let awaits_probe = ticket
            .probe
            .is_some_and(|probe| !self.probe.is_finished(probe));
        let is_fetching = self.flight.current().is_some();
        // The probe has rejected the key and so started this fetch.
        let awaits_replacement = ticket.probe.is_some() && is_fetching && self.probe.is_rejected();
        if awaits_fetch || awaits_probe || awaits_replacement {
            return true;
        }

        if ticket.wait_until.is_none_or(|until| now.tick >= until) {
            return false;
        }
        // The probe was inconclusive, and the fetch may bring a newer key.
        let awaits_newer_key = ticket.probe.is_some()
            && is_fetching
            && self.probe.recent_result(now.tick) != Some(&ProbeResult::Accepted);
        let awaits_refetch = ticket
            .refetch
            .is_some_and(|flight| !self.flight.is_finished(flight));
        // A revalidation that finds a newer version starts a fetch.
        let awaits_revalidation = ticket
            .revalidation
            .is_some_and(|revalidation| !self.watch.is_finished(revalidation) || is_fetching);
        awaits_newer_key || awaits_refetch || awaits_revalidation
    }

    /// Serves the cached credential and records that its session has it, or fails.
    fn resolve(&mut self, now: Now, ticket: Ticket) -> Outcome {
        let is_rejected = self.probe.is_rejected();
        let Some(cached) = self.valid(now).filter(|_| !is_rejected) else {
            return Outcome::Failed(self.unavailable(now));
        };
        let credential = Arc::clone(&cached.credential);
        if let Some(request) = ticket.request
            && let Some(session) = request.session
        {
            let key = credential.fingerprint();
            self.sessions
                .record(session, &key, now.tick, request.cache_lifetime);
        }
        Outcome::Ready(credential)
    }

    fn rejected(&self, now: Now) -> Option<Rejected> {
        let cached = self.valid(now)?;
        Some(Rejected {
            since: self.probe.rejected_since()?,
            fingerprint: cached.credential.fingerprint(),
            version: cached.credential.version,
            age: now.tick.since(cached.first_obtained),
            evidence: Evidence::Probe,
        })
    }
}
