//! The status report, built from snapshots of the broker.

use claviger_wire::{ExitCode, Failure, Response};

use crate::{
    broker::{renewal, slot::Snapshot},
    clock::{Now, whole_seconds},
    gateway::Calibration,
    source::SourceError,
    status_report::{ProfileReport, ProfileState, StatusReport},
};

/// Returns the answer that contains `status`.
///
/// # Errors
///
/// [`ExitCode::DaemonUnavailable`] if it cannot be serialized, which would be a bug.
pub(super) fn responses(status: &StatusReport) -> Result<Vec<Response>, Failure> {
    let reports = status.to_reports().map_err(|error| Failure {
        code: ExitCode::DaemonUnavailable,
        message: format!("cannot serialize the status: {error}"),
        hint: None,
    })?;
    let reports = reports.into_iter().map(Response::Report);
    Ok(reports.chain([Response::Done]).collect())
}

/// Returns the report of the profile `name`, whose credential comes from `source`.
pub(super) fn profile(
    name: &str,
    source: &str,
    snapshot: &Snapshot,
    calibration: Option<Calibration>,
    now: Now,
) -> ProfileReport {
    let credential = snapshot.credential.as_deref();
    let next_refresh_at = snapshot.next_deadline.map(|deadline| {
        let wait = deadline.since(now.tick);
        now.wall.saturating_add(wait).unwrap_or(now.wall)
    });
    ProfileReport {
        name: name.to_owned(),
        source: source.to_owned(),
        state: state(snapshot),
        fingerprint: credential.map(|credential| credential.fingerprint().to_string()),
        issued_at: credential.map(|credential| whole_seconds(credential.issued_at())),
        expires_at: credential
            .and_then(|credential| credential.expires_at())
            .map(whole_seconds),
        next_refresh_at: next_refresh_at.map(whole_seconds),
        version: credential.and_then(|credential| credential.version),
        last_error: snapshot.last_error.as_ref().map(ToString::to_string),
        seen_current_at: snapshot.seen_current.map(whole_seconds),
        rejected_since: snapshot.rejected_since.map(whole_seconds),
        calibration: calibration.map(|calibration| {
            match calibration {
                Calibration::Unknown => "unknown",
                Calibration::Reliable => "reliable",
                Calibration::AcceptsAnyKey => "accepts-any-key",
            }
            .to_owned()
        }),
        advice: [short_lifetime(snapshot), accepts_any_key(calibration)]
            .into_iter()
            .flatten()
            .collect(),
    }
}

fn state(snapshot: &Snapshot) -> ProfileState {
    match (&snapshot.credential, &snapshot.last_error) {
        (Some(_), _) if snapshot.rejected_since.is_some() => ProfileState::Rejected,
        (Some(_), _) => ProfileState::Ready,
        (None, Some(SourceError::LoginRefused { .. } | SourceError::LoginRequired { .. })) => {
            ProfileState::LoginRequired
        }
        (None, Some(_)) => ProfileState::Unreachable,
        (None, None) => ProfileState::Empty,
    }
}

/// Advice for a client that caches for longer than the source's credentials are valid.
fn short_lifetime(snapshot: &Snapshot) -> Option<String> {
    let lifetime = snapshot.credential.as_ref()?.lifetime?;
    let cached = snapshot.cache_lifetime?;
    if lifetime > renewal::min_remaining(cached) {
        return None;
    }
    Some(format!(
        "the client caches for {} s, but a key is valid for {} s: set CLAUDE_CODE_API_KEY_HELPER_TTL_MS to {} \
         or less, or let the source issue keys for longer",
        cached.as_secs(),
        lifetime.as_secs(),
        renewal::longest_cache_lifetime(lifetime).as_millis(),
    ))
}

/// Advice for a probe that cannot tell keys apart.
fn accepts_any_key(calibration: Option<Calibration>) -> Option<String> {
    (calibration == Some(Calibration::AcceptsAnyKey)).then(|| {
        "the gateway accepts any key on the route that is probed, so the probe is not used: set 'probe' to \
         'count-tokens' or 'off'"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{
        clock::{Tick, Timestamp},
        credential::Credential,
        secret::Secret,
        source::TransportError,
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
            seen_current: None,
            last_error: None,
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

    fn reported(snapshot: &Snapshot, calibration: Option<Calibration>) -> serde_json::Value {
        let profile = profile("default", "team-vault", snapshot, calibration, now());
        serde_json::to_value(profile).unwrap()
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
        for name in ["expires_at", "next_refresh_at", "last_error"] {
            assert!(profile[name].is_null(), "{name}");
        }
    }

    #[test]
    fn every_state_has_its_name() {
        let state = |snapshot: Snapshot| reported(&snapshot, None)["state"].clone();
        let without = |last_error| Snapshot {
            credential: None,
            last_error,
            ..snapshot(None)
        };
        let host = || "vault.test:8200".to_owned();
        assert_eq!(state(without(None)), "empty");
        let unreachable = SourceError::Unreachable {
            host: host(),
            error: TransportError::Refused,
        };
        assert_eq!(state(without(Some(unreachable))), "unreachable");
        let login = SourceError::LoginRefused {
            host: host(),
            reason: "expired".to_owned(),
            hint: String::new(),
        };
        assert_eq!(state(without(Some(login))), "login-required");
        let rejected = Snapshot {
            rejected_since: Some(Timestamp::UNIX_EPOCH),
            ..snapshot(None)
        };
        assert_eq!(state(rejected), "rejected");
    }

    #[test]
    fn a_lifetime_shorter_than_the_clients_cache_is_advised_with_the_value_to_set() {
        let advice = reported(&snapshot(Some(300)), None)["advice"].to_string();
        assert!(
            advice.contains("caches for 300 s, but a key is valid for 300 s"),
            "{advice}"
        );
        assert!(
            advice.contains("CLAUDE_CODE_API_KEY_HELPER_TTL_MS to 90000 or less"),
            "{advice}"
        );
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
}
