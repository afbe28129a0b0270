//! What a request leads to if the gateway may have rejected the cached key, or has.
//!
//! Pure: the session's history ([`client_retry`]), the last probe and the limits decide whether the
//! gateway is probed, the source is asked, or the key is served as it is.
//!
//! [`client_retry`]: crate::broker::client_retry

use std::{sync::Arc, time::Duration};

use super::{
    Slot,
    probe::{Consequence, UNINFORMATIVE_INTERVAL},
    types::{Action, SlotChange, Ticket},
};
use crate::{
    broker::{
        client_retry::{EarlyAsk, Signal},
        observer::FetchCause,
        request::AcquireRequest,
    },
    client_kind::HelperContext,
    clock::{Now, Tick},
    gateway::{Calibration, ProbeResult},
};

/// The shortest time between two fetches for requests for a rejected key: the next prompt finds the
/// key that an administrator has just put there.
pub(crate) const REJECTED_RECHECK: Duration = Duration::from_secs(2);

/// How recently the source must have returned the same key for a client that keeps coming back for
/// it to be refused it.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(60);

/// The last time that a client was refused a key that no probe has rejected.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) at: Tick,
    /// Since when the client kept coming back for it.
    pub(super) since: Tick,
}

impl Slot {
    /// Starts what a request for a key that counts as good leads to, and lets `ticket` wait for it.
    ///
    /// With a gateway a possible rejection leads to a probe; its result answers for further
    /// requests for a while. Only if it is inconclusive, or the client keeps retrying, is the
    /// source asked. Without a gateway the source is asked at once, within the refetch limit.
    pub(super) fn check_for_rejection(
        &mut self,
        now: Now,
        request: AcquireRequest,
        ticket: &mut Ticket,
    ) {
        let Some(cached) = &self.cached else { return };
        let current = &cached.fingerprint;
        let confirmed = cached.confirmed;
        let suspicion = match request.context {
            HelperContext::Rejected => FetchCause::RejectionStated,
            _ => FetchCause::RejectionInferred,
        };
        if self.sessions.is_refused(request, current, now.tick) {
            ticket.is_suspect = true;
            ticket.refuse_if_confirmed_since = Some(Tick::default());
            self.suspicion = Some(suspicion);
            ticket.flight = self.look_at_source(now);
            return;
        }
        match self.sessions.signal(request, current, now.tick) {
            Signal::None => {}
            Signal::Uninformative(ask) => self.check_uninformative(now, ask, ticket),
            Signal::PossibleReject(ask) => {
                ticket.is_suspect = !ask.is_immediate;
                ticket.refuse_if_confirmed_since = ask.retrying_since;
                self.suspicion = Some(suspicion);
                if self.config.has_gateway {
                    self.probe_suspect(now, ask, ticket);
                } else if !ask.is_immediate
                    && (confirmed <= ask.served_at || ask.retrying_since.is_some())
                {
                    ticket.refetch = self.refetch_if_allowed(now);
                }
            }
        }
    }

    /// The same for a request that comes as often without a 401: the key is probed, but not for a
    /// request that comes sooner than a client can meet a 401.
    fn check_uninformative(&mut self, now: Now, ask: Option<EarlyAsk>, ticket: &mut Ticket) {
        // It is never refused the key: pauses that grow are no proof of 401s.
        let retrying_since = ask.and_then(|ask| ask.retrying_since);
        if !self.config.has_gateway {
            if retrying_since.is_some() {
                ticket.refetch = self.refetch_if_allowed(now);
            }
            return;
        }
        let is_due = match ask {
            Some(ask) => {
                !ask.is_immediate
                    && self
                        .probe
                        .recent_result_for(ask.served_at, now.tick)
                        .is_none()
            }
            None => self.probe.is_older_than(UNINFORMATIVE_INTERVAL, now.tick),
        };
        if is_due || retrying_since.is_some() {
            // The request waits for the result: if a 401 is behind it, the next chance is the
            // client's next retry, which may be half a minute away.
            ticket.probe = self.start_probe(now, true);
            if ask.is_some_and(|ask| !ask.is_immediate) {
                self.probe.refetch_unless_settled(retrying_since.is_some());
            }
        }
    }

    fn probe_suspect(&mut self, now: Now, ask: EarlyAsk, ticket: &mut Ticket) {
        let is_retrying = ask.retrying_since.is_some();
        match self.probe.recent_result_for(ask.served_at, now.tick) {
            None => {
                ticket.probe = self.start_probe(now, true);
                if !ask.is_immediate {
                    self.probe.refetch_unless_settled(is_retrying);
                }
            }
            Some(ProbeResult::Accepted | ProbeResult::Known) if !is_retrying => {}
            Some(_) if ask.is_immediate => {}
            Some(_) => ticket.refetch = self.refetch_if_allowed(now),
        }
    }

    /// Starts what a request for a rejected key leads to: a fetch, as the source may have another
    /// key by now, and a probe, as the gateway may accept the key again.
    pub(super) fn recheck_rejected(&mut self, now: Now, ticket: &mut Ticket) {
        ticket.flight = self.look_at_source(now);
        if self.config.has_gateway && self.probe.recent_result(now.tick).is_none() {
            ticket.probe = self.start_probe(now, true);
        }
    }

    /// Probes the gateway with a rejected key that the source has just returned again, unless that
    /// was done just now: it may be accepted again.
    pub(super) fn recheck_verdict(&mut self, now: Now) {
        if self.config.has_gateway
            && self.successor.is_none()
            && self.probe.is_rejected()
            && self.probe.recent_result(now.tick).is_none()
        {
            self.start_probe(now, true);
        }
    }

    /// Returns the fetch under way, or starts one unless the last one was just now or the source
    /// fails: the back-off of a source that keeps returning the same key does not apply.
    fn look_at_source(&mut self, now: Now) -> Option<u64> {
        if let Some(flight) = self.flight.current() {
            return Some(flight);
        }
        let was_just_now = self
            .last_fetch
            .is_some_and(|at| now.tick.since(at) < REJECTED_RECHECK);
        let is_failing = self.retry.error().is_some() && self.retry_at(now).is_some();
        let cause = self.suspicion.unwrap_or(FetchCause::GatewayRejected);
        (!was_just_now && !is_failing).then(|| self.start_fetch(None, cause))
    }

    /// Refuses the caller with `ticket` the key if its client keeps coming back for it, the source
    /// still returns it, and the gateway does not say that it accepts it. Returns whether it does.
    pub(super) fn refuse_if_retrying(&mut self, now: Now, ticket: Ticket) -> bool {
        let (Some(since), Some(request), Some(cached)) = (
            ticket.refuse_if_confirmed_since,
            ticket.request,
            &self.cached,
        ) else {
            return false;
        };
        let is_confirmed =
            cached.confirmed >= since || now.tick.since(cached.confirmed) < CONFIRMED_WITHIN;
        let key = &cached.fingerprint;
        let Some(since) = self.sessions.retrying_since(request, key, now.tick) else {
            return false;
        };
        if !is_confirmed || self.probe.has_just_accepted(now.tick) {
            return false;
        }
        self.sessions.refuse(request, now.tick);
        let at = now.tick;
        self.refusal = Some(Refusal { at, since });
        true
    }

    /// Records how the gateway rejects a key.
    pub(crate) fn on_calibrated(&mut self, calibration: Calibration) {
        if let Calibration::Reliable(rejection) = calibration {
            self.evidence.rejection = Some(rejection);
        }
    }

    /// Records the result of a probe.
    pub(crate) fn on_probed(&mut self, now: Now, probe: u64, result: ProbeResult) {
        if !self.probe.finish(probe) {
            return;
        }
        let consequence = self.record_probe(now, result.clone());
        if self.decide_succession(now, &result) {
            return;
        }
        match consequence {
            Consequence::None => {}
            Consequence::Reissue => {
                if self.flight.current().is_none() {
                    let cause = self.suspicion.unwrap_or(FetchCause::GatewayRejected);
                    self.start_fetch(None, cause);
                }
            }
            // The newer key has arrived, and nothing speaks for the older one.
            Consequence::Refetch if self.successor.is_some() => self.promote_if_not_rejected(now),
            Consequence::Refetch => {
                self.refetch_if_allowed(now);
            }
        }
    }

    /// Records what the gateway has reported about the cached key.
    pub(super) fn record_probe(&mut self, now: Now, result: ProbeResult) -> Consequence {
        self.evidence.on_probed(now.tick, &result);
        let was_rejected = self.probe.is_rejected();
        let is_accepting = result.is_accepting();
        let consequence = self.probe.record(now, result);
        if is_accepting && consequence == Consequence::None {
            self.suspicion = None;
        }
        if self.probe.is_rejected() && !was_rejected {
            let rejected = self.cached.iter();
            let rejected = rejected.map(|cached| Arc::clone(&cached.credential));
            self.changes.extend(rejected.map(SlotChange::Rejected));
        }
        consequence
    }

    /// Returns the probe under way, or starts one; `None` if no credential is cached.
    /// `is_suspect` tells if a request suspects the key.
    pub(super) fn start_probe(&mut self, now: Now, is_suspect: bool) -> Option<u64> {
        let cached = self.cached.as_ref()?;
        let (probe, is_new) = self.probe.start(now.tick, is_suspect);
        if is_new {
            self.evidence.on_started();
            let credential = Arc::clone(&cached.credential);
            self.actions.push(Action::Probe { probe, credential });
        }
        Some(probe)
    }
}
