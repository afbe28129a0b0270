//! The schedule of revalidations: is the cached credential still the one that the source has?
//!
//! Pure: the time and the jitter are arguments. A source that answers is asked once an interval;
//! one that fails is asked with the back-off of [`retry`].

use std::time::Duration;

use super::in_flight::InFlight;
use crate::{
    broker::retry,
    clock::{Now, Tick, Timestamp},
    source::SourceError,
};

/// How far jitter moves the next revalidation, as a fraction of the interval: laptops that started
/// together must not ask the source together.
pub(crate) const WATCH_JITTER: f64 = 0.1;

/// When the source is next asked whether it has a newer version.
///
/// Every 30 s by default, so that a rotation is noticed before any client meets a 401; less often,
/// up to every five minutes, if the source does not answer.
#[derive(Debug, Default)]
pub(super) struct Watch {
    in_flight: InFlight,
    /// The configured `watch`; `None` if the source is never asked.
    interval: Option<Duration>,
    next: Option<Tick>,
    failures: u32,
    seen_current: Option<Timestamp>,
    /// Why the last revalidation failed.
    error: Option<SourceError>,
}

impl Watch {
    /// Revalidates every `interval`, or never.
    pub(super) fn new(interval: Option<Duration>) -> Self {
        Self {
            interval,
            ..Self::default()
        }
    }

    /// When the next revalidation is due; `None` if there is none or one is under way.
    pub(super) fn due(&self) -> Option<Tick> {
        self.next.filter(|_| self.in_flight.current().is_none())
    }

    /// The number of the revalidation under way.
    pub(super) fn current(&self) -> Option<u64> {
        self.in_flight.current()
    }

    /// Starts a revalidation and returns its number.
    pub(super) fn start(&mut self) -> u64 {
        self.in_flight.start()
    }

    /// Finishes a revalidation; see [`InFlight::finish`].
    pub(super) fn finish(&mut self, number: u64) -> bool {
        self.in_flight.finish(number)
    }

    /// Whether revalidation `number` has finished.
    pub(super) fn is_finished(&self, number: u64) -> bool {
        self.in_flight.is_finished(number)
    }

    /// Records that the source has exactly the cached credential.
    pub(super) fn confirm(&mut self, now: Now, jitter: f64) {
        self.failures = 0;
        self.error = None;
        self.seen_current = Some(now.wall);
        self.next = self
            .interval
            .map(|interval| now.tick + jittered(interval, jitter));
    }

    /// Records that the source failed to answer, or has a newer credential that must be fetched
    /// first (no error): the next revalidation waits for the back-off.
    pub(super) fn back_off(&mut self, now: Now, jitter: f64, error: Option<SourceError>) {
        self.failures = self.failures.saturating_add(1);
        let retry_after = error.as_ref().and_then(SourceError::retry_after);
        self.error = error;
        let delay = retry::delay(self.failures, retry_after, jitter);
        self.next = self
            .interval
            .map(|interval| now.tick + delay.max(jittered(interval, jitter)));
    }

    /// Why the last revalidation failed; `None` if it succeeded or there was none.
    pub(super) fn error(&self) -> Option<&SourceError> {
        self.error.as_ref()
    }

    /// When the cached credential was last known to be the one that the source has.
    pub(super) fn seen_current(&self) -> Option<Timestamp> {
        self.seen_current
    }

    /// Stops until the next credential is fetched: none is cached, or the source cannot be asked.
    pub(super) fn stop(&mut self) {
        self.in_flight.abandon();
        self.next = None;
        self.seen_current = None;
        self.error = None;
        self.failures = 0;
    }
}

fn jittered(interval: Duration, jitter: f64) -> Duration {
    interval.mul_f64(1.0 - WATCH_JITTER + 2.0 * WATCH_JITTER * jitter.clamp(0.0, 1.0))
}
