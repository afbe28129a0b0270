//! When a credential must be replaced.
//!
//! Pure: the remaining lifetime, the client's cache lifetime and the jitter are arguments.
//!
//! ```text
//! issued                                     advisory            mandatory  expiry
//!   |----------------- fresh --------------------|-- one renews, --|-- all --|
//!                                                   all get the      wait for
//!                                                   cached one       the new one
//! ```

use std::time::Duration;

/// What a served credential must live on beyond the client's cache lifetime: the client uses a key
/// once more after that (stale while revalidate), and a long request takes up to a minute.
pub(crate) const REQUEST_MARGIN: Duration = Duration::from_secs(60);

/// From this remaining lifetime on callers wait for the successor: a long request of the client may
/// outlive the credential.
pub(crate) const MANDATORY_WINDOW: Duration = Duration::from_secs(60);

/// The most of the lifetime that the mandatory window takes, as a divisor. A credential that lives
/// for a minute would otherwise never be served from memory.
const MANDATORY_DIVISOR: u32 = 10;

/// The least of the lifetime that the advisory window takes. With a lifetime of an hour the source
/// may be down for ten minutes before any caller waits for it.
const ADVISORY_FRACTION: f64 = 0.3;

/// The most of the lifetime that the advisory window takes. A credential that lives shorter than
/// the client caches would otherwise be replaced all the time.
const MAX_ADVISORY_FRACTION: f64 = 0.5;

/// How many cache lifetimes the advisory window covers at least. A client usually comes back while
/// there is still time to renew without making it wait.
const ADVISORY_CACHE_LIFETIMES: u32 = 2;

/// How far jitter moves the advisory window, as a fraction of it: laptops that started together
/// must not renew together.
const WINDOW_JITTER: f64 = 0.1;

/// How soon a credential must be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Not yet.
    None,
    /// Soon: fetch the successor and serve the current one meanwhile.
    Advisory,
    /// Now: wait for the successor, as far as the caller's deadline allows.
    Mandatory,
}

/// Returns how long before its expiry a credential that lives for `lifetime` must be replaced.
///
/// That is 30% of the lifetime or twice the client's cache lifetime, whichever is longer, at most
/// half of the lifetime, and ±10% by `jitter` (from 0 up to 1), which is drawn once for each
/// credential.
#[must_use]
pub(crate) fn advisory_window(
    lifetime: Duration,
    cache_lifetime: Duration,
    jitter: f64,
) -> Duration {
    let wanted = lifetime
        .mul_f64(ADVISORY_FRACTION)
        .max(cache_lifetime.saturating_mul(ADVISORY_CACHE_LIFETIMES));
    let factor = 1.0 - WINDOW_JITTER + 2.0 * WINDOW_JITTER * jitter.clamp(0.0, 1.0);
    wanted
        .min(lifetime.mul_f64(MAX_ADVISORY_FRACTION))
        .mul_f64(factor)
}

/// Returns the minimum remaining lifetime of a credential when it is served, so that the client
/// never sends an expired one.
#[must_use]
pub(crate) fn min_remaining(cache_lifetime: Duration) -> Duration {
    cache_lifetime.saturating_add(REQUEST_MARGIN)
}

/// Whether credentials that live for `lifetime` are too short-lived for a client that caches for
/// `cache_lifetime`: even a new one does not last the [minimum](min_remaining).
#[must_use]
pub(crate) fn is_too_short(lifetime: Duration, cache_lifetime: Duration) -> bool {
    lifetime <= min_remaining(cache_lifetime)
}

/// Returns the longest cache lifetime to recommend to a client of a source whose credentials live
/// for `lifetime`; `None` if they are too short-lived for any.
///
/// With it the client never holds an expired credential, and the source does not have to issue one
/// for every request: half the lifetime less [`REQUEST_MARGIN`], but at least a quarter of the
/// lifetime.
#[must_use]
pub(crate) fn longest_cache_lifetime(lifetime: Duration) -> Option<Duration> {
    let longest = (lifetime / 2)
        .saturating_sub(REQUEST_MARGIN)
        .max(lifetime / 4);
    (!is_too_short(lifetime, longest)).then_some(longest)
}

/// Returns from which remaining lifetime on callers wait for the successor of a credential that
/// lives for `lifetime`: see [`urgency`].
#[must_use]
pub(crate) fn mandatory_window(lifetime: Duration, cache_lifetime: Duration) -> Duration {
    let window = MANDATORY_WINDOW.min(lifetime / MANDATORY_DIVISOR);
    let min_remaining = min_remaining(cache_lifetime);
    if lifetime > min_remaining {
        // Less than the minimum, not the minimum itself.
        window.max(min_remaining.saturating_sub(Duration::from_nanos(1)))
    } else {
        window
    }
}

/// Returns how soon a credential must be replaced that lives for `lifetime`, of which `remaining`
/// is left, and has the advisory window `advisory`.
///
/// If the source's credentials live longer than the minimum remaining lifetime, one below it is
/// replaced before it is served. If they live shorter, a fresh one is below it as well and waiting
/// would not help; callers then wait only in the last [`MANDATORY_WINDOW`] or tenth of the
/// lifetime, whichever is shorter.
#[must_use]
pub(crate) fn urgency(
    lifetime: Duration,
    remaining: Duration,
    advisory: Duration,
    cache_lifetime: Duration,
) -> Urgency {
    if remaining <= mandatory_window(lifetime, cache_lifetime) {
        Urgency::Mandatory
    } else if remaining <= advisory {
        Urgency::Advisory
    } else {
        Urgency::None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn an_hour_long_key_is_replaced_with_eighteen_minutes_remaining() {
        assert_eq!(advisory_window(secs(3600), secs(300), 0.5), secs(1080));
    }

    #[test]
    fn a_short_lived_key_is_replaced_at_half_its_lifetime() {
        assert_eq!(advisory_window(secs(600), secs(300), 0.5), secs(300));
    }

    #[test]
    fn callers_wait_if_less_than_the_minimum_remains() {
        let urgency = |remaining| urgency(secs(3600), secs(remaining), secs(1080), secs(300));
        assert_eq!(urgency(2000), Urgency::None);
        assert_eq!(urgency(1080), Urgency::Advisory);
        assert_eq!(urgency(360), Urgency::Advisory);
        assert_eq!(urgency(359), Urgency::Mandatory);
    }

    #[test]
    fn a_source_whose_keys_never_reach_the_minimum_is_not_asked_all_the_time() {
        // A lifetime of five minutes for a client that caches for five: every key is below the
        // minimum.
        let urgency = |remaining| urgency(secs(300), secs(remaining), secs(150), secs(300));
        assert_eq!(urgency(299), Urgency::None);
        assert_eq!(urgency(150), Urgency::Advisory);
        assert_eq!(urgency(30), Urgency::Mandatory);
    }

    #[test]
    fn the_recommended_cache_lifetime_leaves_the_minimum() {
        for lifetime in [240, 300, 600, 3600, 86_400] {
            let recommended = longest_cache_lifetime(secs(lifetime)).unwrap();
            assert!(min_remaining(recommended) < secs(lifetime), "{lifetime}");
        }
        assert_eq!(longest_cache_lifetime(secs(600)), Some(secs(240)));
        assert_eq!(longest_cache_lifetime(secs(300)), Some(secs(90)));
        assert_eq!(
            longest_cache_lifetime(secs(81)),
            Some(Duration::from_millis(20_250))
        );
        for lifetime in [0, 1, 60, 79, 80] {
            assert_eq!(longest_cache_lifetime(secs(lifetime)), None, "{lifetime}");
        }
    }

    proptest! {
        #[test]
        fn the_window_opens_within_the_lifetime(
            lifetime in 1u64..10_000_000, cache in 0u64..100_000, jitter in 0.0..1.0f64,
        ) {
            let window = advisory_window(secs(lifetime), secs(cache), jitter);
            prop_assert!(window > Duration::ZERO);
            prop_assert!(window.as_secs_f64() <= 0.55 * lifetime as f64 + 1e-6);
        }

        #[test]
        fn jitter_moves_the_window_by_at_most_a_tenth(
            lifetime in 100u64..10_000_000, cache in 0u64..100_000, jitter in 0.0..1.0f64,
        ) {
            let middle = advisory_window(secs(lifetime), secs(cache), 0.5).as_secs_f64();
            let window = advisory_window(secs(lifetime), secs(cache), jitter).as_secs_f64();
            prop_assert!((window / middle - 1.0).abs() <= 0.1 + 1e-6);
        }

        #[test]
        fn urgency_only_grows_as_the_lifetime_runs_out(
            lifetime in 1u64..1_000_000, cache in 0u64..10_000, jitter in 0.0..1.0f64,
            a in 0.0..1.0f64, b in 0.0..1.0f64,
        ) {
            let (lifetime, cache) = (secs(lifetime), secs(cache));
            let window = advisory_window(lifetime, cache, jitter);
            let (more, less) = (lifetime.mul_f64(a.max(b)), lifetime.mul_f64(a.min(b)));
            prop_assert!(
                urgency(lifetime, less, window, cache) >= urgency(lifetime, more, window, cache)
            );
        }

        #[test]
        fn a_recommended_cache_lifetime_is_not_too_long(lifetime in 0u64..10_000_000) {
            if let Some(longest) = longest_cache_lifetime(Duration::from_millis(lifetime)) {
                prop_assert!(!is_too_short(Duration::from_millis(lifetime), longest));
                prop_assert!(!longest.is_zero());
            }
        }

        #[test]
        fn a_fresh_credential_is_not_urgent(
            lifetime in 1u64..1_000_000, cache in 0u64..10_000, jitter in 0.0..1.0f64,
        ) {
            let (lifetime, cache) = (secs(lifetime), secs(cache));
            let window = advisory_window(lifetime, cache, jitter);
            prop_assert_eq!(urgency(lifetime, lifetime, window, cache), Urgency::None);
        }
    }
}
