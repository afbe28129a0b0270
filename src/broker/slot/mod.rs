//! The state machine of one profile's credential.
//!
//! Pure: it reads no clock, draws no random numbers and does no I/O; `now` and `jitter` are
//! arguments. The driver reports what happened ([`Slot::acquire`], [`Slot::on_fetched`],
//! [`Slot::on_probed`], [`Slot::on_revalidated`], [`Slot::on_timer`]), runs the actions that follow
//! ([`Slot::take_actions`]), asks what a caller gets ([`Slot::poll`]) and when to call again
//! ([`Slot::next_deadline`]).
//!
//! At most one fetch is under way at any time (the single flight), at most one probe of the gateway
//! with each of the two keys and at most one revalidation at the source.
//!
//! The state and the events are here. What follows from them has a file each: `poll` (what a caller
//! gets), `schedule` (when the slot acts), `fetching` (fetches and their results), `rejection`
//! (what an early request leads to), `successor` (a newer key that the gateway must accept first),
//! `verification` (probes that no suspicion calls for).

pub(super) mod cached;
mod fetching;
mod in_flight;
mod poll;
pub(super) mod probe;
pub(super) mod refetch_limiter;
pub(super) mod rejection;
mod retry_state;
mod rotate_after;
pub(super) mod schedule;
pub(super) mod successor;
mod types;
pub(super) mod verification;
pub(super) mod watch;

use std::{mem, sync::Arc, time::Duration};

pub(crate) use self::types::{
    Action, Evidence, LastProbe, Outcome, Outdated, Reason, Rejected, SlotChange, SlotConfig,
    Ticket,
};
use self::{
    cached::Cached, in_flight::InFlight, probe::ProbeState, refetch_limiter::RefetchLimiter,
    rejection::Refusal, retry_state::RetryState, successor::Successor,
    verification::GatewayEvidence, watch::Watch,
};
pub use self::{
    rotate_after::RotateAfter,
    types::{CredentialUnavailable, Snapshot},
};
use super::{
    client_retry::{Sessions, rules},
    observer::{DropCause, FetchCause},
    renewal,
    request::AcquireRequest,
};
use crate::{
    client_kind::HelperContext,
    clock::{Now, Tick},
    credential::Credential,
    source::{Freshness, SourceError},
};

/// The longest that a caller waits for the source although a valid key is cached: the first caller
/// after an idle time, and one whose key may be rejected. Serving a rejected key would cost the
/// client about as much, because it sleeps for a second before it retries.
pub(crate) const MAX_REVALIDATION_WAIT: Duration = Duration::from_secs(1);

/// The state machine of one profile's credential. See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    config: SlotConfig,
    /// The latest central rotation.
    rotate_after: Option<RotateAfter>,
    cached: Option<Cached>,
    /// A newer credential of the source, until the gateway accepts it.
    successor: Option<Successor>,
    flight: InFlight,
    /// A refresh was requested during a fetch that may have read the source before the change that
    /// the refresh is about: fetch once more.
    follow_up: Option<FetchCause>,
    retry: RetryState,
    /// When the last fetch finished.
    last_fetch: Option<Tick>,
    last_request: Option<LastRequest>,
    sessions: Sessions,
    probe: ProbeState,
    evidence: GatewayEvidence,
    refusal: Option<Refusal>,
    refetch_limiter: RefetchLimiter,
    watch: Watch,
    /// What shows that the gateway may reject the key, until a fetch has started for it.
    suspicion: Option<FetchCause>,
    actions: Vec<Action>,
    changes: Vec<SlotChange>,
}

#[derive(Debug)]
struct LastRequest {
    at: Tick,
    cache_lifetime: Duration,
    /// Whether a person may be waiting for the key.
    is_of_person: bool,
    /// Whether the client requests the key only if it needs another one.
    is_informative: bool,
}

impl Slot {
    /// Creates a slot without a credential.
    #[must_use]
    pub(crate) fn new(config: SlotConfig) -> Self {
        Self {
            config,
            watch: Watch::new(config.watch),
            ..Self::default()
        }
    }

    /// Accepts a client's request and starts what it needs and the limits allow.
    pub(crate) fn acquire(&mut self, now: Now, request: AcquireRequest) -> Ticket {
        let was_in_use = self.is_in_use(now);
        self.last_request = Some(LastRequest {
            at: now.tick,
            cache_lifetime: request.cache_lifetime,
            is_of_person: request.context != HelperContext::Background,
            is_informative: rules::is_informative(request.client),
        });
        self.advance_successor(now);
        self.want_evidence(now);
        self.seek_evidence_if_due(now);
        let mut ticket = Ticket {
            asked: now.tick,
            request: Some(request),
            ..Ticket::default()
        };
        match self.urgency(now) {
            None | Some(renewal::Urgency::Mandatory) => ticket.flight = self.fetch_if_allowed(now),
            Some(renewal::Urgency::Advisory) if self.successor.is_none() => {
                self.fetch_if_allowed(now);
            }
            Some(renewal::Urgency::Advisory | renewal::Urgency::None) => {}
        }
        if ticket.flight.is_none() && self.valid(now).is_some() {
            if self.probe.is_rejected() {
                self.recheck_rejected(now, &mut ticket);
            } else {
                self.check_for_rejection(now, request, &mut ticket);
                if ticket.probe.is_none() {
                    self.verify_if_due(now, request, &mut ticket);
                }
            }
            if !was_in_use {
                ticket.revalidation = self.revalidate_if_due(now);
            }
            ticket.wait_until = Some(now.tick + MAX_REVALIDATION_WAIT);
        }
        ticket
    }

    /// Starts a fetch whatever is cached and whatever failed before. The cached credential stays
    /// until the new one has arrived, but no earlier verdict about it does.
    pub(crate) fn refresh(&mut self) -> Ticket {
        self.probe.clear_verdict();
        self.sessions.forgive();
        self.refusal = None;
        self.evidence = GatewayEvidence::default();
        let flight = self.flight.next();
        if self.flight.current().is_some() {
            self.follow_up = Some(FetchCause::Forced);
        } else {
            self.start_fetch(None, FetchCause::Forced);
        }
        Ticket {
            flight: Some(flight),
            ..Ticket::default()
        }
    }

    /// Records the result of a fetch.
    pub(crate) fn on_fetched(
        &mut self,
        now: Now,
        jitter: f64,
        flight: u64,
        result: Result<Credential, SourceError>,
    ) {
        if !self.flight.finish(flight) {
            // Abandoned by a logout or a new configuration.
            return;
        }
        self.last_fetch = Some(now.tick);
        match result {
            Ok(credential) => self.store(now, jitter, credential),
            Err(error) => self.record_failure(now, jitter, error),
        }
        if let Some(cause) = self.follow_up.take() {
            self.start_fetch(None, cause);
        }
    }

    /// Records the result of a revalidation.
    pub(crate) fn on_revalidated(
        &mut self,
        now: Now,
        jitter: f64,
        revalidation: u64,
        result: Result<Freshness, SourceError>,
    ) {
        if !self.watch.finish(revalidation) {
            return;
        }
        match result {
            Ok(Freshness::Fresh) => {
                self.watch.confirm(now, jitter);
                let successor = self
                    .successor
                    .as_mut()
                    .map(|successor| &mut successor.cached);
                if let Some(latest) = successor.or(self.cached.as_mut()) {
                    latest.confirmed = now.tick;
                }
            }
            Ok(Freshness::Stale) => {
                self.watch.back_off(now, jitter, None);
                // The back-off of earlier fetches does not apply: this one brings another key.
                if self.flight.current().is_none() {
                    self.start_fetch(None, FetchCause::Rotation);
                }
            }
            Ok(Freshness::Unknown) => self.watch.stop(),
            Err(error) if error.is_final() => self.record_failure(now, jitter, error),
            Err(error) => self.watch.back_off(now, jitter, Some(error)),
        }
    }

    /// Starts what is due. Called at the time that [`Slot::next_deadline`] returned; a call at any
    /// other time is harmless.
    pub(crate) fn on_timer(&mut self, now: Now) {
        if !self.is_in_use(now) || self.valid(now).is_none() {
            return;
        }
        self.advance_successor(now);
        self.seek_evidence_if_due(now);
        let is_due = self.probe.is_rejected() || self.urgency(now) != Some(renewal::Urgency::None);
        if is_due && self.successor.is_none() {
            self.fetch_if_allowed(now);
        }
        self.revalidate_if_due(now);
    }

    /// Forgets everything, abandons what is under way and returns what must be revoked. The next
    /// request finds the slot as if it were the first: no back-off and no limit is left.
    pub(crate) fn forget(&mut self) -> Option<Arc<Credential>> {
        // Resolve all waiters, including those queued for the follow-up fetch.
        self.flight.abandon();
        if self.follow_up.take().is_some() {
            self.flight.start();
            self.flight.abandon();
        }
        let cached = self.drop_cached();
        self.retry = RetryState::default();
        self.last_fetch = None;
        self.evidence = GatewayEvidence::default();
        self.refetch_limiter = RefetchLimiter::default();
        self.sessions = Sessions::default();
        self.last_request = None;
        cached.map(|cached| cached.credential)
    }

    /// The cached credential, if it has a lease.
    pub(crate) fn leased(&self) -> Option<Arc<Credential>> {
        let cached = self.cached.as_ref()?;
        cached
            .credential
            .lease
            .is_some()
            .then(|| Arc::clone(&cached.credential))
    }

    /// Drops `revoked`, if it is the cached credential. The next request fetches.
    pub(crate) fn drop_revoked(&mut self, revoked: &Arc<Credential>) {
        let mut cached = self.cached.iter();
        if cached.any(|cached| Arc::ptr_eq(&cached.credential, revoked)) {
            self.drop_because(DropCause::Revoked);
        }
    }

    /// Returns the actions that the driver must run now, each once.
    pub(crate) fn take_actions(&mut self) -> Vec<Action> {
        mem::take(&mut self.actions)
    }

    /// Returns the changes since the last call, for the observer.
    pub(crate) fn take_changes(&mut self) -> Vec<SlotChange> {
        mem::take(&mut self.changes)
    }

    /// Rejects what was issued before a central rotation. If the profile is in use, a new
    /// credential is fetched at once, so that the next request finds it.
    pub(crate) fn rotate_after(&mut self, now: Now, rotation: Option<RotateAfter>) {
        if self.rotate_after == rotation {
            return;
        }
        self.rotate_after = rotation;
        if self.flight.current().is_some() {
            // It may have read the source before the rotation.
            self.follow_up = Some(FetchCause::Policy);
        } else if self.outdated().is_some() {
            // The back-off of earlier fetches does not apply: this one brings another key.
            self.retry = RetryState::default();
            if self.is_in_use(now) {
                self.start_fetch(None, FetchCause::Policy);
            }
        }
    }

    /// The cached credential, if it has not expired and no central rotation rejects it.
    fn valid(&self, now: Now) -> Option<&Cached> {
        let max_age = self.config.max_age;
        self.cached.as_ref().filter(|cached| {
            let left = cached.remaining(now, max_age);
            left.is_none_or(|left| !left.is_zero()) && !self.is_outdated(cached)
        })
    }

    /// The cached credential, if a central rotation rejects it.
    fn outdated(&self) -> Option<&Cached> {
        let cached = self.cached.as_ref()?;
        self.is_outdated(cached).then_some(cached)
    }

    fn is_outdated(&self, cached: &Cached) -> bool {
        self.rotate_after
            .is_some_and(|rotation| rotation.rejects(cached))
    }
}

#[cfg(test)]
mod tests;
