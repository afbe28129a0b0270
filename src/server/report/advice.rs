//! Remedies for problems of the setup, each by the rule that finds the problem.

use crate::{
    broker::{renewal, slot::Snapshot},
    gateway::Calibration,
};

/// Advice for a client that caches for longer than the source's credentials are valid.
pub(super) fn short_lifetime(source: &str, snapshot: &Snapshot) -> Option<String> {
    let lifetime = snapshot.credential.as_ref()?.lifetime?;
    let cached = snapshot.cache_lifetime?;
    if !renewal::is_too_short(lifetime, cached) {
        return None;
    }
    let needed = renewal::min_remaining(cached);
    let issue_longer = format!(
        "let source '{source}' issue keys that are valid for more than {} s",
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

/// Advice for a probe that cannot tell keys apart.
pub(super) fn accepts_any_key(calibration: Option<Calibration>) -> Option<String> {
    (calibration == Some(Calibration::AcceptsAnyKey)).then(|| {
        "the gateway accepts any key on the route that is probed, so the probe is not used: set 'probe' to \
         'count-tokens' or 'off'"
            .to_owned()
    })
}
