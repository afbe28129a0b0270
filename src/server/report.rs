//! What `status` shows, as the JSON that `status --json` prints. Its names are a contract.

use claviger_wire::Response;
use serde::Serialize;

use crate::{
    broker::{renewal, slot::Snapshot},
    clock::{Now, Timestamp},
    gateway::Calibration,
    secret::Fingerprint,
    source::SourceError,
};

/// `daemon`.
#[derive(Debug, Serialize)]
pub(super) struct DaemonReport {
    pub(super) pid: u32,
    pub(super) version: &'static str,
    pub(super) uptime_s: u64,
    pub(super) socket: String,
    /// The configuration file that is in force.
    pub(super) config: String,
    /// What is wrong with the file as it is now, where it is not the one in force.
    pub(super) config_error: Option<String>,
}

/// One of `profiles`. Times are RFC 3339.
#[derive(Debug, Serialize)]
pub(super) struct ProfileReport<'a> {
    name: &'a str,
    source: &'a str,
    state: ProfileState,
    fingerprint: Option<Fingerprint>,
    issued_at: Option<String>,
    expires_at: Option<String>,
    next_refresh_at: Option<String>,
    version: Option<u64>,
    last_error: Option<String>,
    /// When the source was last seen to have this very credential.
    seen_current_at: Option<String>,
    /// Since when the gateway rejects it.
    rejected_since: Option<String>,
    /// Whether the gateway's word on a key counts; `null` where it is not asked.
    calibration: Option<&'static str>,
    /// What is not as it should be, and what to set.
    advice: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum ProfileState {
    /// There is a credential to hand out.
    Ready,
    /// The source wants a login that only a person, or whoever put the login's secret there, can mend.
    LoginRequired,
    /// The gateway rejects what the source has.
    Rejected,
    /// The source gave none.
    Unreachable,
    /// Nobody has asked yet.
    Empty,
}

impl<'a> ProfileReport<'a> {
    pub(super) fn new(
        name: &'a str,
        source: &'a str,
        snapshot: &Snapshot,
        calibration: Option<Calibration>,
        now: Now,
    ) -> Self {
        let credential = snapshot.credential.as_deref();
        let text = |at: Timestamp| at.to_string();
        let next_refresh_at = snapshot.next_deadline.map(|due| {
            let wait = due.since(now.tick);
            text(now.wall.saturating_add(wait).unwrap_or(now.wall))
        });
        Self {
            name,
            source,
            state: state(snapshot),
            fingerprint: credential.map(|credential| credential.fingerprint()),
            issued_at: credential.map(|credential| text(credential.issued_at())),
            expires_at: credential.and_then(|c| c.expires_at()).map(text),
            next_refresh_at,
            version: credential.and_then(|credential| credential.version),
            last_error: snapshot.last_error.as_ref().map(ToString::to_string),
            seen_current_at: snapshot.seen_current.map(text),
            rejected_since: snapshot.rejected_since.map(text),
            calibration: calibration.map(|calibration| match calibration {
                Calibration::Unknown => "unknown",
                Calibration::Reliable => "reliable",
                Calibration::AcceptsAnyKey => "accepts-any-key",
            }),
            advice: [short_life(snapshot), lenient(calibration)]
                .into_iter()
                .flatten()
                .collect(),
        }
    }
}

/// As a response. One that does not fit a frame would be a bug: its texts are short.
pub(super) fn response(report: &impl Serialize) -> Response {
    Response::Report(serde_json::to_string(report).unwrap_or_default())
}

fn state(snapshot: &Snapshot) -> ProfileState {
    match (&snapshot.credential, &snapshot.last_error) {
        (Some(_), _) if snapshot.rejected_since.is_some() => ProfileState::Rejected,
        (Some(_), _) => ProfileState::Ready,
        (None, Some(SourceError::LoginRefused { .. })) => ProfileState::LoginRequired,
        (None, Some(_)) => ProfileState::Unreachable,
        (None, None) => ProfileState::Empty,
    }
}

/// The client caches for longer than the source's credentials live.
fn short_life(snapshot: &Snapshot) -> Option<String> {
    let lifetime = snapshot.credential.as_ref()?.lifetime?;
    let cached = snapshot.cache_lifetime?;
    if lifetime > renewal::min_remaining(cached) {
        return None;
    }
    Some(format!(
        "the client caches for {} s what lives for {} s: set CLAUDE_CODE_API_KEY_HELPER_TTL_MS to {} or less, \
         or let the source issue for longer",
        cached.as_secs(),
        lifetime.as_secs(),
        renewal::longest_cache_lifetime(lifetime).as_millis(),
    ))
}

fn lenient(calibration: Option<Calibration>) -> Option<String> {
    (calibration == Some(Calibration::AcceptsAnyKey)).then(|| {
        "the gateway takes any key on the route that is probed, so its word does not count: set probe to \
         \"count-tokens\" or \"off\""
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
            wall: Timestamp::UNIX_EPOCH,
        }
    }

    fn reported(snapshot: &Snapshot, calibration: Option<Calibration>) -> serde_json::Value {
        let profile = ProfileReport::new("default", "team-vault", snapshot, calibration, now());
        serde_json::to_value(profile).unwrap()
    }

    #[test]
    fn the_contract_holds() {
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
    fn each_state_has_its_name() {
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
    fn a_key_that_lives_shorter_than_the_client_caches_is_told_with_the_value_to_set() {
        let advice = reported(&snapshot(Some(300)), None)["advice"].to_string();
        assert!(
            advice.contains("caches for 300 s what lives for 300 s"),
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
    fn a_gateway_that_takes_any_key_is_told() {
        let profile = reported(&snapshot(None), Some(Calibration::AcceptsAnyKey));
        assert_eq!(profile["calibration"], "accepts-any-key");
        assert!(
            profile["advice"]
                .to_string()
                .contains("its word does not count")
        );
    }
}
