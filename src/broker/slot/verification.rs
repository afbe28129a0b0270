//! Probes that no suspicion calls for.
//!
//! Pure. A rejection counts only on a route that has accepted such a key before, so that route is
//! asked once while the key still works. And some gateways and clients never tell that a key is
//! rejected: a key in use is then probed at intervals.

use std::time::Duration;

use super::{Slot, successor::MIN_TRIED_LIFETIME, types::Ticket};
use crate::{
    broker::{client_retry::rules, request::AcquireRequest, retry},
    clock::{Now, Tick},
    gateway::{ProbeResult, Rejection},
};

/// How long it holds that the gateway has accepted or rejected a key; a day, as a calibration.
pub(crate) const EVIDENCE_TTL: Duration = Duration::from_secs(24 * 3600);

/// The time after an inconclusive probe until the next one; it doubles up to
/// [`MAX_EVIDENCE_PAUSE`].
pub(crate) const MIN_EVIDENCE_PAUSE: Duration = Duration::from_secs(60);

/// The longest such time.
pub(crate) const MAX_EVIDENCE_PAUSE: Duration = Duration::from_secs(3600);

/// The interval of verifications for clients of a gateway that answers 403, of which older ones end
/// the turn, if the source is not watched: that of a watched one.
const FORBIDDEN_INTERVAL: Duration = Duration::from_secs(30);

/// The shortest interval of verifications for a gateway or a client that never tells.
const MIN_SILENT_INTERVAL: Duration = Duration::from_secs(2);

/// What is known about the gateway's answers, whichever key it was probed with.
#[derive(Debug, Default)]
pub(super) struct GatewayEvidence {
    conclusive_at: Option<Tick>,
    /// When a probe must look for evidence.
    due: Option<Tick>,
    failures: u32,
    /// How the gateway rejects a key.
    pub(super) rejection: Option<Rejection>,
}

impl GatewayEvidence {
    /// When a probe must look for evidence; `None` if it need not.
    pub(super) fn due(&self) -> Option<Tick> {
        self.due
    }

    /// A key was obtained, of which the gateway has not been asked.
    pub(super) fn on_obtained(&mut self, now: Tick) {
        let is_known = self
            .conclusive_at
            .is_some_and(|at| now.since(at) < EVIDENCE_TTL);
        if !is_known && self.due.is_none() {
            // The timer starts it, when the callers that wait for the key are served.
            self.due = Some(now);
        }
    }

    /// A probe has started.
    pub(super) fn on_started(&mut self) {
        self.due = None;
    }

    /// A probe has finished.
    pub(super) fn on_probed(&mut self, now: Tick, result: &ProbeResult) {
        self.due = None;
        if !matches!(result, ProbeResult::Inconclusive(_)) {
            self.conclusive_at = Some(now);
            self.failures = 0;
        } else if self.conclusive_at.is_none() {
            let pause = retry::doubled(MIN_EVIDENCE_PAUSE, self.failures, MAX_EVIDENCE_PAUSE);
            self.failures = self.failures.saturating_add(1);
            self.due = Some(now + pause);
        }
    }
}

impl Slot {
    /// Has the gateway verify the key if neither it nor the client would tell that it is rejected;
    /// `ticket` waits for the result.
    pub(super) fn verify_if_due(&mut self, now: Now, request: AcquireRequest, ticket: &mut Ticket) {
        let rule = rules::rule(request.client, request.cache_lifetime);
        // At each request of a client that asks once in its cache lifetime: the last result came a
        // little later than the last request.
        let silent = (request.cache_lifetime / 2).max(MIN_SILENT_INTERVAL);
        let interval = match self.evidence.rejection {
            Some(Rejection::Other) => silent,
            _ if !rule.retries => silent,
            Some(Rejection::Forbidden) => self.config.watch.unwrap_or(FORBIDDEN_INTERVAL),
            Some(Rejection::Unauthorized) | None => return,
        };
        if self.config.has_gateway && self.probe.is_older_than(interval, now.tick) {
            ticket.probe = self.start_probe(now, false);
        }
    }

    /// Makes a probe due if the gateway has not been asked about such a key yet.
    pub(super) fn want_evidence(&mut self, now: Now) {
        let (Some(cached), true) = (&self.cached, self.config.has_gateway) else {
            return;
        };
        // One that soon expires is replaced before anything can be made of a rejection, and a
        // client that requests the key all the time has it probed all the same.
        let lifetime = cached.credential.lifetime;
        let lives_long = lifetime.is_none_or(|lifetime| lifetime >= MIN_TRIED_LIFETIME);
        let is_informative = self
            .last_request
            .as_ref()
            .is_none_or(|last_request| last_request.is_informative);
        if lives_long && is_informative {
            self.evidence.on_obtained(now.tick);
        }
    }

    /// Probes the gateway if evidence is due.
    pub(super) fn seek_evidence_if_due(&mut self, now: Now) {
        if self.evidence.due().is_some_and(|due| due <= now.tick) {
            self.start_probe(now, false);
        }
    }
}
