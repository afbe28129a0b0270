//! The report of each kind of snapshot.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::json;

use super::*;
use crate::{
    clock::{Tick, Timestamp},
    config,
    credential::Credential,
    error_report,
    gateway::{Inconclusive, Rejection},
    secret::Secret,
    source::{SourceError, TransportError},
};

fn snapshot(lifetime: Option<u64>) -> Snapshot {
    Snapshot {
        credential: Some(Arc::new(Credential {
            secret: Secret::new("abc".to_owned()),
            obtained: now(),
            issued: None,
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
    let profile = profile("default", &config(), snapshot, calibration, None, now());
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
                is_final: true,
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
        let expected = error_report::of_source("default", "team-vault", &error, None).hint;
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
fn every_calibration_has_its_name() {
    for (calibration, name) in [
        (Calibration::Unknown, "unknown"),
        (Calibration::Reliable(Rejection::Unauthorized), "reliable"),
        (Calibration::Reliable(Rejection::Forbidden), "reliable"),
        (Calibration::Reliable(Rejection::Other), "reliable"),
        (Calibration::AcceptsAnyKey, "accepts-any-key"),
        (Calibration::NoRoute, "no-route"),
    ] {
        let profile = reported(&snapshot(None), Some(calibration));
        assert_eq!(profile["calibration"], name);
    }
    assert!(reported(&snapshot(None), None)["calibration"].is_null());
}

#[test]
fn the_last_probe_is_reported_with_its_time_and_why_it_proves_nothing() {
    assert!(reported(&snapshot(None), None)["last_probe"].is_null());
    let reason = Inconclusive::NotTheKey {
        status: 402,
        cause: "budget exceeded".to_owned(),
    };
    for (result, expected) in [
        (ProbeResult::Accepted, json!({"result": "accepted"})),
        (ProbeResult::Known, json!({"result": "known"})),
        (ProbeResult::Rejected, json!({"result": "rejected"})),
        (
            ProbeResult::Inconclusive(reason),
            json!({"result": "inconclusive", "reason": "budget exceeded (402)"}),
        ),
    ] {
        let at = now().wall;
        let probed = Snapshot {
            last_probe: Some(LastProbe { at, result }),
            ..snapshot(None)
        };
        let mut expected = expected;
        expected["at"] = json!("1970-01-01T00:00:00Z");
        assert_eq!(reported(&probed, None)["last_probe"], expected);
    }
}

#[test]
fn a_waiting_successor_is_reported_without_its_key() {
    let mut successor = Credential::clone(snapshot(None).credential.as_deref().unwrap());
    successor.secret = Secret::new("sk-next".to_owned());
    successor.version = Some(4);
    let fingerprint = successor.fingerprint().to_string();
    let waiting = Snapshot {
        successor: Some(Arc::new(successor)),
        ..snapshot(None)
    };
    let profile = reported(&waiting, None);
    assert_eq!(
        profile["successor"],
        json!({"fingerprint": fingerprint, "version": 4, "issued_at": "1970-01-01T00:00:00Z"})
    );
    assert_eq!(
        (&profile["state"], &profile["version"]),
        (&json!("ready"), &json!(3))
    );
    assert!(!profile.to_string().contains("sk-next"), "{profile}");
}

#[test]
fn the_end_of_a_key_without_an_expiry_is_reported_in_whole_seconds() {
    let ends = Snapshot {
        usable_until: Timestamp::from_millisecond(43_200_900).ok(),
        ..snapshot(None)
    };
    let profile = reported(&ends, None);
    assert_eq!(profile["usable_until"], "1970-01-01T12:00:00Z");
    assert!(profile["expires_at"].is_null());
}

#[test]
fn what_shows_a_rejection_is_reported() {
    for (evidence, name) in [
        (Evidence::Probe, "probe"),
        (Evidence::ClientRetries(None), "client-retries"),
    ] {
        let rejected = Snapshot {
            rejected_since: Some(Timestamp::UNIX_EPOCH),
            rejection_evidence: Some(evidence),
            ..snapshot(None)
        };
        let profile = reported(&rejected, None);
        assert_eq!(profile["rejection_evidence"], name);
        assert_eq!(
            (&profile["state"], &profile["error_code"]),
            (&json!("rejected"), &json!(4))
        );
    }
}

#[test]
fn the_remedy_for_the_last_error_comes_before_other_advice() {
    let down = Snapshot {
        last_error: Some(SourceError::Unreachable {
            host: host(),
            error: TransportError::Refused,
        }),
        ..snapshot(None)
    };
    let advice = reported(&down, Some(Calibration::AcceptsAnyKey))["advice"].clone();
    assert!(
        advice[0].as_str().unwrap().starts_with("check the address"),
        "{advice}"
    );
    assert!(
        advice[1].as_str().unwrap().contains("accepts any key"),
        "{advice}"
    );
}

#[test]
fn a_login_that_is_not_stored_is_advice_also_for_a_key_that_is_served() {
    for warning in [None, Some("the login is not stored")] {
        let login = UserLoginReport {
            warning: warning.map(str::to_owned),
            ..UserLoginReport::default()
        };
        let reliable = Some(Calibration::Reliable(Rejection::Unauthorized));
        let served = snapshot(None);
        let profile = profile("default", &config(), &served, reliable, Some(login), now());
        assert_eq!(profile.advice.first().map(String::as_str), warning);
        assert_eq!(profile.login.unwrap().warning.as_deref(), warning);
    }
}
