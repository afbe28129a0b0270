//! What follows from a hint that the key may be dead.

use std::sync::Arc;

use super::{AcquireRequest, Action, Slot, Ticket};
use crate::{
    broker::client_retry::{self, Signal},
    clock::Now,
    gateway::ProbeResult,
};

impl Slot {
    /// What an early second ask leads to.
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
                    // Waited for: where a 401 is behind this, the next chance is a retry that may be far away.
                    ticket.probe = self.start_probe(now);
                }
            }
            Signal::PossibleReject { retrying, given } if self.config.has_gateway => {
                let is_immediate = client_retry::is_immediate(given, now.tick);
                match self.probe.result_for(given, now.tick) {
                    None => {
                        ticket.probe = self.start_probe(now);
                        if !is_immediate {
                            self.probe.suspect(retrying);
                        }
                    }
                    Some(ProbeResult::Accepted) if !retrying => {}
                    Some(_) if is_immediate => {}
                    Some(_) => ticket.refetch = self.refetch_if_allowed(now),
                }
            }
            // There was no time for a 401, or the source has been asked since.
            Signal::PossibleReject { given, .. }
                if client_retry::is_immediate(given, now.tick) || cached.confirmed > given => {}
            Signal::PossibleReject { .. } => ticket.refetch = self.refetch_if_allowed(now),
        }
    }

    /// The key is dead: is there another one by now, or does the gateway take it again?
    pub(super) fn recheck_rejected(&mut self, now: Now, ticket: &mut Ticket) {
        ticket.flight = self.fetch_if_allowed(now);
        if ticket.flight.is_none()
            && self.config.has_gateway
            && self.probe.result(now.tick).is_none()
        {
            ticket.probe = self.start_probe(now);
        }
    }

    /// The flight that may bring something better than a key that may be dead, under way or started now; `None` where it is
    /// too soon for another one.
    pub(super) fn refetch_if_allowed(&mut self, now: Now) -> Option<u64> {
        if let Some(flight) = self.flight.current() {
            return Some(flight);
        }
        let is_allowed =
            self.retry.retry_at(now.tick).is_none() && self.refetch_limiter.allow(now.tick);
        is_allowed.then(|| self.start_fetch(None))
    }

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
