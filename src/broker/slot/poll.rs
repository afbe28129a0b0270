//! What a caller is answered.

use std::{sync::Arc, time::Duration};

use super::{
    Slot,
    types::{CredentialUnavailable, Outcome, Reason, Rejected, Snapshot, Ticket},
};
use crate::{clock::Now, gateway::ProbeResult, source::SourceError};

impl Slot {
    /// What the holder of `ticket` is told.
    pub(crate) fn poll(&mut self, now: Now, ticket: Ticket) -> Outcome {
        if self.is_pending(now, ticket) {
            return Outcome::Pending(ticket.wait_until.filter(|until| *until > now.tick));
        }
        self.resolve(now, ticket)
    }

    /// What the holder of `ticket` is told when it can wait no longer; [`Outcome::Pending`] where only waiting would help.
    pub(crate) fn poll_at_deadline(&mut self, now: Now, ticket: Ticket) -> Outcome {
        if self.is_pending(now, ticket) && self.valid(now).is_none() {
            return Outcome::Pending(None);
        }
        self.resolve(now, ticket)
    }

    /// What went wrong with the last fetch; `None` where it went well.
    pub(crate) fn last_error(&self) -> Option<&SourceError> {
        self.retry.error()
    }

    /// For `status`.
    pub(crate) fn snapshot(&self, now: Now) -> Snapshot {
        Snapshot {
            credential: self.valid(now).map(|cached| Arc::clone(&cached.credential)),
            rejected_since: self.probe.rejected_since(),
            seen_current: self.watch.seen_current(),
            last_error: self.last_error().cloned(),
            next_deadline: self.next_deadline(now),
            cache_lifetime: self
                .last_request
                .as_ref()
                .map(|last_request| last_request.cache_lifetime),
        }
    }

    /// What to say where there is nothing to serve.
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

    /// Whether something is under way that `ticket` waits for.
    pub(super) fn is_pending(&self, now: Now, ticket: Ticket) -> bool {
        if ticket
            .flight
            .is_some_and(|flight| !self.flight.is_finished(flight))
        {
            return true;
        }
        if ticket
            .probe
            .is_some_and(|probe| !self.probe.is_finished(probe))
        {
            return true;
        }
        let is_flying = self.flight.current().is_some();
        if ticket.probe.is_some() && is_flying && self.probe.rejected_since().is_some() {
            // The flight that the verdict has started.
            return true;
        }
        if ticket.wait_until.is_none_or(|until| now.tick >= until) {
            return false;
        }
        let is_suspected = ticket.probe.is_some()
            && is_flying
            && !matches!(self.probe.result(now.tick), Some(ProbeResult::Accepted));
        is_suspected
            || ticket.refetch.is_some_and(|flight| !self.flight.is_finished(flight))
            // A look that found something new has started a flight.
            || ticket.revalidation.is_some_and(|revalidation| !self.watch.is_finished(revalidation) || is_flying)
    }

    /// What is served or said with what is there.
    pub(super) fn resolve(&mut self, now: Now, ticket: Ticket) -> Outcome {
        let is_rejected = self.probe.rejected_since().is_some();
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

    pub(super) fn rejected(&self, now: Now) -> Option<Rejected> {
        let cached = self.valid(now)?;
        Some(Rejected {
            since: self.probe.rejected_since()?,
            fingerprint: cached.credential.fingerprint(),
            version: cached.credential.version,
            age: now.tick.since(cached.first_obtained),
        })
    }
}
