//! What the client makes of the key's lifetime and of the gateway's rejections.

use super::Facts;
use crate::{
    broker::{client_retry::rules::MIN_INFORMATIVE_LIFETIME, renewal},
    gateway::{Calibration, Rejection},
};

/// Advice for a client that caches for longer than the source's credentials are valid.
pub(super) fn short_lifetime(facts: &Facts<'_>) -> Option<String> {
    let lifetime = facts.snapshot.credential.as_ref()?.lifetime?;
    let cached = facts.snapshot.cache_lifetime?;
    if !renewal::is_too_short(lifetime, cached) {
        return None;
    }
    let needed = renewal::min_remaining(cached);
    let issue_longer = format!(
        "let source '{}' issue keys that are valid for more than {} s",
        facts.profile.source,
        needed.as_secs() + u64::from(needed.subsec_nanos() > 0),
    );
    let remedy = match renewal::longest_cache_lifetime(lifetime) {
        Some(longest) => format!(
            "set CLAUDE_CODE_API_KEY_HELPER_TTL_MS to {} or less, or {issue_longer}",
            longest.as_millis()
        ),
        None => issue_longer,
    };
    Some(format!(
        "the client caches for {} s, but a key is valid for {} s: {remedy}",
        cached.as_secs(),
        lifetime.as_secs(),
    ))
}

/// Advice for a client that caches so briefly that it comes back as early without a 401 as with
/// one, if no probe can tell either.
///
/// A client that caches nothing is not meant: it has no cache lifetime that could be set.
pub(super) fn short_cache_lifetime(facts: &Facts<'_>) -> Option<String> {
    let cached = facts.snapshot.cache_lifetime?;
    let can_tell = matches!(facts.calibration, Some(Calibration::Reliable(_)));
    (!can_tell && !cached.is_zero() && cached < MIN_INFORMATIVE_LIFETIME).then(|| {
        format!(
            "the client caches for {} ms, so that an early request does not show a 401, and no probe \
             does either: set CLAUDE_CODE_API_KEY_HELPER_TTL_MS to {} or more",
            cached.as_millis(),
            MIN_INFORMATIVE_LIFETIME.as_millis(),
        )
    })
}

/// Advice for a gateway whose rejections do not make every client run its helper.
pub(super) fn unusual_rejection(facts: &Facts<'_>) -> Option<String> {
    let Some(Calibration::Reliable(rejection)) = facts.calibration else {
        return None;
    };
    let (problem, remedy) = match rejection {
        Rejection::Unauthorized => return None,
        Rejection::Forbidden => (
            "the gateway rejects a key with 403, at which Claude Code before 2.1.329 ends the turn",
            "update Claude Code, or ask the gateway's administrator to answer 401",
        ),
        Rejection::Other => (
            "the gateway rejects a key with another status than 401, at which clients do not ask for \
             a new one, so that the key is probed once per cache lifetime",
            "ask the gateway's administrator to answer 401",
        ),
    };
    Some(format!("{problem}: {}", facts.by_administrator(remedy)))
}
