use std::path::Path;

use super::*;
use crate::config;

/// The source of a configuration with these lines in it.
fn source(more: &str) -> SourceConfig {
    let text = format!(
        "version = 1\nprofile.p.source = 's'\n[source.s]\ntype = 'vault'\naddress = 'https://v.test'\n\
         path = 'secret/k'\nfield = 'api_key'\n{more}\n"
    );
    let mut config = config::parse(Path::new("/c.toml"), &text).unwrap();
    config.sources.remove("s").unwrap()
}

/// A profile that has its key, and nothing else to report.
pub(in super::super) fn ready() -> ProfileReport {
    ProfileReport {
        name: "p".to_owned(),
        source: "s".to_owned(),
        state: ProfileState::Ready,
        calibration: Some("reliable".to_owned()),
        ..ProfileReport::default()
    }
}

/// What is found on the first of June if the source's table has these lines, too.
pub(in super::super) fn check_now(report: &ProfileReport, more: &str) -> Vec<Finding> {
    let now = "2026-06-01T12:00:00Z".parse().unwrap();
    check(report, &source(more), now)
}

fn ids(report: &ProfileReport, more: &str) -> Vec<String> {
    let findings = check_now(report, more).into_iter();
    findings
        .map(|found| found.id.strip_prefix("source.").unwrap().to_owned())
        .collect()
}

#[test]
fn a_profile_that_is_ready_has_no_finding() {
    assert_eq!(ids(&ready(), ""), [""; 0]);
}

#[test]
fn a_source_that_is_not_watched_is_a_note() {
    assert_eq!(ids(&ready(), "watch = 'off'"), ["not-watched"]);
    assert_eq!(ids(&ready(), "kv = 1"), ["not-watched"]);
    assert_eq!(ids(&ready(), "watch = '1m'"), [""; 0]);
    assert_eq!(ids(&ready(), "lease = true"), [""; 0]);
}

#[test]
fn a_key_from_memory_and_a_rejected_one_are_reported_with_the_daemons_remedy() {
    let advice = || vec!["the remedy of the error".to_owned()];
    let stale = ProfileReport {
        last_error: Some("'v' timed out".to_owned()),
        advice: advice(),
        ..ready()
    };
    assert_eq!(ids(&stale, ""), ["stale"], "advice is not repeated");
    let rejected = ProfileReport {
        state: ProfileState::Rejected,
        advice: advice(),
        ..ready()
    };
    assert_eq!(ids(&rejected, ""), ["rejected"]);
}

#[test]
fn a_login_is_reported_before_it_ends_and_if_it_cannot_be_renewed_or_stored() {
    let login = |login: UserLoginReport| ProfileReport {
        login: Some(login),
        ..ready()
    };
    let renewable = || UserLoginReport {
        renewable: true,
        ..UserLoginReport::default()
    };
    let ends = |at: &str| UserLoginReport {
        expires_at: Some(at.parse().unwrap()),
        ..renewable()
    };
    for (report, expected) in [
        (login(renewable()), None),
        (
            login(UserLoginReport::default()),
            Some("login-not-renewable"),
        ),
        (login(ends("2026-06-02T11:59:00Z")), Some("login-expires")),
        (login(ends("2026-06-02T12:01:00Z")), None),
        (
            login(UserLoginReport {
                warning: Some("the keyring is locked: unlock it".to_owned()),
                ..renewable()
            }),
            Some("login-store"),
        ),
    ] {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(ids(&report, ""), expected, "{report:?}");
    }
}

#[test]
fn what_probes_cannot_tell_and_other_advice_are_notes() {
    for (calibration, expected) in [
        ("accepts-any-key", Some("probe")),
        ("no-route", Some("probe")),
        ("unknown", None),
        ("of a later version", None),
    ] {
        let report = ProfileReport {
            calibration: Some(calibration.to_owned()),
            ..ready()
        };
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(ids(&report, ""), expected, "{calibration}");
    }
    let advice = ProfileReport {
        advice: vec!["a key lives for 1 min: raise its life".to_owned()],
        ..ready()
    };
    let found = check_now(&advice, "").remove(0);
    assert_eq!(found.finding, "a key lives for 1 min");
    assert_eq!(found.remedy, "raise its life");
}
