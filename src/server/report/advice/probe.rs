//! Why a probe cannot tell whether the gateway accepts the key.
//!
//! A key that it does not accept is then found only by the client's own retries.

use std::time::Duration;

use super::Facts;
use crate::{
    broker::slot::LastProbe,
    config::Probe,
    error_report,
    gateway::{Calibration, Inconclusive, ProbeResult},
    network::{TlsError, TransportError},
};

/// How long a cause that usually ends by itself is of interest. Probes follow from requests, so
/// the last one may be much older.
const PASSING_CAUSE_TTL: Duration = Duration::from_secs(3600);

/// Advice for a profile whose keys are never probed.
pub(super) fn there_is_none(facts: &Facts<'_>) -> Option<String> {
    facts.snapshot.credential.as_ref()?;
    let (problem, remedy) = match (&facts.profile.gateway, facts.profile.probe()) {
        (None, _) => ("the profile has no gateway to probe", "set 'gateway'"),
        (Some(_), Probe::Off) => (
            "the probe is off",
            "set 'probe' to 'models' or 'count-tokens' if the gateway has that route",
        ),
        (Some(_), Probe::Models | Probe::CountTokens) => return None,
    };
    Some(format!(
        "{problem}, so that a key that the gateway rejects is found only by the client's retries: {}",
        facts.by_administrator(remedy)
    ))
}

/// Advice for a key that the gateway knows and forbids the probed route.
///
/// A revoked key gets another answer, so the probe is of use; but a key that the gateway has only
/// ceased to allow on the client's route looks the same.
pub(super) fn forbidden_route(facts: &Facts<'_>) -> Option<String> {
    let last_probe = facts.snapshot.last_probe.as_ref()?;
    (last_probe.result == ProbeResult::Known).then(|| {
        format!(
            "the gateway knows the key, but does not allow it on the probed route (403): {}",
            facts.by_administrator(allow_route(facts))
        )
    })
}

/// Advice for a probe that proves nothing, by its reason.
pub(super) fn proves_nothing(facts: &Facts<'_>) -> Option<String> {
    let last_probe = facts.snapshot.last_probe.as_ref();
    let result = last_probe.map(|probe| &probe.result);
    let (reason, remedy) = match (facts.calibration?, result) {
        (Calibration::AcceptsAnyKey, _) => (
            Inconclusive::AcceptsAnyKey.to_string(),
            facts.by_administrator(other_probe(facts)),
        ),
        (calibration, Some(ProbeResult::Inconclusive(reason)))
            if is_of_interest(facts, calibration, reason, last_probe) =>
        {
            (reason.to_string(), remedy(facts, reason))
        }
        (Calibration::NoRoute, _) => (
            "the gateway lacks the probed route".to_owned(),
            facts.by_administrator(other_probe(facts)),
        ),
        _ => return None,
    };
    Some(format!("the probe proves nothing: {reason}; {remedy}"))
}

/// Whether the reason of the last probe still says something.
fn is_of_interest(
    facts: &Facts<'_>,
    calibration: Calibration,
    reason: &Inconclusive,
    last_probe: Option<&LastProbe>,
) -> bool {
    let age = last_probe.map(|probe| facts.now.duration_since(probe.at));
    let is_recent = age.is_some_and(|age| age.unsigned_abs() < PASSING_CAUSE_TTL);
    match reason {
        // Another key of the same gateway has shown it since.
        Inconclusive::Uncalibrated => calibration == Calibration::Unknown,
        Inconclusive::NotTheKey {
            status: 408 | 429 | 500..,
            ..
        } => is_recent,
        Inconclusive::NoResponse(error) => {
            matches!(error, TransportError::Proxy(_) | TransportError::Tls(_)) || is_recent
        }
        _ => true,
    }
}

/// The one thing to do about `reason`.
fn remedy(facts: &Facts<'_>, reason: &Inconclusive) -> String {
    match reason {
        Inconclusive::NotSent(error) if error.is_of_client => error.hint.clone(),
        Inconclusive::NotSent(error) => facts.by_administrator(&*error.hint),
        Inconclusive::NoResponse(TransportError::Tls(TlsError::ClientCertificateRequired)) => {
            facts.by_administrator("set 'cert_file' and 'key_file' in the profile")
        }
        Inconclusive::NoResponse(error) => {
            error_report::transport_hint(error, facts.administrator.clone())
        }
        Inconclusive::AcceptsAnyKey | Inconclusive::NoRoute { .. } => {
            facts.by_administrator(other_probe(facts))
        }
        Inconclusive::Uncalibrated => {
            "nothing to do: the next probe sends a wrong key again".to_owned()
        }
        Inconclusive::Unproven { .. } => facts.by_administrator(format!(
            "set 'headers' if the gateway requires any, or {}",
            other_probe(facts)
        )),
        Inconclusive::NotAllowed => facts.by_administrator(allow_route(facts)),
        Inconclusive::NotJson { is_page: true, .. } => open_in_browser(facts),
        Inconclusive::NotJson { is_page: false, .. } => {
            facts.by_administrator("set 'gateway' to the gateway's base URL")
        }
        Inconclusive::NotTheKey { status, cause } => of_status(facts, *status, cause),
    }
}

/// The one thing to do about a request that the gateway refuses for a reason other than the key.
fn of_status(facts: &Facts<'_>, status: u16, cause: &str) -> String {
    let is_about = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    match status {
        402 | 412 => facts.by_administrator(RAISE_BUDGET),
        _ if is_about(&["budget", "quota"]) => facts.by_administrator(RAISE_BUDGET),
        _ if is_about(&["billing", "credit", "payment"]) => {
            facts.by_administrator("ask the gateway's administrator to resolve it")
        }
        _ if status == 446 || is_about(&["guardrail"]) => facts.by_administrator(format!(
            "ask the gateway's administrator to exempt {} from it",
            route(facts)
        )),
        300..400 => facts.by_administrator("set 'gateway' to the address that it redirects to"),
        403 => facts.by_administrator(allow_route(facts)),
        429 => "nothing to do: the gateway limits the number of requests for now".to_owned(),
        511 => open_in_browser(facts),
        408 | 500.. => {
            "nothing to do on this machine; if it lasts, ask the gateway's administrator".to_owned()
        }
        _ => facts.by_administrator(format!(
            "set 'headers' if the gateway requires any, or {}",
            other_probe(facts)
        )),
    }
}

const RAISE_BUDGET: &str = "ask the gateway's administrator to raise it";

/// For a page in place of a response, which only the user of this machine can look at.
fn open_in_browser(facts: &Facts<'_>) -> String {
    let gateway = facts.profile.gateway.as_ref().map(ToString::to_string);
    format!(
        "open '{}' in a browser: a captive portal or a sign-in page may have answered",
        gateway
            .as_deref()
            .unwrap_or("gateway")
            .trim_end_matches('/')
    )
}

fn allow_route(facts: &Facts<'_>) -> String {
    format!(
        "ask the gateway's administrator to allow the key {}, or {}",
        route(facts),
        other_probe(facts)
    )
}

/// The probed route.
fn route(facts: &Facts<'_>) -> &'static str {
    match facts.profile.probe() {
        Probe::Models | Probe::Off => "GET /v1/models",
        Probe::CountTokens => "POST /v1/messages/count_tokens",
    }
}

fn other_probe(facts: &Facts<'_>) -> &'static str {
    match facts.profile.probe() {
        Probe::Models | Probe::Off => "set 'probe' to 'count-tokens' or 'off'",
        Probe::CountTokens => "set 'probe' to 'models' or 'off'",
    }
}
