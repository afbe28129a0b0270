//! The central policy: whether one counts, and what the daemon's last look for it has found.

use crate::{
    doctor::{
        check::Check,
        finding::{Finding, Severity},
    },
    status_report::{PolicyReport, PolicyStanding},
};

/// No policy has arrived.
pub(super) const MISSING: Check = super::check_of(
    Severity::Fatal,
    "machine.policy-missing",
    "no central policy has arrived yet: no client gets a key",
);

/// The last policy counts no longer.
pub(super) const EXPIRED: Check = super::check_of(
    Severity::Fatal,
    "machine.policy-expired",
    "the central policy was last seen longer ago than its 'max_age': no client gets a key",
);

/// The policy in force may not be the newest.
pub(super) const UNAVAILABLE: Check = super::check_of(
    Severity::Warning,
    "machine.policy-unavailable",
    "the last look for a newer central policy failed, or found one that is refused",
);

/// The next daemon does not know the policy.
pub(super) const NOT_KEPT: Check = super::check_of(
    Severity::Warning,
    "machine.policy-not-kept",
    "the daemon cannot keep the last good central policy, or read it",
);

/// Checks what the daemon reports of the policy. One that waits for the next request, which looks
/// for it first, is not wrong.
pub(super) fn check(policy: Option<&PolicyReport>) -> Vec<Finding> {
    let Some(policy) = policy else {
        return Vec::new();
    };
    let failed = policy.error.as_ref().map(|error| of_failure(policy, error));
    let not_kept = policy.file_error.as_ref().map(|error| {
        let problem = "the last good central policy is not kept for the next daemon";
        let remedy = "correct that file, or remove it, and let only the user write its directory";
        NOT_KEPT.found(problem, [error.clone()], remedy)
    });
    failed.into_iter().chain(not_kept).collect()
}

/// The finding if the last look has failed with `error`.
fn of_failure(policy: &PolicyReport, error: &str) -> Finding {
    let (check, problem) = match policy.state {
        PolicyStanding::Missing => (
            MISSING,
            "no central policy has arrived yet, so that no client gets a key",
        ),
        PolicyStanding::Expired => (
            EXPIRED,
            "the central policy was seen too long ago, so that no client gets a key",
        ),
        PolicyStanding::InForce | PolicyStanding::Other(_) => (
            UNAVAILABLE,
            "the last look for a newer central policy failed",
        ),
    };
    let counter = policy.counter.map(|counter| format!("counter {counter}"));
    let seen = policy.seen_at.map(|at| format!("last seen at {at}"));
    let ends = policy.expires_at();
    let ends = ends.map(|at| format!("counts until {at}, unless it is seen before"));
    let place = format!("published at {}", policy.place);
    let evidence = [Some(error.to_owned()), Some(place), counter, seen, ends];
    let remedy = policy.advice.clone();
    let remedy = remedy.unwrap_or_else(|| "check 'policy' in the configuration".to_owned());
    check.found(problem, evidence.into_iter().flatten(), remedy)
}
