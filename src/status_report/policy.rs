//! The central policy, as the daemon reports it.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// The central policy of a daemon. Times are in whole seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PolicyReport {
    /// Where it is published.
    pub(crate) place: String,
    /// Whether one counts.
    pub(crate) state: PolicyStanding,
    /// The counter of the last good one; `None`, like the rest of it, if none was seen yet.
    pub(crate) counter: Option<u64>,
    /// When it was signed.
    pub(crate) issued_at: Option<Timestamp>,
    /// When it was last seen to be the published one.
    pub(crate) seen_at: Option<Timestamp>,
    /// The thumbprint of the key that has signed it.
    pub(crate) key_id: Option<String>,
    /// Its `watch` in seconds.
    pub(crate) watch_s: Option<u64>,
    /// Its `max_age` in seconds.
    pub(crate) max_age_s: Option<u64>,
    /// Why the last look has found none that may be in force.
    pub(crate) error: Option<String>,
    /// Why the last good one is not kept for the next daemon.
    pub(crate) file_error: Option<String>,
    /// What to do about that.
    pub(crate) advice: Option<String>,
}

/// Whether a policy counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PolicyStanding {
    /// None was seen yet: no key is given before.
    #[default]
    Missing,
    /// The last one was seen too long ago: no key is given.
    Expired,
    /// Requests are judged by it.
    InForce,
    /// One of a newer daemon.
    #[serde(untagged)]
    Other(String),
}

impl PolicyReport {
    /// When it expires, unless a look confirms it before.
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        let max_age = std::time::Duration::from_secs(self.max_age_s?);
        self.seen_at?.checked_add(max_age).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_standing_has_one_name() {
        for (standing, name) in [
            (PolicyStanding::Missing, "missing"),
            (PolicyStanding::Expired, "expired"),
            (PolicyStanding::InForce, "in-force"),
            (PolicyStanding::Other("later".to_owned()), "later"),
        ] {
            assert_eq!(serde_json::to_value(&standing).unwrap(), name);
            assert_eq!(
                serde_json::from_value::<PolicyStanding>(json!(name)).unwrap(),
                standing
            );
        }
    }

    #[test]
    fn the_end_is_counted_from_the_last_look() {
        let at = |second| Timestamp::from_second(second).ok();
        let report = |seen, max_age_s| PolicyReport {
            seen_at: at(seen),
            max_age_s,
            ..PolicyReport::default()
        };
        assert_eq!(report(100, Some(60)).expires_at(), at(160));
        assert_eq!(report(100, None).expires_at(), None);
        assert_eq!(report(100, Some(u64::MAX)).expires_at(), None);
        assert_eq!(PolicyReport::default().expires_at(), None);
    }
}
