//! What the gateway reports about the cached key: the probe under way, the last result and its age.
//!
//! Pure: the driver runs the probe and reports its result. This file decides whether an earlier
//! result still answers the question, and what a new one leads to.

use std::time::Duration;

use super::{in_flight::InFlight, types::LastProbe};
use crate::{
    clock::{Now, Tick, Timestamp},
    gateway::ProbeResult,
    secret::Fingerprint,
};

/// How long a result answers for further requests. All sessions that met the same 401 come back
/// within this time, and one probe serves them all.
pub(crate) const RESULT_TTL: Duration = Duration::from_secs(5);

/// How many probes may follow one another for sessions that were served the key after the last
/// result. A script that requests the key in a loop must not become a loop at the gateway.
pub(crate) const PROBE_BURST: u32 = 5;

/// The interval at which one more probe is allowed after a burst: at most 30 a minute, a load
/// that no gateway notices.
pub(crate) const PROBE_REFILL: Duration = Duration::from_secs(2);

/// How often the key is probed for clients whose early requests carry no information and whose
/// process is unknown.
pub(crate) const UNINFORMATIVE_INTERVAL: Duration = Duration::from_secs(30);

/// The probes of the cached key.
#[derive(Debug, Default)]
pub(super) struct ProbeState {
    in_flight: InFlight,
    key: Option<Fingerprint>,
    last_result: Option<(Tick, LastProbe)>,
    /// Whether the last result answers for requests that suspect the key.
    answers_suspects: bool,
    /// Whether a request suspects the key that the probe under way is about.
    has_suspect: bool,
    rejected_since: Option<Timestamp>,
    /// The rejection is of the key's version before: it counts until the probe under way finishes.
    is_verdict_outdated: bool,
    /// The probes of the current burst, as of `burst_at`; [`PROBE_REFILL`] gives them back.
    burst: u32,
    burst_at: Tick,
    /// A request during the probe under way suspects the key: an inconclusive result leads to a
    /// refetch.
    refetch_if_inconclusive: bool,
    /// The client of such a request retries one 401 after another: even an accepting result leads
    /// to a refetch, because the probed route may accept what the client's route rejects.
    refetch_if_accepted: bool,
}

impl ProbeState {
    /// Sets the key that later results are about. The results so far remain if the key is the same.
    pub(super) fn set_key(&mut self, key: &Fingerprint) {
        if self.key.as_ref() != Some(key) {
            self.clear();
            self.key = Some(key.clone());
        }
    }

    /// Forgets the key and all results; the probe under way is abandoned.
    pub(super) fn clear(&mut self) {
        self.in_flight.abandon();
        *self = Self {
            in_flight: std::mem::take(&mut self.in_flight),
            ..Self::default()
        };
    }

    /// Forgets the results about the key, because a user has asked for a refresh. The probe under
    /// way goes on.
    pub(super) fn clear_verdict(&mut self) {
        self.last_result = None;
        self.rejected_since = None;
    }

    /// The gateway rejected the key some time ago, when it was not served yet.
    pub(super) fn assume_rejected(&mut self, now: Now) {
        self.rejected_since = Some(now.wall);
    }

    /// The key has a new version: a rejection needs a new probe to count.
    pub(super) fn outdate_verdict(&mut self) {
        self.last_result = None;
        self.is_verdict_outdated = self.is_rejected();
    }

    /// Whether the gateway rejects the cached key, as far as is known.
    pub(super) fn is_rejected(&self) -> bool {
        self.rejected_since.is_some()
    }

    /// Since when the gateway is known to reject the cached key.
    pub(super) fn rejected_since(&self) -> Option<Timestamp> {
        self.rejected_since
    }

    /// The last result, with its time by the wall clock.
    pub(super) fn last_probe(&self) -> Option<&LastProbe> {
        self.last_result.as_ref().map(|(_, last)| last)
    }

    /// The last result, if it is younger than [`RESULT_TTL`].
    pub(super) fn recent_result(&self, now: Tick) -> Option<&ProbeResult> {
        let (at, last) = self.last_result.as_ref()?;
        (now.since(*at) < RESULT_TTL).then_some(&last.result)
    }

    /// Whether the gateway has accepted the key within [`RESULT_TTL`].
    pub(super) fn has_just_accepted(&self, now: Tick) -> bool {
        self.recent_result(now)
            .is_some_and(ProbeResult::is_accepting)
    }

    /// Whether no probe of the key has finished within `interval`; also true while one is under
    /// way: the request then waits for its result.
    pub(super) fn is_older_than(&self, interval: Duration, now: Tick) -> bool {
        self.last_result
            .as_ref()
            .is_none_or(|(at, _)| now.since(*at) >= interval)
    }

    /// The recent result for a session that was last served the key at `served_at`.
    ///
    /// `None` also if the session was served after the result: its early request then reports
    /// something newer, and the gateway must be asked again unless a burst of probes is used up.
    /// And `None` if no request suspected the key when it was probed: the gateway may have rejected
    /// it since, which is what this request may be about.
    pub(super) fn recent_result_for(&self, served_at: Tick, now: Tick) -> Option<&ProbeResult> {
        let (at, _) = self
            .last_result
            .as_ref()
            .filter(|_| self.answers_suspects)?;
        let is_outdated = served_at >= *at && self.current_burst(now) < PROBE_BURST;
        self.recent_result(now).filter(|_| !is_outdated)
    }

    fn current_burst(&self, now: Tick) -> u32 {
        let refilled = now.since(self.burst_at).as_secs() / PROBE_REFILL.as_secs();
        self.burst
            .saturating_sub(u32::try_from(refilled).unwrap_or(u32::MAX))
    }

    /// Returns the number of the probe under way, and whether it was started by this call.
    /// `is_suspect` tells if a request suspects the key.
    pub(super) fn start(&mut self, now: Tick, is_suspect: bool) -> (u64, bool) {
        self.has_suspect |= is_suspect;
        if let Some(number) = self.in_flight.current() {
            return (number, false);
        }
        self.burst = self.current_burst(now) + 1;
        self.burst_at = now;
        (self.in_flight.start(), true)
    }

    /// Whether a probe is under way.
    pub(super) fn is_under_way(&self) -> bool {
        self.in_flight.current().is_some()
    }

    /// Makes an inconclusive result of the probe under way lead to a refetch and, if the client is
    /// `retrying`, also an accepting one.
    pub(super) fn refetch_unless_settled(&mut self, retrying: bool) {
        self.refetch_if_inconclusive = true;
        self.refetch_if_accepted |= retrying;
    }

    /// Whether probe `number` has finished.
    pub(super) fn is_finished(&self, number: u64) -> bool {
        self.in_flight.is_finished(number)
    }

    /// Finishes probe `number`. Returns `false` if it was abandoned: its result must be ignored.
    pub(super) fn finish(&mut self, number: u64) -> bool {
        self.in_flight.finish(number)
    }

    /// Records the result of a probe and returns what it leads to.
    pub(super) fn record(&mut self, now: Now, result: ProbeResult) -> Consequence {
        let refetch_if_inconclusive = std::mem::take(&mut self.refetch_if_inconclusive);
        let refetch_if_accepted = std::mem::take(&mut self.refetch_if_accepted);
        let is_verdict_outdated = std::mem::take(&mut self.is_verdict_outdated);
        let consequence = match &result {
            ProbeResult::Accepted | ProbeResult::Known => {
                self.rejected_since = None;
                if refetch_if_accepted {
                    Consequence::Refetch
                } else {
                    Consequence::None
                }
            }
            ProbeResult::Rejected if is_verdict_outdated => {
                // The source was asked just now.
                self.rejected_since = Some(now.wall);
                Consequence::None
            }
            ProbeResult::Rejected => {
                let is_new = self.rejected_since.is_none();
                self.rejected_since.get_or_insert(now.wall);
                if is_new {
                    Consequence::Reissue
                } else {
                    Consequence::None
                }
            }
            ProbeResult::Inconclusive(_) if is_verdict_outdated => {
                self.rejected_since = None;
                Consequence::None
            }
            ProbeResult::Inconclusive(_) if refetch_if_inconclusive => Consequence::Refetch,
            ProbeResult::Inconclusive(_) => Consequence::None,
        };
        let at = now.wall;
        self.answers_suspects = std::mem::take(&mut self.has_suspect);
        self.last_result = Some((now.tick, LastProbe { at, result }));
        consequence
    }
}

/// What a probe's result leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consequence {
    /// Nothing.
    None,
    /// The key is newly rejected: the source must issue another one at once.
    Reissue,
    /// The key may be rejected: fetch again, within the limits of
    /// [`RefetchLimiter`](super::refetch_limiter::RefetchLimiter).
    Refetch,
}
