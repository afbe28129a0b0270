//! The report of the central policy, and of the profiles that it denies.

use crate::{
    clock::whole_seconds,
    error_report,
    policy::Standing,
    policy_watch::PolicyStatus,
    server::central::PolicyDenial,
    status_report::{PolicyReport, PolicyStanding, ProfileReport, ProfileState},
};

/// What to do if a look fails while the policy before is in force.
const CHECK_PLACE: &str = "check 'policy' in the configuration, and what is published there";

/// What to do about the file of the last good policy.
const CORRECT_FILE: &str = "correct that file or its directory; claviger doctor looks at both";

/// Returns the report of the policy; `administrator` is
/// [`Config::ask_administrator`](crate::config::Config::ask_administrator).
pub(in crate::server) fn policy(
    status: PolicyStatus,
    administrator: Option<String>,
) -> PolicyReport {
    let PolicyStatus {
        place,
        standing,
        last,
        error,
        file_error,
    } = status;
    let advice = match (&error, &file_error, &standing) {
        (Some(_), _, Standing::InForce(_)) => {
            Some(administrator.unwrap_or_else(|| CHECK_PLACE.to_owned()))
        }
        (Some(_), _, _) => Some(error_report::no_policy_hint(administrator)),
        (None, Some(_), _) => Some(CORRECT_FILE.to_owned()),
        (None, None, _) => None,
    };
    let report = PolicyReport {
        place,
        state: match standing {
            Standing::Missing => PolicyStanding::Missing,
            Standing::Expired { .. } => PolicyStanding::Expired,
            Standing::InForce(_) => PolicyStanding::InForce,
        },
        error,
        file_error,
        advice,
        ..PolicyReport::default()
    };
    let Some((policy, seen)) = last else {
        return report;
    };
    let signed = &policy.signed;
    PolicyReport {
        counter: Some(signed.document.counter),
        issued_at: Some(whole_seconds(signed.issued_at)),
        seen_at: Some(whole_seconds(seen)),
        key_id: Some(signed.key_id.clone()),
        watch_s: Some(signed.document.watch.get().as_secs()),
        max_age_s: Some(signed.document.max_age.get().as_secs()),
        ..report
    }
}

/// Returns the report of a profile whose key the central policy denies.
pub(in crate::server) fn denied(profile: ProfileReport, denial: &PolicyDenial) -> ProfileReport {
    let profile = ProfileReport {
        policy_denial: Some(denial.reason.clone()),
        ..profile
    };
    match denial.is_for_some {
        true => profile,
        false => ProfileReport {
            state: ProfileState::Denied,
            error_code: Some(denial.failure.code.as_byte()),
            advice: denial.failure.hint.iter().cloned().collect(),
            ..profile
        },
    }
}

#[cfg(test)]
mod tests {
    use claviger_wire::{ExitCode, Failure};
    use serde_json::json;

    use super::{super::locked, *};
    use crate::{
        clock::{Clock as _, ManualClock, Now, Timestamp},
        policy::{Look, PolicyState, signed_policies::signed},
    };

    fn status(state: &PolicyState, now: Now, file_error: Option<&str>) -> PolicyStatus {
        PolicyStatus {
            place: "https://config.test/policy.jws".to_owned(),
            standing: state.standing(now),
            last: state.last(),
            error: state.error().map(str::to_owned),
            file_error: file_error.map(str::to_owned),
        }
    }

    #[test]
    fn each_standing_is_reported_with_what_is_known() {
        // The fraction is not reported.
        let clock = ManualClock::at(Timestamp::from_millisecond(1_800_000_000_700).unwrap());
        let mut state = PolicyState::new(clock.now(), None, 0);
        let reported = |state: &PolicyState, file_error| {
            let status = status(state, clock.now(), file_error);
            serde_json::to_value(policy(status, None)).unwrap()
        };
        let expected = json!({
            "place": "https://config.test/policy.jws", "state": "missing", "counter": null,
            "issued_at": null, "seen_at": null, "key_id": null, "watch_s": null,
            "max_age_s": null, "error": null, "file_error": null, "advice": null,
        });
        assert_eq!(reported(&state, None), expected);

        let text = "version = 1\ncounter = 42\nwatch = '1m'\nmax_age = '1h'\n";
        let published = signed(text);
        let key_id = published.key_id.clone();
        state.on_look(clock.now(), clock.now(), Look::Published(published));
        let mut expected = json!({
            "place": "https://config.test/policy.jws", "state": "in-force", "counter": 42,
            "issued_at": "2027-01-15T08:00:00Z", "seen_at": "2027-01-15T08:00:00Z",
            "key_id": key_id, "watch_s": 60, "max_age_s": 3600, "error": null,
            "file_error": null, "advice": null,
        });
        assert_eq!(reported(&state, None), expected);
        expected["file_error"] = json!("no space");
        expected["advice"] = json!(CORRECT_FILE);
        assert_eq!(reported(&state, Some("no space")), expected);
        expected["file_error"] = json!(null);

        state.on_look(
            clock.now(),
            clock.now(),
            Look::Failed("timed out".to_owned()),
        );
        expected["error"] = json!("timed out");
        expected["advice"] = json!(CHECK_PLACE);
        assert_eq!(reported(&state, None), expected);

        clock.advance(std::time::Duration::from_secs(3601));
        expected["state"] = json!("expired");
        expected["advice"] = json!(error_report::no_policy_hint(None));
        assert_eq!(reported(&state, None), expected);
        let managed = policy(status(&state, clock.now(), None), Some("ask".to_owned()));
        assert_eq!(managed.advice.as_deref(), Some("ask"));
    }

    #[test]
    fn a_profile_that_the_policy_denies_is_not_ready() {
        let ready = || ProfileReport {
            state: ProfileState::Ready,
            advice: vec!["set 'probe'".to_owned()],
            ..ProfileReport::default()
        };
        let denial = |is_for_some| PolicyDenial {
            reason: "the laptop was stolen (rule 'x')".to_owned(),
            failure: Failure::new(ExitCode::Denied, "no key", "call 1234"),
            is_for_some,
        };
        let whole = denied(ready(), &denial(false));
        let expected = ProfileReport {
            state: ProfileState::Denied,
            error_code: Some(7),
            advice: vec!["call 1234".to_owned()],
            policy_denial: Some("the laptop was stolen (rule 'x')".to_owned()),
            ..ProfileReport::default()
        };
        assert_eq!(whole, expected);
        // Clients of another gateway of the profile have the key.
        let partial = denied(ready(), &denial(true));
        assert_eq!(partial.policy_denial, expected.policy_denial);
        let served = ProfileReport {
            policy_denial: None,
            ..partial
        };
        assert_eq!(served, ready());
        // An unlock alone brings no key, which shows.
        let locked = locked(whole);
        assert_eq!(locked.state, ProfileState::Locked);
        assert_eq!(locked.advice, [error_report::UNLOCK]);
        assert_eq!(locked.policy_denial, expected.policy_denial);
    }
}
