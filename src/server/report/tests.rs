//! The report of each kind of snapshot.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::json;

use super::*;
use crate::{
    clock::{Tick, Timestamp},
    config,
    credential::Credential,
    error_report,
    secret::Secret,
    source::{SourceError, TransportError},
};

fn snapshot(lifetime: Option<u64>) -> Snapshot {
    Snapshot {
        credential: Some(Arc::new(Credential {
            secret: Secret::new("abc".to_owned()),
            obtained: now(),
            lifetime: lifetime.map(Duration::from_secs),
            version: Some(3),
            lease: None,
        })),
        rejected_since: None,
        rejection_evidence: None,
        seen_current: None,
        last_error: None,
        last_probe: None,
        successor: None,
        usable_until: None,
        next_deadline: None,
        cache_lifetime: Some(Duration::from_secs(300)),
    }
}

fn now() -> Now {
    Now {
        tick: Tick(Duration::from_secs(1000)),
        // The fraction is not reported.
        wall: Timestamp::from_millisecond(700).unwrap(),
    }
}

fn config() -> Config {
    let text = r#"
version = 1
[profile.default]
gateway = "https://gateway.test"
source = "team-vault"
[source.team-vault]
type = "exec"
command = ["/usr/bin/key"]
"#;
    config::parse(Path::new("/c.toml"), text).unwrap()
}

fn reported(snapshot: &Snapshot, calibration: Option<Calibration>) -> serde_json::Value {
    let profile = profile("default", &config(), snapshot, calibration, now());
    serde_json::to_value(profile).unwrap()
}

fn without_key(last_error: Option<SourceError>) -> Snapshot {
    Snapshot {
        credential: None,
        last_error,
        ..snapshot(None)
    }
}

fn host() -> String {
    "vault.test:8200".to_owned()
}

/// One error of each kind, with the state and the exit code of a profile without a key.
fn errors() -> Vec<(SourceError, &'static str, u8)> {
    let text = String::new;
    vec![
        (
            SourceError::Unreachable {
                host: host(),
                error: TransportError::Refused,
            },
            "unreachable",
            5,
        ),
        (
            SourceError::Unavailable {
                host: host(),
                reason: text(),
                retry_after: None,
            },
            "unreachable",
            5,
        ),
        (
            SourceError::Malformed {
                host: host(),
                reason: text(),
            },
            "unreachable",
            5,
        ),
        (
            SourceError::BadOutput {
                program: text(),
                reason: text(),
            },
            "unreachable",
            5,
        ),
        (
            SourceError::LoginRefused {
                host: host(),
                reason: text(),
                hint: "put a new secret-id".to_owned(),
            },
            "login-required",
            3,
        ),
        (
            SourceError::Denied {
                host: host(),
                path: text(),
                reason: text(),
            },
            "denied",
            5,
        ),
        (
            SourceError::Missing {
                host: host(),
                path: text(),
                reason: text(),
            },
            "denied",
            5,
        ),
        (
            SourceError::Configuration {
                reason: text(),
                hint: "set it".to_owned(),
            },
            "misconfigured",
            2,
        ),
        (
            SourceError::Unusable {
                host: host(),
                field: text(),
                reason: text(),
            },
            "unusable",
            6,
        ),
    ]
}

#[test]
fn the_names_of_the_contract_are_kept() {
    let profile = reported(&snapshot(None), None);
    assert_eq!(profile["name"], "default");
    assert_eq!(profile["source"], "team-vault");
    assert_eq!(profile["state"], "ready");
    assert_eq!(profile["fingerprint"], "ba7816bf8f01");
    assert_eq!(profile["issued_at"], "1970-01-01T00:00:00Z");
    assert_eq!(profile["version"], 3);
    assert_eq!(profile["gateway"], "https://gateway.test");
    assert_eq!(profile["advice"], json!([]));
    for name in ["expires_at", "next_refresh_at", "last_error", "error_code"] {
        assert!(profile[name].is_null(), "{name}");
    }
}

#[test]
fn a_profile_without_a_key_has_the_state_code_and_remedy_of_its_error() {
    let empty = reported(&without_key(None), None);
    assert_eq!(
        (&empty["state"], &empty["error_code"]),
        (&json!("empty"), &json!(null))
    );
    for (error, state, code) in errors() {
        let profile = reported(&without_key(Some(error.clone())), None);
        assert_eq!(profile["state"], state, "{error:?}");
        assert_eq!(profile["error_code"], code, "{error:?}");
        let expected = error_report::of_source("team-vault", &error, None).hint;
        assert_eq!(profile["advice"], json!([expected]), "{error:?}");
    }
}

#[test]
fn a_served_key_is_ready_whatever_the_last_error_and_a_rejected_one_is_not() {
    for (error, ..) in errors() {
        let served = Snapshot {
            last_error: Some(error.clone()),
            ..snapshot(None)
        };
        let profile = reported(&served, None);
        assert_eq!(
            (&profile["state"], &profile["error_code"]),
            (&json!("ready"), &json!(null))
        );
        assert_eq!(profile["last_error"], error.to_string());
        assert_eq!(profile["advice"].as_array().unwrap().len(), 1, "{profile}");
    }
    let rejected = Snapshot {
        rejected_since: Some(Timestamp::UNIX_EPOCH),
        ..snapshot(None)
    };
    let profile = reported(&rejected, None);
    assert_eq!(
        (&profile["state"], &profile["error_code"]),
        (&json!("rejected"), &json!(4))
    );
    assert!(
        profile["advice"][0]
            .as_str()
            .unwrap()
            .contains("for a new key"),
        "{profile}"
    );
}

#[test]
fn a_lifetime_shorter_than_the_clients_cache_is_advised_with_the_value_to_set() {
    let advice = reported(&snapshot(Some(300)), None)["advice"].to_string();
    assert!(
        advice.contains("caches for 300 s, but a key is valid for 300 s"),
        "{advice}"
    );
    assert!(
        advice.contains(
            "CLAUDE_CODE_API_KEY_HELPER_TTL_MS to 90000 or less, or let source 'team-vault' issue"
        ),
        "{advice}"
    );
    for lifetime in [1, 45, 80] {
        let advice = reported(&snapshot(Some(lifetime)), None)["advice"].to_string();
        assert!(
            !advice.contains("TTL_MS") && advice.contains("valid for more than 360 s"),
            "{advice}"
        );
    }
    assert_eq!(
        reported(&snapshot(Some(3600)), None)["advice"],
        serde_json::json!([])
    );
}

#[test]
fn a_gateway_that_accepts_any_key_is_advised() {
    let profile = reported(&snapshot(None), Some(Calibration::AcceptsAnyKey));
    assert_eq!(profile["calibration"], "accepts-any-key");
    assert!(
        profile["advice"]
            .to_string()
            .contains("the probe is not used")
    );
}
