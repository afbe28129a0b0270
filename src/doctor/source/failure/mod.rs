//! From the daemon's failure to a finding. The failure has named the cause and the remedy already;
//! the check is recognized by the code and by the fixed parts of the message.

use claviger_wire::{ExitCode, Failure};

use super::checks::{
    CLAIM, CONFIGURATION, DAEMON, DENIED, FAILED, FIELD, KV_VERSION, LOGIN_REFUSED, LOGIN_REQUIRED,
    PATH, POLICY, PROGRAM, REJECTED, UNAVAILABLE, UNEXPECTED_ANSWER, UNREACHABLE, UNUSABLE_KEY,
    WRAPPED_SECRET_ID,
};
use crate::doctor::{check::Check, finding::Finding};

/// The fixed parts of messages, and the check that each one shows. The first that fits counts; the
/// tests compare them with the errors themselves.
const PARTS: [(ExitCode, &str, &Check); 17] = [
    (
        ExitCode::LoginRequired,
        "the wrapping token",
        &WRAPPED_SECRET_ID,
    ),
    (
        ExitCode::LoginRequired,
        "' refused the login: ",
        &LOGIN_REFUSED,
    ),
    (ExitCode::LoginRequired, "", &LOGIN_REQUIRED),
    (ExitCode::SourceFailed, "' denied access to '", &POLICY),
    (ExitCode::SourceFailed, "no secret at '", &PATH),
    (
        ExitCode::SourceFailed,
        "' redirects to '",
        &UNEXPECTED_ANSWER,
    ),
    (
        ExitCode::SourceFailed,
        "unexpected response from '",
        &UNEXPECTED_ANSWER,
    ),
    (ExitCode::SourceFailed, "unexpected output of '", &PROGRAM),
    (ExitCode::SourceFailed, "' failed: ", &PROGRAM),
    (ExitCode::SourceFailed, "' for now: ", &FAILED),
    (ExitCode::SourceFailed, "' is sealed", &UNAVAILABLE),
    (ExitCode::SourceFailed, "' is a standby", &UNAVAILABLE),
    (
        ExitCode::SourceFailed,
        "' is temporarily unavailable",
        &UNAVAILABLE,
    ),
    (ExitCode::SourceFailed, "", &UNREACHABLE),
    (ExitCode::KeyUnusable, "has no usable claim", &CLAIM),
    (ExitCode::KeyUnusable, "' is missing", &FIELD),
    (ExitCode::Usage, "but the source expects", &KV_VERSION),
];

/// The check that found `failure`.
fn check(failure: &Failure) -> &'static Check {
    let found = PARTS
        .iter()
        .find(|(code, part, _)| *code == failure.code && failure.message.contains(part));
    match (found, failure.code) {
        (Some((_, _, check)), _) => check,
        (None, ExitCode::Usage) => &CONFIGURATION,
        (None, ExitCode::KeyRejected) => &REJECTED,
        (None, ExitCode::KeyUnusable) => &UNUSABLE_KEY,
        (None, ExitCode::Denied) => &DENIED,
        (None, _) => &DAEMON,
    }
}

/// The finding of a client that gets no key.
pub(super) fn finding(failure: &Failure) -> Finding {
    let code = failure.code.as_byte();
    let evidence = format!("a client's command ends with code {code}");
    let remedy = failure.hint.clone();
    check(failure).found(
        failure.message.clone(),
        [evidence],
        remedy.unwrap_or_else(|| "see the daemon's log".to_owned()),
    )
}

#[cfg(test)]
mod tests;
