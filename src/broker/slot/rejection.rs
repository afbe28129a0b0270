//! What a request leads to if the gateway may have rejected the cached key, or has.
//!
//! Pure: the session's history ([`client_retry`]), the last probe and the limits decide whether the
//! gateway is probed, the source is asked, or the key is served as it is.

use std::sync::Arc;

use super::{
    Slot,
    types::{AcquireRequest, Action, Ticket},
};
use crate::{
    broker::client_retry::{self, Signal},
    clock::Now,
    gateway::ProbeResult,
};

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
        let signal = request
            .session
            .map_or(Signal::Uninformative { retrying: false }, |session| {
                let current = cached.credential.fingerprint();
                self.sessions
                    .signal(session, &current, now.tick, request.cache_lifetime)
            });
        match signal {
            Signal::None => {}
            Signal::Uninformative { retrying } => {
                let is_due = self.probe.is_due_for_uninformative(now.tick) || retrying;
                if self.config.has_gateway && is_due {
                    // The request waits for the result: if a 401 is behind it, the next chance is
                    // the client's next retry, which may be half a minute away.
                    ticket.probe = self.start_probe(now);
                }
            }
            Signal::PossibleReject {
                retrying,
                served_at,
            } if self.config.has_gateway => {
                let is_immediate = client_retry::is_immediate(served_at, now.tick);
                match self.probe.recent_result_for(served_at, now.tick) {
                    None => {
                        ticket.probe = self.start_probe(now);
                        if !is_immediate {
                            self.probe.refetch_unless_settled(retrying);
                        }
                    }
                    Some(ProbeResult::Accepted | ProbeResult::Known) if !retrying => {}
                    Some(_) if is_immediate => {}
                    Some(_) => ticket.refetch = self.refetch_if_allowed(now),
                }
            }
            // The client had no time for a 401, or the source has confirmed the key since.
            Signal::PossibleReject { served_at, .. }
                if client_retry::is_immediate(served_at, now.tick)
                    || cached.confirmed > served_at => {}
            Signal::PossibleReject { .. } => ticket.refetch = self.refetch_if_allowed(now),
        }
    }

    /// Starts what a request for a rejected key leads to: a fetch, as the source may have another
    /// key by now; during its back-off a probe, as the gateway may accept the key again.
    pub(super) fn recheck_rejected(&mut self, now: Now, ticket: &mut Ticket) {
        ticket.flight = self.fetch_if_allowed(now);
        if ticket.flight.is_none()
            && self.config.has_gateway
            && self.probe.recent_result(now.tick).is_none()
        {
            ticket.probe = self.start_probe(now);
        }
    }

    /// Returns the probe under way, or starts one; `None` if no credential is cached.
    fn start_probe(&mut self, now: Now) -> Option<u64> {
        let cached = self.cached.as_ref()?;
        let (probe, is_new) = self.probe.start(now.tick);
        if is_new {
            let credential = Arc::clone(&cached.credential);
            self.actions.push(Action::Probe { probe, credential });
        }
        Some(probe)
    }
}
