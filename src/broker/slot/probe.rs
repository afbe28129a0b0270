//! What the gateway says of the key that is held.

use std::time::Duration;

use super::in_flight::InFlight;
use crate::{
    clock::{Now, Tick, Timestamp},
    gateway::ProbeResult,
    secret::Fingerprint,
};

/// How long a verdict holds: the clients that met the same 401 come within this time.
const HOLDS: Duration = Duration::from_secs(5);

/// A verdict is as good as new for who was given the key after it, once this many questions were asked in a row: a
/// script that asks for the key in a loop is not to become a loop at the gateway.
const BURST: u32 = 5;

/// How long it takes until one more may be asked.
const REFILL: Duration = Duration::from_secs(2);

/// How often a key is tried for clients whose coming back tells nothing.
const UNINFORMATIVE_INTERVAL: Duration = Duration::from_secs(30);

/// What the gateway says of the key that is held.
#[derive(Debug, Default)]
pub(super) struct ProbeState {
    in_flight: InFlight,
    key: Option<Fingerprint>,
    heard: Option<(Tick, ProbeResult)>,
    rejected_since: Option<Timestamp>,
    /// Questions that were asked in a row, and since when they are being forgiven.
    asked: u32,
    forgiven_at: Tick,
    /// Somebody doubts the key for whom "cannot tell" (or, if he insists, even "good") is not the end of it.
    is_suspected: bool,
    is_retrying: bool,
}

impl ProbeState {
    /// What is held from now on. The same key again changes nothing of what was said of it.
    pub(super) fn hold(&mut self, key: &Fingerprint) {
        if self.key.as_ref() != Some(key) {
            self.in_flight.forget();
            *self = Self {
                in_flight: std::mem::take(&mut self.in_flight),
                key: Some(key.clone()),
                ..Self::default()
            };
        }
    }

    /// Nothing is held.
    pub(super) fn forget(&mut self) {
        self.in_flight.forget();
        *self = Self {
            in_flight: std::mem::take(&mut self.in_flight),
            ..Self::default()
        };
    }

    /// Since when the gateway refuses the key that is held; `None` where it does not, as far as is known.
    pub(super) fn rejected_since(&self) -> Option<Timestamp> {
        self.rejected_since
    }

    /// What the gateway said a moment ago.
    pub(super) fn result(&self, now: Tick) -> Option<&ProbeResult> {
        let (at, result) = self.heard.as_ref()?;
        (now.since(*at) < HOLDS).then_some(result)
    }

    /// As above, for a session that was last given the key at `given`. If that was after the verdict, its coming back
    /// is news, and the gateway is to be asked again.
    pub(super) fn result_for(&self, given: Tick, now: Tick) -> Option<&ProbeResult> {
        let (at, _) = self.heard.as_ref()?;
        let is_news = given >= *at && self.asked_in_a_row(now) < BURST;
        self.result(now).filter(|_| !is_news)
    }

    fn asked_in_a_row(&self, now: Tick) -> u32 {
        let forgiven = now.since(self.forgiven_at).as_secs() / REFILL.as_secs();
        self.asked
            .saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
    }

    /// Whether it is time to try the key for a client whose coming back tells nothing; it is while it is being tried.
    pub(super) fn is_due_for_uninformative(&self, now: Tick) -> bool {
        self.heard
            .as_ref()
            .is_none_or(|(at, _)| now.since(*at) >= UNINFORMATIVE_INTERVAL)
    }

    /// The number of the question that is under way, and whether it starts only now.
    pub(super) fn start(&mut self, now: Tick) -> (u64, bool) {
        if let Some(number) = self.in_flight.current() {
            return (number, false);
        }
        self.asked = self.asked_in_a_row(now) + 1;
        self.forgiven_at = now;
        (self.in_flight.start(), true)
    }

    /// Somebody doubts the key while it is being tried.
    pub(super) fn suspect(&mut self, retrying: bool) {
        self.is_suspected = true;
        self.is_retrying |= retrying;
    }

    pub(super) fn is_finished(&self, number: u64) -> bool {
        self.in_flight.is_finished(number)
    }

    /// The gateway has answered. What follows from it.
    pub(super) fn on_probed(&mut self, now: Now, number: u64, result: ProbeResult) -> Consequence {
        if !self.in_flight.end(number) {
            return Consequence::None;
        }
        let is_suspected = std::mem::take(&mut self.is_suspected);
        let is_retrying = std::mem::take(&mut self.is_retrying);
        let consequence = match &result {
            ProbeResult::Accepted => {
                self.rejected_since = None;
                if is_retrying {
                    Consequence::Refetch
                } else {
                    Consequence::None
                }
            }
            ProbeResult::Rejected => {
                let is_news = self.rejected_since.is_none();
                self.rejected_since.get_or_insert(now.wall);
                if is_news {
                    Consequence::Reissue
                } else {
                    Consequence::None
                }
            }
            ProbeResult::Inconclusive(_) if is_suspected => Consequence::Refetch,
            ProbeResult::Inconclusive(_) => Consequence::None,
        };
        self.heard = Some((now.tick, result));
        consequence
    }
}

/// What follows from a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consequence {
    /// Nothing.
    None,
    /// The key is dead: another one is needed at once.
    Reissue,
    /// The key may be dead: the source is asked, at a bounded rate.
    Refetch,
}
