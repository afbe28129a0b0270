//! When a daemon in use looks for a newer policy.

use std::time::Duration;

/// How much longer or shorter than `watch` the time between two looks is at most, so that the
/// machines of a company do not all ask at once.
const SPREAD: f64 = 0.1;

/// The time that one look may take. The smallest `watch` is twice as long.
pub(crate) const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// The time from the start of one look to the start of the next; `jitter` is a random number from 0
/// to 1.
#[must_use]
pub(crate) fn interval(watch: Duration, jitter: f64) -> Duration {
    watch.mul_f64(1.0 - SPREAD + 2.0 * SPREAD * jitter.clamp(0.0, 1.0))
}

/// The longest time from the publication of a policy until a daemon in use that reaches the server
/// has it: the server answered the look before just ahead of the publication, and takes its time
/// for the next one. A cache on the way adds the time for which it serves the older policy.
#[must_use]
pub(crate) fn worst_case(watch: Duration) -> Duration {
    interval(watch, 1.0) + LOOK_TIMEOUT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, ManualClock, Timestamp};

    /// The time from the publication, `published_after` the start of the clock, until one daemon
    /// has the policy. Each look takes a random time, at some part of which the server answers.
    fn delay(watch: Duration, published_after: Duration, random: &mut fastrand::Rng) -> Duration {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let published = clock.now().tick + published_after;
        loop {
            let look = clock.now().tick;
            let took = LOOK_TIMEOUT.mul_f64(random.f64());
            let answered = took.mul_f64(random.f64());
            let sees_it = look + answered >= published;
            clock.advance(took);
            if sees_it {
                return clock.now().tick.since(published);
            }
            clock.advance(interval(watch, random.f64()).saturating_sub(took));
        }
    }

    #[test]
    fn no_daemon_is_later_than_the_worst_case() {
        for watch in [10, 60, 3600].map(Duration::from_secs) {
            let worst = worst_case(watch);
            let mut latest = Duration::ZERO;
            for seed in 0..20_000 {
                let mut random = fastrand::Rng::with_seed(seed);
                let published = watch.mul_f64(random.f64() * 20.0);
                let delay = delay(watch, published, &mut random);
                assert!(delay <= worst, "{watch:?}, seed {seed}: {delay:?}");
                latest = latest.max(delay);
            }
            // The bound is not a loose one.
            assert!(
                latest > worst.mul_f64(0.85),
                "{watch:?}: {latest:?} of {worst:?}"
            );
        }
    }

    #[test]
    fn the_worst_case_of_a_minute_is_71_seconds() {
        assert_eq!(worst_case(Duration::from_secs(60)), Duration::from_secs(71));
    }

    #[test]
    fn looks_are_spread_around_the_interval() {
        let watch = Duration::from_secs(100);
        for (jitter, secs) in [(0.0, 90), (0.5, 100), (1.0, 110), (7.0, 110)] {
            assert_eq!(interval(watch, jitter), Duration::from_secs(secs));
        }
    }
}
