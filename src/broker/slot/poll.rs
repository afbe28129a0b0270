//! What a caller gets: the cached credential, an error, or nothing yet.
//!
//! Pure: the state and `now` decide. Nothing here starts an operation.

use std::{sync::Arc, time::Duration};

use super::{
    Slot,
    cached::Cached,
    successor::Successor,
    types::{
        CredentialUnavailable, Evidence, Outcome, Outdated, Reason, Rejected, Snapshot, Ticket,
    },
};
use crate::{
    clock::{Now, Timestamp},
    gateway::ProbeResult,
    source::SourceError,
};

/// How long `status` reports that a client was refused a key.
const REFUSAL_SHOWN: Duration = Duration::from_secs(300);

impl Slot {
    /// Returns what the caller with `ticket` gets.
    pub(crate) fn poll(&mut self, now: Now, ticket: Ticket) -> Outcome {
        self.promote_if_expired(now);
        if self.is_pending(now, ticket) {
            return Outcome::Pending(ticket.wait_until.filter(|until| *until > now.tick));
        }
        self.resolve(now, ticket)
    }

    /// Returns what the caller gets whose deadline has passed. A valid key is served although its
    /// successor is still awaited; [`Outcome::Pending`] means that the caller timed out.
    pub(crate) fn poll_at_deadline(&mut self, now: Now, ticket: Ticket) -> Outcome {
        self.promote_if_expired(now);
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
        let rejected = self.rejected(now).or_else(|| self.refused(now));
        Snapshot {
            credential: self.valid(now).map(|cached| Arc::clone(&cached.credential)),
            rejected_since: rejected.as_ref().map(|rejected| rejected.since),
            rejection_evidence: rejected.map(|rejected| rejected.evidence),
            seen_current: self.watch.seen_current(),
            last_error: self.last_error().or_else(|| self.watch.error()).cloned(),
            last_probe: self.probe.last_probe().cloned(),
            successor: self
                .successor
                .as_ref()
                .filter(|successor| successor.was_tried())
                .map(|successor| Arc::clone(&successor.cached.credential)),
            usable_until: self.usable_until(now),
            next_deadline: self.refresh_due(now),
            cache_lifetime: self
                .last_request
                .as_ref()
                .map(|last_request| last_request.cache_lifetime),
        }
    }

    fn usable_until(&self, now: Now) -> Option<Timestamp> {
        let cached = self.valid(now)?;
        let left = cached.remaining(now, self.config.max_age)?;
        let has_expiry = cached.credential.lifetime.is_some();
        (!has_expiry).then(|| now.wall.saturating_add(left).unwrap_or(Timestamp::MAX))
    }

    /// Returns why no credential can be served.
    pub(crate) fn unavailable(&self, now: Now) -> CredentialUnavailable {
        let rejected = self.rejected(now).map(Reason::Rejected);
        let outdated = self.still_outdated().map(Reason::Outdated);
        let known = rejected.or(outdated).or_else(|| self.too_old(now));
        let reason = known.unwrap_or_else(|| {
            let error = self.last_error().cloned();
            Reason::Source(error.unwrap_or(SourceError::Forgotten))
        });
        // Each request for a rejected key looks at the source, unless that fails.
        let is_looked_for = matches!(reason, Reason::Rejected(_)) && self.last_error().is_none();
        let next_try = self
            .retry_at(now)
            .filter(|_| !is_looked_for)
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
        let is_undecided = self.successor.as_ref().is_some_and(Successor::is_undecided);
        // The fetch has brought another key, which is being tried. If the old one is rejected, it
        // is the only one to serve, also for a caller that came after the fetch.
        let awaits_trial = is_undecided && (ticket.flight.is_some() || self.probe.is_rejected());
        // The fetch has brought the rejected key again, which may be accepted again.
        let awaits_verdict =
            ticket.flight.is_some() && self.probe.is_rejected() && self.probe.is_under_way();
        // The probe has rejected the key and so started this fetch or trial.
        let awaits_replacement =
            ticket.probe.is_some() && (is_fetching || is_undecided) && self.probe.is_rejected();
        // The fetch began before a central rotation, and another one is under way.
        let awaits_rotation = ticket.flight.is_some() && is_fetching && self.outdated().is_some();
        if awaits_fetch
            || awaits_probe
            || awaits_trial
            || awaits_verdict
            || awaits_replacement
            || awaits_rotation
        {
            return true;
        }

        if ticket.wait_until.is_none_or(|until| now.tick >= until) {
            return false;
        }
        // The probe was inconclusive, and the fetch may bring a newer key.
        let is_renewing = is_fetching || is_undecided;
        let awaits_newer_key =
            ticket.probe.is_some() && is_renewing && !self.probe.has_just_accepted(now.tick);
        let awaits_refetch = ticket
            .refetch
            .is_some_and(|flight| !self.flight.is_finished(flight) || is_undecided);
        // A revalidation that finds a newer version starts a fetch.
        let awaits_revalidation = ticket
            .revalidation
            .is_some_and(|revalidation| !self.watch.is_finished(revalidation) || is_renewing);
        awaits_newer_key || awaits_refetch || awaits_revalidation
    }

    /// Serves the cached credential and records that its session has it, or fails.
    fn resolve(&mut self, now: Now, ticket: Ticket) -> Outcome {
        if self.refuse_if_retrying(now, ticket)
            && let Some(refused) = self.refused(now)
        {
            return Outcome::Failed(CredentialUnavailable {
                reason: Reason::Rejected(refused),
                next_try: Duration::ZERO,
            });
        }
        let is_rejected = self.probe.is_rejected();
        let Some(cached) = self.valid(now).filter(|_| !is_rejected) else {
            return Outcome::Failed(self.unavailable(now));
        };
        let credential = Arc::clone(&cached.credential);
        let reruns_after = cached.reruns_after(now);
        if let Some(request) = ticket.request {
            let key = cached.fingerprint.clone();
            self.sessions.record(request, &key, now.tick, reruns_after);
        }
        Outcome::Ready(credential)
    }

    /// The key that a client was refused recently although no probe has rejected it; `None` if
    /// there is none, or one has.
    fn refused(&self, now: Now) -> Option<Rejected> {
        let refusal = self.refusal.as_ref()?;
        let is_recent = now.tick.since(refusal.at) < REFUSAL_SHOWN;
        if self.probe.is_rejected() || !is_recent {
            return None;
        }
        let reason = match self.probe.last_probe().map(|last| &last.result) {
            Some(ProbeResult::Inconclusive(reason)) => Some(Box::new(reason.clone())),
            _ => None,
        };
        let cached = self.valid(now)?;
        let age = now.tick.since(refusal.since);
        let since = now.wall.saturating_sub(age).unwrap_or(now.wall);
        Some(self.rejection(now, cached, since, Evidence::ClientRetries(reason)))
    }

    fn rejected(&self, now: Now) -> Option<Rejected> {
        let cached = self.valid(now)?;
        let since = self.probe.rejected_since()?;
        Some(self.rejection(now, cached, since, Evidence::Probe))
    }

    fn rejection(
        &self,
        now: Now,
        cached: &Cached,
        since: Timestamp,
        evidence: Evidence,
    ) -> Rejected {
        Rejected {
            since,
            fingerprint: cached.fingerprint.clone(),
            version: cached.credential.version,
            age: now.tick.since(cached.obtained.tick),
            evidence,
        }
    }

    /// The key that a central rotation rejects; `None` if there is none, or if the source could not
    /// be asked for another one.
    fn still_outdated(&self) -> Option<Outdated> {
        let cached = self.outdated()?;
        let rotation = self.rotate_after.filter(|_| self.last_error().is_none())?;
        Some(Outdated {
            rotate_after: rotation.at,
            fingerprint: cached.fingerprint.clone(),
            version: cached.credential.version,
            issued: cached.issued.unwrap_or(cached.obtained.wall),
        })
    }

    /// Why the cached credential is too old, if it is: it has no expiry, and was not seen to be
    /// current for too long.
    fn too_old(&self, now: Now) -> Option<Reason> {
        let cached = self.cached.as_ref()?;
        let is_endless = cached.credential.lifetime.is_none();
        if !is_endless || self.valid(now).is_some() || self.outdated().is_some() {
            return None;
        }
        let age = now.tick.since(cached.confirmed);
        Some(Reason::TooOld {
            seen_current: now.wall.saturating_sub(age).unwrap_or(now.wall),
            error: self.last_error().cloned().map(Box::new),
        })
    }
}
