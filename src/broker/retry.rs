//! When to try a source again that failed. Pure: the time is a number of failures, chance is an argument.

use std::time::Duration;

/// How long a failure is remembered at least: two hundred callers of one second share one failed try.
pub(crate) const MIN_DELAY: Duration = Duration::from_secs(1);

/// The longest wait: what an operator who has just repaired Vault has patience for.
pub(crate) const MAX_DELAY: Duration = Duration::from_secs(300);

/// The longest that a source's own `Retry-After` is obeyed: an hour. A larger one is a mistake somewhere.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// How long to wait after the `failures`th failure in a row (from 1): a random part (`jitter`, from 0 up to 1) of
/// 1 s · 2ⁿ⁻¹, 5 min at most, but never less than [`MIN_DELAY`].
///
/// This is "full jitter": it spreads ten thousand laptops that lost the same Vault at the same moment. See
/// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.
///
/// `retry_after`, where the source gave one, is the least; up to a tenth is added, so that not all come back in the
/// same second.
#[must_use]
pub(crate) fn delay(failures: u32, retry_after: Option<Duration>, jitter: f64) -> Duration {
    let exponent = failures.saturating_sub(1).min(16);
    let bound = MIN_DELAY.saturating_mul(1 << exponent).min(MAX_DELAY);
    let own = bound.mul_f64(jitter.clamp(0.0, 1.0)).max(MIN_DELAY);
    let asked = retry_after.map_or(Duration::ZERO, |after| {
        after
            .min(MAX_RETRY_AFTER)
            .mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0)
    });
    own.max(asked)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn doubles_up_to_five_minutes() {
        let longest = |failures| delay(failures, None, 1.0).as_secs();
        let waits: Vec<u64> = (1..=12).map(longest).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    }

    #[test]
    fn obeys_retry_after() {
        let asked = Some(Duration::from_secs(30));
        assert_eq!(delay(1, asked, 0.0), Duration::from_secs(30));
        assert_eq!(delay(1, asked, 1.0), Duration::from_secs(33));
    }

    proptest! {
        #[test]
        fn stays_within_its_bounds(failures: u32, jitter in 0.0..1.0f64) {
            let wait = delay(failures, None, jitter);
            prop_assert!(wait >= MIN_DELAY && wait <= MAX_DELAY);
        }

        #[test]
        fn never_comes_back_before_it_was_asked_to(
            failures: u32, jitter in 0.0..1.0f64, asked in 0u64..10_000,
        ) {
            let asked = Duration::from_secs(asked);
            prop_assert!(delay(failures, Some(asked), jitter) >= asked.min(MAX_RETRY_AFTER));
        }
    }
}
