//! A key that may not last: the source has a newer one, or its last confirmation is long ago.

use std::time::Duration;

use super::Facts;
use crate::clock::whole_seconds;

/// Advice for a newer key that the gateway does not accept yet.
pub(super) fn waiting_successor(facts: &Facts<'_>) -> Option<String> {
    let successor = facts.snapshot.successor.as_deref()?;
    let version = successor
        .version
        .map(|version| format!(", version {version},"))
        .unwrap_or_default();
    Some(format!(
        "source '{}' has a newer key {}{version} that the gateway does not accept yet, so that the old \
         one is served: {}",
        facts.profile.source,
        successor.fingerprint(),
        facts.by_administrator("add the new key at the gateway"),
    ))
}

/// Advice for a key without an expiry that the source has not confirmed for long.
pub(super) fn is_ageing(facts: &Facts<'_>) -> Option<String> {
    facts.snapshot.credential.as_ref()?;
    let until = facts.snapshot.usable_until?;
    let remaining = Duration::try_from(until.duration_since(facts.now)).unwrap_or_default();
    if remaining > warning(facts.profile.max_age()) {
        return None;
    }
    let since = facts
        .snapshot
        .seen_current
        .map(|since| format!(" since {}", whole_seconds(since)))
        .unwrap_or_default();
    let remedy = match &facts.snapshot.last_error {
        Some(_) => "resolve the last error until then".to_owned(),
        None => format!("run claviger refresh {} to ask it now", facts.name),
    };
    Some(format!(
        "the key is served until {} at most ('max_age'), because source '{}' has not confirmed it{since}: \
         {remedy}",
        whole_seconds(until),
        facts.profile.source,
    ))
}

/// How long before the end of `max_age` the advice begins: a quarter of it, at least an hour so
/// that there is time to act, at most half of it so that a short one does not always warn.
fn warning(max_age: Duration) -> Duration {
    const LEAST: Duration = Duration::from_secs(3600);
    LEAST.max(max_age / 4).min(max_age / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_is_a_quarter_of_the_age_at_least_an_hour_at_most_half() {
        for (max_age, expected) in [
            (12 * 3600, 3 * 3600),
            (86_400, 6 * 3600),
            (3 * 3600, 3600),
            (3600, 1800),
            (10, 5),
        ] {
            let warning = warning(Duration::from_secs(max_age));
            assert_eq!(warning.as_secs(), expected, "{max_age}");
        }
    }
}
