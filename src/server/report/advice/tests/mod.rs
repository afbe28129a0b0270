//! Every problem of the setup, with the one thing to do.

mod probe;

use std::{path::Path, sync::Arc, time::Duration};

use super::*;
use crate::{
    broker::slot::LastProbe,
    clock::{Now, Tick},
    config::{self, Config},
    credential::Credential,
    gateway::{Inconclusive, ProbeResult, Rejection},
    network::TransportError,
    secret::Secret,
    source::SourceError,
};

const GATEWAY: &str = "gateway = 'https://gateway.test/llm/'";

fn config(profile: &str) -> Config {
    let text = format!(
        "version = 1\n[profile.work]\nsource = 'team-vault'\n{profile}\n\
         [source.team-vault]\ntype = 'exec'\ncommand = ['/usr/bin/key']\n"
    );
    config::parse(Path::new("/c.toml"), &text).unwrap()
}

fn now() -> Timestamp {
    "2026-11-21T18:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + hours * 3600).unwrap()
}

fn credential(key: &str) -> Arc<Credential> {
    Arc::new(Credential {
        secret: Secret::new(key.to_owned()),
        obtained: Now {
            tick: Tick(Duration::from_secs(1000)),
            wall: now(),
        },
        issued: None,
        lifetime: None,
        version: Some(4),
        lease: None,
    })
}

/// A key without an expiry, of which nothing else is known.
fn snapshot() -> Snapshot {
    Snapshot {
        credential: Some(credential("abc")),
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

fn probed(result: ProbeResult) -> Snapshot {
    Snapshot {
        last_probe: Some(LastProbe { at: now(), result }),
        ..snapshot()
    }
}

const RELIABLE: Option<Calibration> = Some(Calibration::Reliable(Rejection::Unauthorized));

fn advice_for(
    profile: &str,
    snapshot: &Snapshot,
    calibration: Option<Calibration>,
    administrator: Option<&str>,
) -> Vec<String> {
    let config = config(profile);
    of(&Facts {
        name: "work",
        profile: &config.profiles["work"],
        snapshot,
        calibration,
        login: None,
        administrator: administrator.map(str::to_owned),
        now: now(),
    })
}

/// The advice for a profile with a gateway and a configuration of the user's own.
fn advice(snapshot: &Snapshot, calibration: Option<Calibration>) -> Vec<String> {
    advice_for(GATEWAY, snapshot, calibration, None)
}

#[test]
fn a_gateway_that_clients_do_not_understand_is_advised() {
    for (rejection, problem, remedy) in [
        (
            Rejection::Forbidden,
            "with 403",
            "update Claude Code, or ask",
        ),
        (Rejection::Other, "once per cache lifetime", "to answer 401"),
    ] {
        let advice = advice(&snapshot(), Some(Calibration::Reliable(rejection)));
        assert_eq!(advice.len(), 1, "{advice:?}");
        assert!(
            advice[0].contains(problem) && advice[0].contains(remedy),
            "{advice:?}"
        );
    }
}

#[test]
fn a_client_that_caches_too_briefly_is_advised() {
    for (millis, is_advised) in [(0, false), (1, true), (4999, true), (5000, false)] {
        let snapshot = Snapshot {
            cache_lifetime: Some(Duration::from_millis(millis)),
            ..snapshot()
        };
        assert_eq!(advice(&snapshot, RELIABLE), [""; 0], "a probe tells");
        let advice = advice(&snapshot, Some(Calibration::Unknown));
        assert_eq!(
            advice.len(),
            usize::from(is_advised),
            "{millis}: {advice:?}"
        );
        if is_advised {
            assert!(
                advice[0].contains("HELPER_TTL_MS to 5000 or more"),
                "{advice:?}"
            );
        }
    }
}

#[test]
fn a_successor_that_the_gateway_does_not_accept_yet_is_advised() {
    let mut snapshot = Snapshot {
        successor: Some(credential("next")),
        ..snapshot()
    };
    let fingerprint = credential("next").fingerprint();
    assert_eq!(
        advice(&snapshot, RELIABLE),
        [format!(
            "source 'team-vault' has a newer key {fingerprint}, version 4, that the gateway does not accept \
             yet, so that the old one is served: add the new key at the gateway"
        )]
    );
    let managed = advice_for(GATEWAY, &snapshot, RELIABLE, Some("ask your administrator"));
    assert!(
        managed[0].ends_with(": ask your administrator"),
        "{managed:?}"
    );
    snapshot.rejected_since = Some(now());
    assert_eq!(advice(&snapshot, RELIABLE).len(), 1);
}

#[test]
fn a_key_that_its_source_has_not_confirmed_for_long_is_advised_in_time() {
    let profile = format!("{GATEWAY}\nmax_age = '12h'");
    let ageing = |since, last_error: Option<SourceError>| {
        let snapshot = Snapshot {
            seen_current: Some(hours(since)),
            usable_until: Some(hours(since + 12)),
            last_error,
            ..snapshot()
        };
        advice_for(&profile, &snapshot, RELIABLE, None)
    };
    assert_eq!(ageing(-8, None), [""; 0]);
    assert_eq!(
        ageing(-9, None),
        [
            "the key is served until 2026-11-21T21:00:00Z at most ('max_age'), because source \
             'team-vault' has not confirmed it since 2026-11-21T09:00:00Z: run claviger refresh work to \
             ask it now"
        ]
    );
    let down = SourceError::Unreachable {
        host: "vault.test".to_owned(),
        error: TransportError::Refused,
    };
    let advice = ageing(-11, Some(down));
    assert!(
        advice[0].ends_with(": resolve the last error until then"),
        "{advice:?}"
    );
    // A key with an expiry, or none.
    for snapshot in [
        snapshot(),
        Snapshot {
            credential: None,
            usable_until: Some(now()),
            ..snapshot()
        },
    ] {
        assert_eq!(advice_for(&profile, &snapshot, RELIABLE, None), [""; 0]);
    }
}

#[test]
fn what_is_urgent_comes_first() {
    let snapshot = Snapshot {
        successor: Some(credential("next")),
        usable_until: Some(hours(1)),
        cache_lifetime: Some(Duration::from_secs(1)),
        ..probed(ProbeResult::Inconclusive(Inconclusive::NotAllowed))
    };
    let advice = advice(&snapshot, Some(Calibration::Reliable(Rejection::Other)));
    let starts = [
        "source 'team-vault' has a newer key",
        "the key is served until",
        "the probe proves nothing",
        "the gateway rejects",
    ];
    assert_eq!(advice.len(), starts.len(), "{advice:?}");
    for (advice, start) in advice.iter().zip(starts) {
        assert!(advice.starts_with(start), "{advice}");
    }
}
