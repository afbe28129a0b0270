use std::time::Duration;

use super::*;
use crate::{client_kind::ClientKind, metrics::Counters, status_report::VariablesReport};

fn reports() -> Vec<MetricsReport> {
    let counters = Counters::default();
    counters.on_request(ClientKind::Codex, "served", Duration::from_millis(2));
    counters.on_fetch(Ok(()));
    let entry = |variables: &str| ProfileReport {
        name: "work \"x\"\\".to_owned(),
        source: "s".to_owned(),
        state: ProfileState::Rejected,
        fingerprint: Some("0123456789ab".to_owned()),
        version: Some(7),
        error_code: Some(4),
        expires_at: Timestamp::from_second(1_800_000_000).ok(),
        variables: Some(VariablesReport {
            names: vec!["TEAM".to_owned()],
            fingerprint: variables.to_owned(),
        }),
        ..ProfileReport::default()
    };
    let of_entry = |variables| MetricsReport {
        entry: Some(Box::new(entry(variables))),
        ..MetricsReport::default()
    };
    vec![
        MetricsReport {
            daemon: Some(DaemonReport {
                version: "1.2.3".to_owned(),
                config_error: Some("broken".to_owned()),
                policy: Some(PolicyReport {
                    state: PolicyStanding::InForce,
                    counter: Some(42),
                    seen_at: Timestamp::from_second(1_750_000_000).ok(),
                    error: Some("timed out".to_owned()),
                    ..PolicyReport::default()
                }),
                ..DaemonReport::default()
            }),
            started_at: Timestamp::from_second(1_700_000_000).ok(),
            ..MetricsReport::default()
        },
        of_entry("aaaa"),
        of_entry("bbbb"),
        MetricsReport {
            counts: Some(counters.counts("work")),
            ..MetricsReport::default()
        },
    ]
}

fn exposition() -> Exposition {
    let mut exposition = Exposition::default();
    exposition.add(Some("ana"), reports());
    exposition.add_absent(Some("ben"));
    exposition
}

#[test]
fn both_formats_have_the_same_samples_and_differ_in_the_names_of_counters() {
    let open = exposition().open_metrics().unwrap();
    let classic = exposition().classic().unwrap();
    for line in [
        r#"claviger_up{user="ana"} 1"#,
        r#"claviger_up{user="ben"} 0"#,
        r#"claviger_build_info{user="ana",version="1.2.3"} 1"#,
        r#"claviger_daemon_start_time_seconds{user="ana"} 1700000000"#,
        r#"claviger_config_error{user="ana"} 1"#,
        r#"claviger_policy_counter{user="ana"} 42"#,
        r#"claviger_policy_in_force{user="ana"} 1"#,
        r#"claviger_policy_seen_timestamp_seconds{user="ana"} 1750000000"#,
        r#"claviger_policy_error{user="ana"} 1"#,
        r#"claviger_profile_state{user="ana",profile="work \"x\"\\",variables="bbbb",state="rejected"} 1"#,
        r#"claviger_profile_state{user="ana",profile="work \"x\"\\",variables="bbbb",state="ready"} 0"#,
        r#"claviger_requests_total{user="ana",profile="work",client="codex",outcome="served"} 1"#,
        r#"claviger_fetches_total{user="ana",profile="work",outcome="obtained"} 1"#,
        r#"claviger_request_duration_seconds_bucket{user="ana",profile="work",le="0.005"} 1"#,
        r#"claviger_request_duration_seconds_bucket{user="ana",profile="work",le="+Inf"} 1"#,
        r#"claviger_request_duration_seconds_count{user="ana",profile="work"} 1"#,
    ] {
        for text in [&open, &classic] {
            // The order of labels has no meaning, and the encoder decides it.
            let sorted = |line: &str| {
                let mut parts: Vec<_> = line.split(['{', ',', '}']).map(str::to_owned).collect();
                parts.sort_unstable();
                parts
            };
            let found = text.lines().any(|found| sorted(found) == sorted(line));
            assert!(found, "{line}\n{text}");
        }
    }
    assert!(open.ends_with("# EOF\n"), "{open}");
    assert!(
        open.contains("# TYPE claviger_requests counter\n"),
        "{open}"
    );
    assert!(!classic.contains("# EOF"), "{classic}");
    assert!(
        classic.contains("# TYPE claviger_requests_total counter\n"),
        "{classic}"
    );
}

#[test]
fn a_family_is_described_once_and_no_series_occurs_twice() {
    let text = exposition().open_metrics().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for line in text.lines() {
        let series = line.rsplit_once(' ').map_or(line, |(series, _)| series);
        assert!(seen.insert(series), "{series}\n{text}");
    }
}

#[test]
fn without_a_policy_there_is_no_counter() {
    let text = |policy| {
        let report = MetricsReport {
            daemon: Some(DaemonReport {
                policy,
                ..DaemonReport::default()
            }),
            ..MetricsReport::default()
        };
        let mut exposition = Exposition::default();
        exposition.add(None, vec![report]);
        exposition.open_metrics().unwrap()
    };
    assert!(!text(None).contains("claviger_policy"));
    for state in [PolicyStanding::Missing, PolicyStanding::Expired] {
        let text = text(Some(PolicyReport {
            state,
            ..PolicyReport::default()
        }));
        for sample in ["claviger_policy_in_force 0", "claviger_policy_error 0"] {
            assert!(text.contains(sample), "{text}");
        }
        for name in ["claviger_policy_counter", "claviger_policy_seen"] {
            assert!(!text.contains(name), "{text}");
        }
    }
}

#[test]
fn a_report_of_another_version_is_read() {
    let newer = r#"{"entry":{"name":"p","state":"frozen","new":1},"added":[1]}"#;
    let report: MetricsReport = serde_json::from_str(newer).unwrap();
    let mut exposition = Exposition::default();
    exposition.add(None, vec![report, MetricsReport::default()]);
    let text = exposition.open_metrics().unwrap();
    assert!(text.contains("claviger_up 1"), "{text}");
    // None of the known states.
    assert!(
        !text.contains("claviger_profile_state{profile=\"p\",state=\"ready\"} 1"),
        "{text}"
    );
}
