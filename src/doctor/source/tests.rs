//! Causes of each check: the daemon's failures, and reports of a profile that has its key.

use claviger_wire::{ExitCode, Failure};

use super::{
    CHECKS, checks, failure,
    status::tests::{check_now, ready},
};
use crate::{
    doctor::{check::Check, finding::Finding, tests::Case},
    status_report::{ProfileReport, ProfileState, UserLoginReport},
};

/// The cases of this family.
pub(in crate::doctor) fn cases() -> Vec<Case> {
    let case = |check: &Check| Case {
        check: *check,
        broken: cause(check),
        sound: check_now(&ready(), ""),
    };
    CHECKS.iter().map(case).collect()
}

/// What is found if there is a cause of `check`.
fn cause(check: &Check) -> Vec<Finding> {
    use ExitCode::{
        DaemonUnavailable, Denied, KeyRejected, KeyUnusable, LoginRequired, SourceFailed, Usage,
    };
    let (code, message) = match *check {
        checks::DAEMON => (DaemonUnavailable, "the daemon did not answer within 9 s"),
        checks::UNREACHABLE => (SourceFailed, "'v' refused the connection"),
        checks::UNAVAILABLE => (SourceFailed, "'v' is sealed (503)"),
        checks::FAILED => (SourceFailed, "'v' cannot read 'p' for now: bad role"),
        checks::UNEXPECTED_ANSWER => (SourceFailed, "unexpected response from 'v': not JSON"),
        checks::PROGRAM => (SourceFailed, "unexpected output of '/bin/key': too long"),
        checks::LOGIN_REQUIRED => (LoginRequired, "'v' requires a login: no user has signed in"),
        checks::LOGIN_REFUSED => (LoginRequired, "'v' refused the login: invalid secret id"),
        checks::WRAPPED_SECRET_ID => (
            LoginRequired,
            "'v' refused the login: the wrapping token was already used",
        ),
        checks::POLICY => (SourceFailed, "'v' denied access to 'p': permission denied"),
        checks::PATH => (SourceFailed, "no secret at 'p' on 'v' (404)"),
        checks::FIELD => (KeyUnusable, "field 'api_key' from 'v' is missing"),
        checks::CLAIM => (
            KeyUnusable,
            "the login at 'v' has no usable claim for 'path': x",
        ),
        checks::KV_VERSION => (
            Usage,
            "'p' is KV version 1, but the source expects KV version 2",
        ),
        checks::UNUSABLE_KEY => (KeyUnusable, "field 'api_key' from 'v' is empty"),
        checks::REJECTED => (KeyRejected, "the gateway rejects the key"),
        checks::DENIED => (Denied, "the key is for another gateway"),
        checks::CONFIGURATION => (Usage, "the file '/etc/token' does not exist"),
        _ => return of_report(check),
    };
    vec![failure::finding(&Failure::new(code, message, "the remedy"))]
}

fn of_report(check: &Check) -> Vec<Finding> {
    let login = |login| ProfileReport {
        login: Some(login),
        ..ready()
    };
    let renewable = UserLoginReport {
        renewable: true,
        ..UserLoginReport::default()
    };
    let report = match *check {
        checks::STALE => ProfileReport {
            state: ProfileState::Ready,
            last_error: Some("'v' timed out".to_owned()),
            ..ready()
        },
        checks::LOGIN_STORE => login(UserLoginReport {
            warning: Some("the keyring is locked: unlock it".to_owned()),
            ..renewable
        }),
        checks::LOGIN_EXPIRES => login(UserLoginReport {
            expires_at: "2026-06-01T18:00:00Z".parse().ok(),
            ..renewable
        }),
        checks::LOGIN_NOT_RENEWABLE => login(UserLoginReport::default()),
        checks::PROBE => ProfileReport {
            calibration: Some("no-route".to_owned()),
            ..ready()
        },
        checks::NOT_WATCHED => return check_now(&ready(), "watch = 'off'"),
        checks::ADVICE => ProfileReport {
            advice: vec!["a key lives for 1 min: raise its life".to_owned()],
            ..ready()
        },
        other => panic!("no cause of {other:?}"),
    };
    check_now(&report, "")
}
