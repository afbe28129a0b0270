//! Looking whether what is held is still what the source has.

use std::time::Duration;

use super::in_flight::InFlight;
use crate::{
    broker::retry,
    clock::{Now, Tick, Timestamp},
};

/// How far chance moves the next look, so that laptops do not look together.
const JITTER: f64 = 0.1;

/// Looking whether what is held is still what the source has.
#[derive(Debug, Default)]
pub(super) struct Watch {
    in_flight: InFlight,
    /// `None`: never.
    every: Option<Duration>,
    next: Option<Tick>,
    failures: u32,
    seen_current: Option<Timestamp>,
}

impl Watch {
    pub(super) fn every(every: Option<Duration>) -> Self {
        Self {
            every,
            ..Self::default()
        }
    }

    /// A credential was obtained: it is what the source has.
    pub(super) fn obtained(&mut self, now: Now, jitter: f64) {
        self.seen(now, jitter);
    }

    /// When the next look is due; `None` where there is none or one is under way.
    pub(super) fn due(&self) -> Option<Tick> {
        self.next.filter(|_| self.in_flight.current().is_none())
    }

    pub(super) fn current(&self) -> Option<u64> {
        self.in_flight.current()
    }

    /// The number of the look that starts now.
    pub(super) fn start(&mut self) -> u64 {
        self.in_flight.start()
    }

    /// Whether `number` is the look that was under way.
    pub(super) fn end(&mut self, number: u64) -> bool {
        self.in_flight.end(number)
    }

    pub(super) fn is_finished(&self, number: u64) -> bool {
        self.in_flight.is_finished(number)
    }

    /// It is what the source has.
    pub(super) fn seen(&mut self, now: Now, jitter: f64) {
        self.failures = 0;
        self.seen_current = Some(now.wall);
        self.next = self.every.map(|every| now.tick + jittered(every, jitter));
    }

    /// The source could not be asked.
    pub(super) fn failed(&mut self, now: Now, jitter: f64, retry_after: Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        let wait = retry::delay(self.failures, retry_after, jitter);
        self.next = self
            .every
            .map(|every| now.tick + wait.max(jittered(every, jitter)));
    }

    /// When what is held was last known to be what the source has.
    pub(super) fn seen_current(&self) -> Option<Timestamp> {
        self.seen_current
    }

    /// Nothing is held.
    pub(super) fn forget(&mut self) {
        self.in_flight.forget();
        self.next = None;
        self.seen_current = None;
        self.failures = 0;
    }
}

fn jittered(every: Duration, jitter: f64) -> Duration {
    every.mul_f64(1.0 - JITTER + 2.0 * JITTER * jitter.clamp(0.0, 1.0))
}
