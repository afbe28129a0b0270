//! A newer credential of the source, which is tried at the gateway before it replaces one that
//! still works.
//!
//! Pure. A rotation is rarely done in the source and in the gateway at the same moment. If the
//! gateway still rejects the new key and accepts the old one, the old one is served and the new one
//! is tried again, so that an overlap in either order costs no client a request.

use std::{sync::Arc, time::Duration};

use super::{
    Slot,
    cached::Cached,
    in_flight::InFlight,
    probe::RESULT_TTL,
    refetch_limiter::RefetchLimiter,
    types::{Action, SlotChange},
};
use crate::{
    broker::{renewal, retry},
    clock::{Now, Tick},
    gateway::{Inconclusive, ProbeResult},
};

/// The time until a successor that the gateway rejects is tried again; it doubles up to
/// [`MAX_PAUSE`].
pub(crate) const MIN_PAUSE: Duration = Duration::from_secs(2);

/// The longest time between two trials: so long the old key may be served after the gateway has
/// learnt the new one, which costs nothing, as both work.
pub(crate) const MAX_PAUSE: Duration = Duration::from_secs(30);

/// How often a successor is tried of which the gateway cannot tell anything: it replaces the old
/// key then, because the source's word is all there is.
const MAX_INCONCLUSIVE: u32 = 3;

/// The shortest lifetime of a credential whose successor is tried. One that lives for minutes has
/// many of them, and the gateway trusts their issuer.
pub(super) const MIN_TRIED_LIFETIME: Duration = Duration::from_secs(600);

/// A credential that may replace the cached one.
#[derive(Debug)]
pub(super) struct Successor {
    pub(super) cached: Cached,
    probe: InFlight,
    /// When it is tried next, unless a probe of it or of its predecessor is under way.
    due: Tick,
    rejections: u32,
    inconclusive: u32,
    /// The gateway rejects it; whether its predecessor fares better is being found out.
    awaits_predecessor: bool,
    /// When the last probe of it proved that the gateway rejects it, if it did.
    rejected_at: Option<Tick>,
}

impl Successor {
    fn new(cached: Cached, now: Tick) -> Self {
        Self {
            cached,
            probe: InFlight::default(),
            due: now,
            rejections: 0,
            inconclusive: 0,
            awaits_predecessor: false,
            rejected_at: None,
        }
    }

    /// Whether it is not decided yet which of the two keys is served.
    pub(super) fn is_undecided(&self) -> bool {
        self.probe.current().is_some() || self.awaits_predecessor
    }

    /// Whether the gateway was asked about it, and did not accept it.
    pub(super) fn was_tried(&self) -> bool {
        self.rejections + self.inconclusive > 0
    }

    /// Whether the gateway is or was asked about it.
    fn was_probed(&self) -> bool {
        self.probe.next() > 1
    }

    /// When it is tried next; `None` while it is.
    pub(super) fn due(&self) -> Option<Tick> {
        (!self.is_undecided()).then_some(self.due)
    }

    fn put_off(&mut self, now: Tick) {
        let pauses = (self.rejections + self.inconclusive).saturating_sub(1);
        self.due = now + retry::doubled(MIN_PAUSE, pauses, MAX_PAUSE);
        self.awaits_predecessor = false;
    }
}

impl Slot {
    /// Takes over a credential that the source has returned in place of the cached one: at once, or
    /// after the gateway has accepted it.
    pub(super) fn succeed(&mut self, now: Now, new: Cached) {
        match &mut self.successor {
            // What its trials have shown stays.
            Some(successor) if successor.cached.credential.secret == new.credential.secret => {
                successor.cached = new;
            }
            _ => self.successor = Some(Successor::new(new, now.tick)),
        }
        if self.must_try(now) {
            self.try_successor(now);
        } else {
            self.promote_successor(now);
        }
    }

    /// Whether a newer credential waits for the gateway to accept it.
    pub(crate) fn has_successor(&self) -> bool {
        self.successor.is_some()
    }

    /// Whether the cached credential is worth more than a new one that was not tried.
    fn must_try(&self, now: Now) -> bool {
        let Some(cached) = self.valid(now).filter(|_| self.config.has_gateway) else {
            return false;
        };
        let lifetime = cached.credential.lifetime;
        self.probe.is_rejected() || lifetime.is_none_or(|lifetime| lifetime >= MIN_TRIED_LIFETIME)
    }

    /// Probes the gateway with the successor now, if there is one and it is not being tried.
    pub(super) fn try_successor(&mut self, now: Now) {
        let Some(successor) = &mut self.successor else {
            return;
        };
        if successor.is_undecided() {
            return;
        }
        successor.due = now.tick + MAX_PAUSE;
        let probe = successor.probe.start();
        let credential = Arc::clone(&successor.cached.credential);
        self.actions
            .push(Action::ProbeSuccessor { probe, credential });
    }

    /// Tries the successor again if it is due, and takes it over if the cached credential is about
    /// to expire.
    pub(super) fn advance_successor(&mut self, now: Now) {
        if self.successor.is_none() {
            return;
        }
        if matches!(self.urgency(now), None | Some(renewal::Urgency::Mandatory)) {
            self.promote_successor(now);
            return;
        }
        let successor = self.successor.as_ref();
        if successor
            .and_then(Successor::due)
            .is_some_and(|due| due <= now.tick)
        {
            self.try_successor(now);
        }
    }

    /// Records what the gateway reports about the successor.
    pub(crate) fn on_successor_probed(&mut self, now: Now, probe: u64, result: ProbeResult) {
        let Some(successor) = &mut self.successor else {
            return;
        };
        if !successor.probe.finish(probe) {
            return;
        }
        match result {
            ProbeResult::Accepted | ProbeResult::Known => {
                self.promote_successor(now);
                self.record_probe(now, result);
            }
            ProbeResult::Rejected | ProbeResult::Inconclusive(Inconclusive::Unproven { .. }) => {
                successor.rejections += 1;
                successor.rejected_at = (result == ProbeResult::Rejected).then_some(now.tick);
                if self.probe.is_rejected() {
                    self.promote_successor(now);
                } else if self.probe.has_just_accepted(now.tick) {
                    successor.put_off(now.tick);
                } else {
                    successor.awaits_predecessor = true;
                    self.start_probe(now, false);
                }
            }
            ProbeResult::Inconclusive(_) => {
                successor.inconclusive += 1;
                if successor.inconclusive >= MAX_INCONCLUSIVE
                    || self.probe.is_rejected()
                    || !is_passing(&result)
                {
                    self.promote_successor(now);
                } else {
                    successor.put_off(now.tick);
                }
            }
        }
    }

    /// Decides between the cached key, which has just been probed, and its successor.
    ///
    /// Returns whether the successor is the answer to the cached key's rejection.
    pub(super) fn decide_succession(&mut self, now: Now, result: &ProbeResult) -> bool {
        let Some(successor) = &mut self.successor else {
            return false;
        };
        let is_rejected = *result == ProbeResult::Rejected;
        if successor.awaits_predecessor {
            successor.awaits_predecessor = false;
            let is_proven = successor.rejected_at.is_some();
            // If the route says nothing about either key, the source's word is all there is.
            if result.is_accepting() || (is_proven && !is_rejected) {
                successor.put_off(now.tick);
            } else {
                self.promote_successor(now);
            }
        } else if is_rejected {
            self.try_successor(now);
        }
        is_rejected
    }

    /// Takes the successor over because a request suspects the old key and no probe can tell,
    /// unless the gateway has rejected it.
    pub(super) fn promote_if_not_rejected(&mut self, now: Now) {
        let successor = self.successor.as_ref();
        if successor.is_some_and(|successor| successor.rejected_at.is_some()) {
            self.try_successor(now);
        } else {
            self.promote_successor(now);
        }
    }

    /// Makes the successor the cached credential if that has expired.
    pub(super) fn promote_if_expired(&mut self, now: Now) {
        if self.valid(now).is_none() {
            self.promote_successor(now);
        }
    }

    /// Makes the successor the cached credential.
    pub(super) fn promote_successor(&mut self, now: Now) {
        let Some(successor) = self.successor.take() else {
            return;
        };
        if successor.was_probed() {
            let credential = Arc::clone(&successor.cached.credential);
            self.changes.push(SlotChange::Promoted(credential));
        }
        let Successor {
            cached,
            rejected_at,
            ..
        } = successor;
        self.refusal = None;
        self.refetch_limiter = RefetchLimiter::default();
        self.probe.set_key(&cached.fingerprint);
        self.cached = Some(cached);
        self.want_evidence(now);
        match rejected_at {
            Some(at) if now.tick.since(at) < RESULT_TTL => {
                self.record_probe(now, ProbeResult::Rejected);
            }
            // The next request has it probed again.
            Some(_) => self.probe.assume_rejected(now),
            None => {}
        }
    }
}

/// Whether the reason may be gone at the next trial.
fn is_passing(result: &ProbeResult) -> bool {
    matches!(
        result,
        ProbeResult::Inconclusive(
            Inconclusive::NoResponse(_)
                | Inconclusive::NotTheKey { .. }
                | Inconclusive::NotJson { .. }
                | Inconclusive::Uncalibrated
        )
    )
}
