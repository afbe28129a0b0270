//! How long keys are valid.

use std::time::Duration;

use crate::{jwt_claims, secret::Secret, status_report::ProfileReport};

/// How long a source's keys are valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyLife {
    pub(super) valid: Duration,
    /// Whether a key says itself when it expires: a JWT with the claim `exp`.
    pub(super) is_in_key: bool,
}

impl KeyLife {
    /// That of `key`, of which the daemon reports when it was issued and when it expires; `None` if
    /// it does not.
    pub(super) fn of(key: &Secret, report: &ProfileReport) -> Option<Self> {
        let valid = report.expires_at?.duration_since(report.issued_at?);
        Some(Self {
            valid: valid.try_into().ok()?,
            is_in_key: jwt_claims::expiry(key).is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_life_has_both_ends_in_order() {
        let at = |second: Option<i64>| second.map(|second| Timestamp::from_second(second).unwrap());
        for (issued, expires, expected) in [
            (Some(100), Some(400), Some(300)),
            (Some(100), Some(100), Some(0)),
            (Some(400), Some(100), None),
            (None, Some(400), None),
            (Some(100), None, None),
        ] {
            let report = ProfileReport {
                issued_at: at(issued),
                expires_at: at(expires),
                ..ProfileReport::default()
            };
            let life = KeyLife::of(&Secret::new("opaque".to_owned()), &report);
            let seconds = life.map(|life| life.valid.as_secs());
            assert_eq!(seconds, expected, "{issued:?} to {expires:?}");
            assert!(life.is_none_or(|life| !life.is_in_key));
        }
    }

    #[test]
    fn a_jwt_says_when_it_expires() {
        // {"alg":"none"} . {"exp":400}
        let jwt = Secret::new("eyJhbGciOiJub25lIn0.eyJleHAiOjQwMH0.x".to_owned());
        let report = ProfileReport {
            issued_at: Some(Timestamp::UNIX_EPOCH),
            expires_at: Timestamp::from_second(400).ok(),
            ..ProfileReport::default()
        };
        assert!(KeyLife::of(&jwt, &report).unwrap().is_in_key);
    }
}
