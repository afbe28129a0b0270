//! The central policy's cases.

use super::case;
use crate::{
    clock::Timestamp,
    doctor::{
        check::Check,
        machine::policy::{EXPIRED, MISSING, NOT_KEPT, UNAVAILABLE, check},
        tests::Case,
    },
    status_report::{PolicyReport, PolicyStanding},
};

fn in_force() -> PolicyReport {
    PolicyReport {
        place: "https://config.test/policy.jws".to_owned(),
        state: PolicyStanding::InForce,
        counter: Some(42),
        seen_at: Some(Timestamp::UNIX_EPOCH),
        max_age_s: Some(3600),
        ..PolicyReport::default()
    }
}

/// A policy of which the last look has failed, if there is an `error`.
fn looked(state: PolicyStanding, error: Option<&str>) -> PolicyReport {
    PolicyReport {
        state,
        error: error.map(str::to_owned),
        advice: error.map(|_| "ask".to_owned()),
        ..in_force()
    }
}

pub(super) fn cases() -> Vec<Case> {
    let case = |of: Check, broken: &PolicyReport, sound: Option<&PolicyReport>| {
        case(of, check(Some(broken)), check(sound))
    };
    let failed = |state| looked(state, Some("timed out"));
    // The next request looks first.
    let waits = |state| looked(state, None);
    let not_kept = PolicyReport {
        file_error: Some("no space left on device".to_owned()),
        ..in_force()
    };
    let missing = failed(PolicyStanding::Missing);
    let expired = failed(PolicyStanding::Expired);
    vec![
        case(MISSING, &missing, None),
        case(MISSING, &missing, Some(&waits(PolicyStanding::Missing))),
        case(MISSING, &missing, Some(&expired)),
        case(EXPIRED, &expired, Some(&waits(PolicyStanding::Expired))),
        case(EXPIRED, &expired, Some(&in_force())),
        case(
            UNAVAILABLE,
            &failed(PolicyStanding::InForce),
            Some(&in_force()),
        ),
        case(
            UNAVAILABLE,
            &failed(PolicyStanding::InForce),
            Some(&missing),
        ),
        case(NOT_KEPT, &not_kept, Some(&expired)),
    ]
}

#[test]
fn a_failed_look_is_shown_with_what_is_known() {
    let [found] = &check(Some(&looked(PolicyStanding::InForce, Some("timed out"))))[..] else {
        panic!("one finding");
    };
    assert_eq!(
        found.evidence,
        [
            "timed out",
            "published at https://config.test/policy.jws",
            "counter 42",
            "last seen at 1970-01-01T00:00:00Z",
            "counts until 1970-01-01T01:00:00Z, unless it is seen before",
        ]
    );
    assert_eq!(found.remedy, "ask");
}
