//! When to ask whether the user has entered a device code (RFC 8628, section 3.5). Pure.

use std::time::Duration;

use super::super::server::DeviceCode;
use crate::clock::Tick;

/// How much longer the interval is after each `slow_down`.
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// The longest pause that missing answers alone lead to: a user who has entered the code during an
/// outage waits at most so long after it.
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// What a request for the tokens brought, if not the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PollResult {
    /// The user has not decided yet, or the server cannot say for now.
    Pending { retry_after: Option<Duration> },
    /// The requests come too often.
    SlowDown { retry_after: Option<Duration> },
    /// No answer, or that of another program.
    NoAnswer,
}

/// The polls for one device code.
#[derive(Clone, Debug)]
pub(super) struct PollSchedule {
    interval: Duration,
    /// The number of requests without an answer in a row.
    unanswered: u32,
    next: Tick,
    expires_at: Tick,
}

impl PollSchedule {
    pub(super) fn new(code: &DeviceCode) -> Self {
        let start = code.obtained.tick;
        Self {
            interval: code.interval,
            unanswered: 0,
            next: start + code.interval,
            expires_at: start + code.lifetime,
        }
    }

    /// The time of the next request; `None` if the code has expired by then.
    pub(super) fn next_poll(&self) -> Option<Tick> {
        (self.next < self.expires_at).then_some(self.next)
    }

    /// Takes note of a result that arrived at `now`.
    pub(super) fn on_result(&mut self, now: Tick, result: PollResult) {
        let requested = match result {
            PollResult::NoAnswer => {
                self.unanswered = self.unanswered.saturating_add(1);
                None
            }
            PollResult::Pending { retry_after } => {
                self.unanswered = 0;
                retry_after
            }
            PollResult::SlowDown { retry_after } => {
                self.unanswered = 0;
                self.interval = self.interval.saturating_add(SLOW_DOWN);
                retry_after
            }
        };
        let pause = self.pause().max(requested.unwrap_or_default());
        self.next = now + pause;
    }

    /// The interval, doubled for each request in a row that had no answer.
    fn pause(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.unanswered).unwrap_or(u32::MAX);
        let doubled = self.interval.saturating_mul(factor);
        doubled.min(MAX_BACKOFF).max(self.interval)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        clock::{Now, Timestamp},
        secret::Secret,
    };

    const START: Tick = Tick(Duration::from_secs(1000));

    fn schedule(interval: u64, lifetime: u64) -> PollSchedule {
        PollSchedule::new(&DeviceCode {
            device_code: Secret::new("device".to_owned()),
            user_code: "ABCD".to_owned(),
            verification_uri: "https://idp.test/device".to_owned(),
            verification_uri_complete: None,
            obtained: Now {
                tick: START,
                wall: Timestamp::UNIX_EPOCH,
            },
            lifetime: Duration::from_secs(lifetime),
            interval: Duration::from_secs(interval),
        })
    }

    /// The pauses after each of `results`, which arrive at once.
    fn pauses(interval: u64, results: &[PollResult]) -> Vec<u64> {
        let mut schedule = schedule(interval, 1_000_000);
        let mut pauses = Vec::new();
        for result in results {
            let now = schedule.next_poll().unwrap();
            schedule.on_result(now, *result);
            pauses.push(schedule.next_poll().unwrap().since(now).as_secs());
        }
        pauses
    }

    const PENDING: PollResult = PollResult::Pending { retry_after: None };
    const SLOW: PollResult = PollResult::SlowDown { retry_after: None };

    #[test]
    fn slow_down_makes_every_later_interval_longer() {
        assert_eq!(
            pauses(5, &[PENDING, SLOW, PENDING, SLOW, PENDING]),
            [5, 10, 10, 15, 15]
        );
    }

    #[test]
    fn silence_doubles_the_interval_until_an_answer_comes() {
        let silence = PollResult::NoAnswer;
        assert_eq!(
            pauses(5, &[silence, silence, silence, silence, PENDING]),
            [10, 20, 40, 60, 5]
        );
        assert_eq!(
            pauses(90, &[silence, silence]),
            [90, 90],
            "never sooner than asked"
        );
    }

    #[test]
    fn retry_after_is_obeyed_once() {
        let after = |seconds| Some(Duration::from_secs(seconds));
        let slow = PollResult::SlowDown {
            retry_after: after(30),
        };
        let pending = PollResult::Pending {
            retry_after: after(1),
        };
        assert_eq!(pauses(5, &[slow, PENDING, pending]), [30, 10, 10]);
    }

    #[test]
    fn no_poll_comes_when_the_code_has_expired() {
        assert_eq!(schedule(5, 5).next_poll(), None);
        let mut schedule = schedule(5, 12);
        schedule.on_result(START + Duration::from_secs(5), PENDING);
        assert_eq!(schedule.next_poll(), Some(START + Duration::from_secs(10)));
        schedule.on_result(START + Duration::from_secs(10), PENDING);
        assert_eq!(schedule.next_poll(), None);
    }

    fn result() -> impl Strategy<Value = PollResult> {
        let after = || prop::option::of((0u64..600).prop_map(Duration::from_secs));
        prop_oneof![
            after().prop_map(|retry_after| PollResult::Pending { retry_after }),
            after().prop_map(|retry_after| PollResult::SlowDown { retry_after }),
            Just(PollResult::NoAnswer),
        ]
    }

    proptest! {
        #[test]
        fn polls_are_apart_by_the_interval_and_end_with_the_code(
            interval in 0u64..300,
            lifetime in 0u64..3600,
            results in prop::collection::vec((result(), 0u64..30), 0..200),
        ) {
            let mut schedule = schedule(interval, lifetime);
            let end = START + Duration::from_secs(lifetime);
            let mut slowed = interval;
            for (result, took) in results {
                let Some(at) = schedule.next_poll() else { break };
                prop_assert!(at < end);
                let now = at + Duration::from_secs(took);
                schedule.on_result(now, result);
                let requested = match result {
                    PollResult::SlowDown { retry_after } => {
                        slowed += 5;
                        retry_after
                    }
                    PollResult::Pending { retry_after } => retry_after,
                    PollResult::NoAnswer => None,
                };
                let least = Duration::from_secs(slowed).max(requested.unwrap_or_default());
                let pause = schedule.next.since(now);
                prop_assert!(pause >= least);
                prop_assert!(pause <= least.max(MAX_BACKOFF));
            }
        }
    }
}
