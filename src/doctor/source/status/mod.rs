//! What the status of a profile that has its key shows. Pure.

use std::time::Duration;

use super::checks::{
    ADVICE, LOGIN_EXPIRES, LOGIN_NOT_RENEWABLE, LOGIN_STORE, NOT_WATCHED, PROBE, REJECTED, STALE,
};
use crate::{
    clock::Timestamp,
    config::{Engine, SourceConfig},
    doctor::finding::Finding,
    status_report::{ProfileReport, ProfileState, UserLoginReport},
};

/// A login that ends within this time is reported: it may end in the middle of the work.
const LOGIN_ENDS_SOON: Duration = Duration::from_hours(24);

/// What is wrong, or may become so, in `report` of a profile with this source.
pub(super) fn check(report: &ProfileReport, source: &SourceConfig, now: Timestamp) -> Vec<Finding> {
    let login = report.login.iter();
    let mut findings: Vec<_> = login
        .flat_map(|login| of_login(report, login, now))
        .chain(state(report))
        .chain(probe(report))
        .chain(watch(report, source))
        .collect();
    let said: Vec<_> = findings.iter().map(|found| found.remedy.clone()).collect();
    let advice = report.advice.iter().filter(|advice| !said.contains(advice));
    findings.extend(advice.map(|advice| of_advice(report, advice)));
    findings
}

fn state(report: &ProfileReport) -> Option<Finding> {
    let remedy = report.advice.first().cloned();
    let remedy = remedy.unwrap_or_else(|| format!("run claviger status {}", report.name));
    let since = |at: Option<Timestamp>| at.map(|at| format!("since {at}"));
    match (&report.state, &report.last_error) {
        (ProfileState::Rejected, _) => Some(REJECTED.found(
            format!(
                "the gateway rejects the key that source '{}' still has",
                report.source
            ),
            since(report.rejected_since),
            remedy,
        )),
        (ProfileState::Ready, Some(error)) => Some(
            STALE.found(
                format!(
                    "source '{}' fails now, and the key is served from memory: {error}",
                    report.source
                ),
                report
                    .seen_current_at
                    .map(|at| format!("last seen at the source at {at}")),
                remedy,
            ),
        ),
        _ => None,
    }
}

fn of_login(report: &ProfileReport, login: &UserLoginReport, now: Timestamp) -> Vec<Finding> {
    let login_again = format!("run claviger login --force {}", report.name);
    let store = login.warning.as_ref().map(|warning| {
        let (problem, remedy) = split(warning, &login_again);
        LOGIN_STORE.found(problem, [], remedy)
    });
    let soon = now.saturating_add(LOGIN_ENDS_SOON).unwrap_or(now);
    let ends = login.expires_at.filter(|at| *at < soon).map(|at| {
        LOGIN_EXPIRES.found(
            format!("the login of source '{}' ends at {at}", report.source),
            login.signed_in_at.map(|at| format!("signed in at {at}")),
            login_again.clone(),
        )
    });
    // One that ends soon says more.
    let not_renewable = (!login.renewable && ends.is_none()).then(|| {
        LOGIN_NOT_RENEWABLE.found(
            format!(
                "source '{}' has no refresh token, so that each new key needs a sign-in",
                report.source
            ),
            [],
            "ask for one in 'scopes', mostly with 'offline_access'",
        )
    });
    store.into_iter().chain(ends).chain(not_renewable).collect()
}

fn probe(report: &ProfileReport) -> Option<Finding> {
    let problem = match report.calibration.as_deref()? {
        "accepts-any-key" => "the gateway accepts any key on the probed route",
        "no-route" => "the gateway lacks the probed route",
        _ => return None,
    };
    let last = report.last_probe.as_ref();
    let reason = last.and_then(|probe| probe.reason.clone());
    Some(PROBE.found(
        format!("{problem}, so that a rejected key is not noticed by a probe"),
        reason,
        "set 'probe' to the other route, or to 'off'",
    ))
}

fn watch(report: &ProfileReport, source: &SourceConfig) -> Option<Finding> {
    let SourceConfig::Vault(vault) = source else {
        return None;
    };
    let (problem, remedy) = match vault.engine {
        Engine::Kv2 { watch: None } => ("'watch' is off", "remove 'watch = \"off\"'"),
        Engine::Kv1 => (
            "KV version 1 has no versions to watch",
            "move the secret to KV version 2",
        ),
        Engine::Kv2 { watch: Some(_) } | Engine::Lease => return None,
    };
    Some(NOT_WATCHED.found(
        format!(
            "{problem}: a rotation at source '{}' is noticed when the key is rejected or 'max_age' ends",
            report.source
        ),
        [],
        remedy,
    ))
}

fn of_advice(report: &ProfileReport, advice: &str) -> Finding {
    let (problem, remedy) = split(advice, &format!("run claviger status {}", report.name));
    ADVICE.found(problem, [], remedy)
}

/// The problem and the remedy of a sentence of the daemon: "problem: remedy".
fn split(sentence: &str, otherwise: &str) -> (String, String) {
    match sentence.rsplit_once(": ") {
        Some((problem, remedy)) => (problem.to_owned(), remedy.to_owned()),
        None => (sentence.to_owned(), otherwise.to_owned()),
    }
}

#[cfg(test)]
pub(super) mod tests;
