//! When a credential is due to be replaced. Pure: the life that is left, the client's cache lifetime and chance are
//! arguments.
//!
//! ```text
//! issued                                     advisory            mandatory  expiry
//!   |------------------ rest --------------------|--- one renews ---|-- all --|
//!                                                   the others get     wait for
//!                                                   the cached one     the new one
//! ```

use std::time::Duration;

/// What is added to the client's cache lifetime in the promise: the client uses a key once more after that
/// (stale-while-revalidate), and its request takes its time.
pub(crate) const MARGIN: Duration = Duration::from_secs(60);

/// From here on callers wait for the successor: less is left than a long request of the client's takes.
pub(crate) const MANDATORY: Duration = Duration::from_secs(60);

/// How large a part of the life the advisory window is at least.
const ADVISORY_PART: f64 = 0.3;

/// How large a part of the life the advisory window is at most: a key that lives shorter than the client caches would
/// otherwise be replaced without pause.
const ADVISORY_LARGEST_PART: f64 = 0.5;

/// How far chance moves the advisory window, so that laptops that started together don't renew together.
const JITTER: f64 = 0.1;

/// How soon a credential should be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Not yet.
    None,
    /// Soon: fetch the successor, serve the current one meanwhile.
    Advisory,
    /// Now: wait for the successor, as far as the caller's deadline allows.
    Mandatory,
}

/// How long before its end a credential that lives for `lifetime` is to be replaced: 30% of its life or twice the
/// client's cache lifetime, whichever is longer, half of its life at most, and ±10% by `jitter` (from 0 up to 1), which
/// is drawn once for each credential.
#[must_use]
pub(crate) fn advisory_window(
    lifetime: Duration,
    cache_lifetime: Duration,
    jitter: f64,
) -> Duration {
    let wanted = lifetime
        .mul_f64(ADVISORY_PART)
        .max(cache_lifetime.saturating_mul(2));
    let factor = 1.0 - JITTER + 2.0 * JITTER * jitter.clamp(0.0, 1.0);
    wanted
        .min(lifetime.mul_f64(ADVISORY_LARGEST_PART))
        .mul_f64(factor)
}

/// How long a credential has to live on when it is handed out, so that the client never sends a dead one.
#[must_use]
pub(crate) fn min_remaining(cache_lifetime: Duration) -> Duration {
    cache_lifetime.saturating_add(MARGIN)
}

/// The longest cache lifetime with which a client of a source whose credentials live for `lifetime` never holds a dead
/// one, and does not make the source issue one for every ask: half the life less [`MARGIN`], or a quarter of the life
/// where that leaves too little.
#[must_use]
pub(crate) fn longest_cache_lifetime(lifetime: Duration) -> Duration {
    (lifetime / 2).saturating_sub(MARGIN).max(lifetime / 4)
}

/// How soon a credential should be replaced that was to live for `lifetime`, has `remaining` of it left and was given
/// the window `advisory`.
///
/// Where the source's credentials live longer than the promise, one that can't keep it is replaced before it is handed
/// out. Where they live shorter, the best there is has to do, and waiting starts at [`MANDATORY`] or a tenth of the
/// life, whichever is shorter.
#[must_use]
pub(crate) fn urgency(
    lifetime: Duration,
    remaining: Duration,
    advisory: Duration,
    cache_lifetime: Duration,
) -> Urgency {
    let min_remaining = min_remaining(cache_lifetime);
    let mandatory = MANDATORY.min(lifetime / 10);
    let is_below_minimum = lifetime > min_remaining && remaining < min_remaining;
    if remaining <= mandatory || is_below_minimum {
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
    fn an_hours_key_is_replaced_when_eighteen_minutes_are_left() {
        assert_eq!(advisory_window(secs(3600), secs(300), 0.5), secs(1080));
    }

    #[test]
    fn a_short_key_is_replaced_at_half_its_life() {
        assert_eq!(advisory_window(secs(600), secs(300), 0.5), secs(300));
    }

    #[test]
    fn a_key_that_breaks_the_promise_is_waited_for() {
        let urgency = |left| urgency(secs(3600), secs(left), secs(1080), secs(300));
        assert_eq!(urgency(2000), Urgency::None);
        assert_eq!(urgency(1080), Urgency::Advisory);
        assert_eq!(urgency(360), Urgency::Advisory);
        assert_eq!(urgency(359), Urgency::Mandatory);
    }

    #[test]
    fn a_source_that_can_not_keep_the_promise_is_not_pestered() {
        // Five minutes of life for a client that caches for five: every hand-out is short.
        let urgency = |left| urgency(secs(300), secs(left), secs(150), secs(300));
        assert_eq!(urgency(299), Urgency::None);
        assert_eq!(urgency(150), Urgency::Advisory);
        assert_eq!(urgency(30), Urgency::Mandatory);
    }

    #[test]
    fn what_is_advised_to_cache_keeps_the_promise() {
        for lifetime in [240, 300, 600, 3600, 86_400] {
            let advised = longest_cache_lifetime(secs(lifetime));
            assert!(min_remaining(advised) < secs(lifetime), "{lifetime}");
        }
        assert_eq!(longest_cache_lifetime(secs(600)), secs(240));
        assert_eq!(longest_cache_lifetime(secs(300)), secs(90));
    }

    proptest! {
        #[test]
        fn the_window_opens_within_the_life(
            lifetime in 1u64..10_000_000, cache in 0u64..100_000, jitter in 0.0..1.0f64,
        ) {
            let window = advisory_window(secs(lifetime), secs(cache), jitter);
            prop_assert!(window > Duration::ZERO);
            prop_assert!(window.as_secs_f64() <= 0.55 * lifetime as f64 + 1e-6);
        }

        #[test]
        fn chance_moves_the_window_by_a_tenth_at_most(
            lifetime in 100u64..10_000_000, cache in 0u64..100_000, jitter in 0.0..1.0f64,
        ) {
            let middle = advisory_window(secs(lifetime), secs(cache), 0.5).as_secs_f64();
            let window = advisory_window(secs(lifetime), secs(cache), jitter).as_secs_f64();
            prop_assert!((window / middle - 1.0).abs() <= 0.1 + 1e-6);
        }

        #[test]
        fn need_only_grows_as_life_runs_out(
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
        fn a_fresh_credential_needs_nothing(
            lifetime in 1u64..1_000_000, cache in 0u64..10_000, jitter in 0.0..1.0f64,
        ) {
            let (lifetime, cache) = (secs(lifetime), secs(cache));
            let window = advisory_window(lifetime, cache, jitter);
            prop_assert_eq!(urgency(lifetime, lifetime, window, cache), Urgency::None);
        }
    }
}
