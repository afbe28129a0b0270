//! How long to wait before a source that failed is asked again.
//!
//! Pure: the number of failures and the jitter are arguments.

use std::time::Duration;

/// The shortest delay, and so how long a failure is remembered at least: two hundred callers within
/// one second share one failed attempt.
pub(crate) const MIN_DELAY: Duration = Duration::from_secs(1);

/// The longest delay. An operator who has just repaired Vault waits at most five minutes until
/// every machine has noticed.
pub(crate) const MAX_DELAY: Duration = Duration::from_secs(300);

/// The longest `Retry-After` of a source that is obeyed, jitter included. A longer one is probably
/// a mistake, and would keep a rotated key from being noticed for a day. A person who waits without
/// a key waits for [`MAX_DELAY`] at most.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The largest exponent of a doubling: beyond it every longest pause applies, and the shift must
/// not overflow.
const MAX_DOUBLINGS: u32 = 16;

/// Returns the pause after `doublings` doublings of the `first` one, at most the `longest`.
#[must_use]
pub(crate) fn doubled(first: Duration, doublings: u32, longest: Duration) -> Duration {
    first
        .saturating_mul(1 << doublings.min(MAX_DOUBLINGS))
        .min(longest)
}

/// Returns how long to wait after the `failures`th failure in a row, counted from 1: a random part
/// (`jitter`, from 0 up to 1) of 1 s · 2ⁿ⁻¹, at most [`MAX_DELAY`] and at least [`MIN_DELAY`].
///
/// This is "full jitter": it spreads ten thousand laptops that lost the same Vault at the same
/// moment. See <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.
///
/// If the source sent `retry_after`, the delay is at least that long; up to a tenth is added, so
/// that not all clients come back in the same second.
#[must_use]
pub(crate) fn delay(failures: u32, retry_after: Option<Duration>, jitter: f64) -> Duration {
    let bound = doubled(MIN_DELAY, failures.saturating_sub(1), MAX_DELAY);
    let backoff = bound.mul_f64(jitter.clamp(0.0, 1.0)).max(MIN_DELAY);
    let requested = retry_after.map_or(Duration::ZERO, |after| {
        after
            .min(MAX_RETRY_AFTER)
            .mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0)
            .min(MAX_RETRY_AFTER)
    });
    backoff.max(requested)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_delay_doubles_up_to_five_minutes() {
        let longest = |failures| delay(failures, None, 1.0).as_secs();
        let waits: Vec<u64> = (1..=12).map(longest).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    }

    #[test]
    fn retry_after_is_obeyed() {
        let requested = Some(Duration::from_secs(30));
        assert_eq!(delay(1, requested, 0.0), Duration::from_secs(30));
        assert_eq!(delay(1, requested, 1.0), Duration::from_secs(33));
    }

    proptest! {
        #[test]
        fn the_delay_stays_within_its_bounds(failures: u32, jitter in 0.0..1.0f64) {
            let wait = delay(failures, None, jitter);
            prop_assert!(wait >= MIN_DELAY && wait <= MAX_DELAY);
        }

        #[test]
        fn the_delay_is_never_shorter_than_retry_after(
            failures: u32, jitter in 0.0..1.0f64, requested in 0u64..10_000,
        ) {
            let requested = Duration::from_secs(requested);
            prop_assert!(delay(failures, Some(requested), jitter) >= requested.min(MAX_RETRY_AFTER));
        }
    }
}
