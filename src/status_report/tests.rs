//! The report as the commands read it.

use serde_json::json;

use super::*;

#[test]
fn a_report_round_trips() {
    let time = |second| Some(Timestamp::from_second(second).unwrap());
    let status = StatusReport {
        daemon: Some(DaemonReport {
            pid: 7,
            version: "0.1.0".to_owned(),
            uptime_s: 61,
            socket: "/run/user/7/claviger/agent.sock".to_owned(),
            usual_socket: Some(true),
            log: Some("/home/ada/.local/state/claviger/daemon.log".to_owned()),
            log_error: Some("permission denied".to_owned()),
            config: Some("/etc/claviger/config.toml".to_owned()),
            config_error: Some("expected a string".to_owned()),
            locked: true,
            locked_since: time(9),
            lock_error: Some("no space".to_owned()),
            audit_error: Some("no space left on device".to_owned()),
            audit_records: 12,
            audit_lost: 3,
            policy: Some(PolicyReport {
                place: "https://config.test/policy.jws".to_owned(),
                state: PolicyStanding::Expired,
                counter: Some(42),
                issued_at: time(1),
                seen_at: time(2),
                key_id: Some("kPrK".to_owned()),
                watch_s: Some(60),
                max_age_s: Some(3600),
                error: Some("timed out".to_owned()),
                file_error: Some("no space".to_owned()),
                advice: Some("wait".to_owned()),
            }),
        }),
        profiles: vec![
            ProfileReport {
                name: "work".to_owned(),
                source: "vault".to_owned(),
                gateway: Some("https://gateway.test".to_owned()),
                state: ProfileState::Rejected,
                fingerprint: Some("ba7816bf8f01".to_owned()),
                issued_at: time(1),
                expires_at: time(2),
                next_refresh_at: time(3),
                version: Some(4),
                last_error: Some("timed out".to_owned()),
                error_code: Some(4),
                seen_current_at: time(5),
                usable_until: time(7),
                rejected_since: time(6),
                rejection_evidence: Some(PROBE.to_owned()),
                last_probe: Some(LastProbeReport {
                    at: time(8),
                    result: "inconclusive".to_owned(),
                    reason: Some("too many requests (429)".to_owned()),
                }),
                successor: Some(SuccessorReport {
                    fingerprint: "0123456789ab".to_owned(),
                    version: Some(5),
                    issued_at: time(9),
                }),
                calibration: Some("reliable".to_owned()),
                policy_denial: Some("disabled".to_owned()),
                advice: vec!["set probe".to_owned()],
                variables: Some(VariablesReport {
                    names: vec!["TEAM".to_owned()],
                    fingerprint: "0123456789ab".to_owned(),
                }),
                login: Some(UserLoginReport {
                    subject: Some("42".to_owned()),
                    name: Some("ada".to_owned()),
                    groups: vec!["eng".to_owned()],
                    signed_in_at: time(1),
                    expires_at: time(9),
                    renewable: true,
                    warning: Some("not stored".to_owned()),
                }),
                failure: Some(FailureReport {
                    code: 5,
                    message: "no key".to_owned(),
                    hint: Some("wait".to_owned()),
                }),
            },
            ProfileReport::default(),
        ],
    };
    let mut reports = vec![serde_json::to_string(&status.daemon).unwrap()];
    reports.extend(
        status
            .profiles
            .iter()
            .map(|profile| serde_json::to_string(profile).unwrap()),
    );
    assert_eq!(StatusReport::parse(&reports).unwrap(), status);
    let printed = serde_json::to_value(&status).unwrap();
    assert_eq!(printed["profiles"][0]["issued_at"], "1970-01-01T00:00:01Z");
    let none = StatusReport::default();
    assert_eq!(StatusReport::parse(&[]).unwrap(), none);
    assert_eq!(
        serde_json::to_value(none).unwrap(),
        json!({"daemon": null, "profiles": []})
    );
}

#[test]
fn the_report_of_another_release_is_read() {
    let reports = [
        json!({"pid": 7, "later": [1], "policy": {"state": "postponed", "later": 1}}).to_string(),
        json!({
            "name": "a",
            "state": "postponed",
            "later": {},
            "last_probe": {"result": "postponed", "until": 7},
            "successor": {"later": null},
        })
        .to_string(),
    ];
    let status = StatusReport::parse(&reports).unwrap();
    let daemon = status.daemon.unwrap();
    assert_eq!(daemon.pid, 7);
    let postponed = PolicyStanding::Other("postponed".to_owned());
    assert_eq!(daemon.policy.unwrap().state, postponed);
    let [profile] = &status.profiles[..] else {
        panic!("one profile");
    };
    assert_eq!(profile.state.to_string(), "postponed");
    assert_eq!(profile.last_error, None);
    assert_eq!(profile.last_probe.as_ref().unwrap().result, "postponed");
    assert_eq!(profile.successor, Some(SuccessorReport::default()));
    assert_eq!(profile.usable_until, None);
    assert_eq!(serde_json::to_value(profile).unwrap()["state"], "postponed");
}

#[test]
fn states_have_one_name() {
    for state in ProfileState::KNOWN {
        let name = serde_json::to_value(&state).unwrap();
        assert_eq!(name, state.to_string());
        assert_eq!(serde_json::from_value::<ProfileState>(name).unwrap(), state);
    }
}

#[test]
fn every_field_is_in_the_readme() {
    let readme = include_str!("../../README.md");
    let (_, list) = readme.split_once("`status --json` is `{").unwrap();
    let (list, _) = list.split_once('`').unwrap();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let listed: Vec<_> = list.split(|c| !is_part(c)).collect();
    let fields = |report: serde_json::Value| report.as_object().unwrap().clone();
    let daemon = fields(serde_json::to_value(DaemonReport::default()).unwrap());
    let profile = fields(serde_json::to_value(ProfileReport::default()).unwrap());
    for field in daemon.keys().chain(profile.keys()) {
        assert!(listed.contains(&field.as_str()), "{field}");
    }
    let (_, row) = readme.split_once("| `policy` | `{").unwrap();
    let (row, _) = row.split_once('|').unwrap();
    for field in fields(serde_json::to_value(PolicyReport::default()).unwrap()).keys() {
        assert!(
            row.split(|c| !is_part(c)).any(|word| word == field),
            "{field}"
        );
    }
}
