//! The reports to the commands, built from what the broker knows.

mod advice;
pub(super) mod login;
mod policy;
mod state;

use claviger_wire::{ExitCode, Failure, Response};
use serde::Serialize;

pub(super) use self::policy::{denied, policy};
use crate::{
    broker::{
        LoggedOut,
        slot::{Evidence, LastProbe, Snapshot},
    },
    clock::{Now, whole_seconds},
    config::{Config, ProfileConfig},
    credential::Credential,
    error_report,
    gateway::{Calibration, ProbeResult},
    logout_report::{self, LogoutReport},
    source::Revoked,
    status_report::{
        CLIENT_RETRIES, DaemonReport, FailureReport, LastProbeReport, PROBE, ProfileReport,
        ProfileState, SuccessorReport, UserLoginReport,
    },
};

/// Returns the answer that contains the daemon's report and those of `profiles`. It ends with
/// `failure`, if there is one.
///
/// # Errors
///
/// Those of [`responses`].
pub(super) fn answer(
    daemon: &DaemonReport,
    profiles: &[impl Serialize],
    failure: Option<Failure>,
) -> Result<Vec<Response>, Failure> {
    let mut answer = vec![serialized(daemon)?];
    answer.extend(responses(profiles, failure)?);
    Ok(answer)
}

/// Returns the answer that contains `reports`. It ends with `failure`, if there is one.
///
/// # Errors
///
/// [`ExitCode::DaemonUnavailable`] if one cannot be serialized, which would be a bug.
pub(super) fn responses(
    reports: &[impl Serialize],
    failure: Option<Failure>,
) -> Result<Vec<Response>, Failure> {
    let mut answer = reports
        .iter()
        .map(serialized)
        .collect::<Result<Vec<_>, _>>()?;
    answer.push(failure.map_or(Response::Done, Response::Failure));
    Ok(answer)
}

/// Returns `report` as a response.
///
/// # Errors
///
/// As [`responses`].
pub(super) fn serialized(report: &impl Serialize) -> Result<Response, Failure> {
    let json = serde_json::to_string(report).map_err(|error| Failure {
        code: ExitCode::DaemonUnavailable,
        message: format!("cannot serialize the status: {error}"),
        hint: None,
    })?;
    Ok(Response::Report(json))
}

/// Returns `failure` as a part of a report.
pub(super) fn failure(failure: &Failure) -> FailureReport {
    FailureReport {
        code: failure.code.as_byte(),
        message: failure.message.clone(),
        hint: failure.hint.clone(),
    }
}

/// Returns the report of the profile `name`, which must exist in `config`.
pub(super) fn profile(
    name: &str,
    config: &Config,
    snapshot: &Snapshot,
    calibration: Option<Calibration>,
    login: Option<UserLoginReport>,
    now: Now,
) -> ProfileReport {
    let profile = &config.profiles[name];
    let credential = snapshot.credential.as_deref();
    let next_refresh_at = snapshot.next_deadline.map(|deadline| {
        let wait = deadline.since(now.tick);
        now.wall.saturating_add(wait).unwrap_or(now.wall)
    });
    let administrator = config.ask_administrator();
    let (error_code, remedy) =
        state::trouble(name, &profile.source, snapshot, administrator.clone());
    let advice = advice::of(&advice::Facts {
        name,
        profile,
        snapshot,
        calibration,
        login: login.as_ref(),
        administrator,
        now: now.wall,
    });
    ProfileReport {
        name: name.to_owned(),
        source: profile.source.clone(),
        gateway: gateway(profile),
        state: state::of(snapshot),
        fingerprint: credential.map(|credential| credential.fingerprint().to_string()),
        issued_at: credential.map(|credential| whole_seconds(credential.issued_at())),
        expires_at: credential
            .and_then(|credential| credential.expires_at())
            .map(whole_seconds),
        next_refresh_at: next_refresh_at.map(whole_seconds),
        version: credential.and_then(|credential| credential.version),
        last_error: snapshot.last_error.as_ref().map(ToString::to_string),
        error_code: error_code.map(ExitCode::as_byte),
        seen_current_at: snapshot.seen_current.map(whole_seconds),
        usable_until: snapshot.usable_until.map(whole_seconds),
        rejected_since: snapshot.rejected_since.map(whole_seconds),
        rejection_evidence: snapshot.rejection_evidence.as_ref().map(|evidence| {
            match evidence {
                Evidence::Probe => PROBE,
                Evidence::ClientRetries(_) => CLIENT_RETRIES,
            }
            .to_owned()
        }),
        last_probe: snapshot.last_probe.as_ref().map(last_probe),
        successor: snapshot.successor.as_deref().map(successor),
        calibration: calibration.map(|calibration| {
            match calibration {
                Calibration::Unknown => "unknown",
                Calibration::Reliable(_) => "reliable",
                Calibration::NoRoute => "no-route",
                Calibration::AcceptsAnyKey => "accepts-any-key",
            }
            .to_owned()
        }),
        policy_denial: None,
        advice: remedy.into_iter().chain(advice).collect(),
        variables: None,
        login,
        failure: None,
    }
}

/// Returns the report of a profile while the lock is on.
pub(super) fn locked(profile: ProfileReport) -> ProfileReport {
    ProfileReport {
        state: ProfileState::Locked,
        error_code: Some(ExitCode::Denied.as_byte()),
        advice: vec![error_report::UNLOCK.to_owned()],
        ..profile
    }
}

/// Returns the URL of the gateway of `profile`.
pub(super) fn gateway(profile: &ProfileConfig) -> Option<String> {
    let gateway = profile.gateway.as_ref()?.to_string();
    Some(gateway.trim_end_matches('/').to_owned())
}

fn last_probe(probe: &LastProbe) -> LastProbeReport {
    LastProbeReport {
        at: Some(whole_seconds(probe.at)),
        result: probe.result.name().to_owned(),
        reason: match &probe.result {
            ProbeResult::Inconclusive(reason) => Some(reason.to_string()),
            ProbeResult::Accepted | ProbeResult::Known | ProbeResult::Rejected => None,
        },
    }
}

fn successor(credential: &Credential) -> SuccessorReport {
    SuccessorReport {
        fingerprint: credential.fingerprint().to_string(),
        version: credential.version,
        issued_at: Some(whole_seconds(credential.issued_at())),
    }
}

/// Returns the report of a logout from the profile `name`; `failed` is the failure to revoke.
pub(super) fn logout(
    name: &str,
    source: &str,
    logged_out: &LoggedOut,
    failed: Option<&Failure>,
) -> LogoutReport {
    let revocation = logged_out.revocation.as_ref().ok();
    let text = |revoked: Revoked| {
        match revoked {
            Revoked::Nothing => logout_report::NONE,
            Revoked::Done => logout_report::REVOKED,
            Revoked::StaysValid => logout_report::STAYS_VALID,
        }
        .to_owned()
    };
    LogoutReport {
        name: name.to_owned(),
        source: source.to_owned(),
        forgotten: logged_out.forgotten.as_ref().map(ToString::to_string),
        lease: revocation.map(|revocation| text(revocation.lease)),
        login: revocation.map(|revocation| text(revocation.login)),
        failure: failed.map(failure),
    }
}

#[cfg(test)]
mod tests;
