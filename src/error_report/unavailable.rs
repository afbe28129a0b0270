//! The failure of a client that gets no key: why, and when the source is asked again.

use std::time::Duration;

use claviger_wire::{ExitCode, Failure};

use super::{of_locked, of_source, rejected_hint};
use crate::{
    broker::{
        AcquireError,
        slot::{Evidence, Outdated, Reason, Rejected},
    },
    clock::Timestamp,
};

/// The longest wait for the next try that a user sits out. For a longer one the message names the
/// command that does not wait.
const SHORT_WAIT: Duration = Duration::from_secs(5);

/// Why the key in memory is not served.
const TOO_OLD: &str = "the key in memory is too old ('max_age')";

/// A failure whose message may go on, if there is room for more.
struct Draft {
    failure: Failure,
    /// Ends of the message, the most informative one first.
    ends: Vec<String>,
}

/// Reports that `profile` has no credential from `source`. `administrator` is
/// [`Config::ask_administrator`](crate::config::Config::ask_administrator).
#[must_use]
pub(crate) fn of_acquire(
    profile: &str,
    source: &str,
    error: &AcquireError,
    administrator: Option<String>,
) -> Failure {
    let nothing = format!("no key for profile '{profile}' from source '{source}'");
    match error {
        AcquireError::Unavailable(unavailable) => {
            let draft = match &unavailable.reason {
                Reason::Source(error) => Draft {
                    failure: Failure {
                        message: format!("{nothing}: {error}"),
                        ..of_source(profile, source, error, administrator)
                    },
                    ends: vec![String::new()],
                },
                Reason::Outdated(outdated) => of_outdated(profile, source, outdated, administrator),
                Reason::Rejected(rejected) => of_rejected(profile, source, rejected, administrator),
                Reason::TooOld {
                    seen_current,
                    error: Some(error),
                } => Draft {
                    failure: Failure {
                        message: format!("{nothing}: {error}"),
                        ..of_source(profile, source, error, administrator)
                    },
                    ends: vec![
                        format!("; {TOO_OLD}: {}", last_seen(*seen_current)),
                        format!("; {TOO_OLD}"),
                        String::new(),
                    ],
                },
                Reason::TooOld {
                    seen_current,
                    error: None,
                } => Draft {
                    failure: Failure {
                        code: ExitCode::SourceFailed,
                        message: format!("{nothing}: {TOO_OLD}"),
                        hint: Some(format!("run claviger refresh {profile} to ask it now")),
                    },
                    ends: vec![format!(": {}", last_seen(*seen_current))],
                },
            };
            let is_retried = matches!(
                draft.failure.code,
                ExitCode::SourceFailed | ExitCode::KeyRejected
            );
            let wait = unavailable.next_try;
            draft.finish(&match is_retried && !wait.is_zero() {
                true => next_try(profile, wait),
                false => vec![String::new()],
            })
        }
        AcquireError::Locked(locked) => of_locked(locked),
        AcquireError::TimedOut { host, last } => Failure {
            code: ExitCode::SourceFailed,
            message: match last {
                Some(last) => {
                    format!("{nothing}: '{host}' has not answered yet; the error before: {last}")
                }
                None => format!("{nothing}: '{host}' has not answered yet; still waiting for it"),
            },
            hint: Some(format!(
                "run claviger status {profile} to see its state and its last error"
            )),
        },
    }
}

impl Draft {
    /// The failure with the first of the ends and of `next_tries` that a client shows as a whole;
    /// with the last ones if there are none.
    fn finish(self, next_tries: &[String]) -> Failure {
        let Self { failure, ends } = self;
        let ends = next_tries
            .iter()
            .flat_map(|next_try| ends.iter().map(move |end| format!("{end}{next_try}")));
        let mut finished = failure.clone();
        for end in ends {
            finished.message = format!("{}{end}", failure.message);
            if finished.fits() {
                break;
            }
        }
        finished
    }
}

fn of_rejected(
    profile: &str,
    source: &str,
    rejected: &Rejected,
    administrator: Option<String>,
) -> Draft {
    let version = rejected
        .version
        .map(|version| format!("version {version}, "))
        .unwrap_or_default();
    let age = whole_seconds(rejected.age);
    let since = second(rejected.since);
    let fingerprint = &rejected.fingerprint;
    let (message, ends) = match &rejected.evidence {
        Evidence::Probe => (
            format!(
                "the gateway has rejected the key {fingerprint} since {since}, but source '{source}' \
                 of profile '{profile}' still returns it ({version}obtained {age} s ago)"
            ),
            vec![String::new()],
        ),
        Evidence::ClientRetries(reason) => (
            format!(
                "the gateway probably rejects the key {fingerprint}: the client has retried since \
                 {since}, source '{source}' of profile '{profile}' still returns it ({version}obtained \
                 {age} s ago), and "
            ),
            match reason {
                None => vec!["no probe checks it".to_owned()],
                Some(reason) => vec![
                    format!("the probe cannot tell: {reason}"),
                    format!("the probe cannot tell (see claviger status {profile})"),
                    "the probe cannot tell".to_owned(),
                ],
            },
        ),
    };
    Draft {
        failure: Failure {
            code: ExitCode::KeyRejected,
            message,
            hint: Some(rejected_hint(source, administrator)),
        },
        ends,
    }
}

fn of_outdated(
    profile: &str,
    source: &str,
    outdated: &Outdated,
    administrator: Option<String>,
) -> Draft {
    let version = outdated
        .version
        .map(|version| format!("version {version}, "))
        .unwrap_or_default();
    Draft {
        failure: Failure {
            code: ExitCode::Denied,
            message: format!(
                "the policy rejects keys issued before {}, but source '{source}' of profile \
                 '{profile}' still returns the key {} ({version}issued {})",
                second(outdated.rotate_after),
                outdated.fingerprint,
                second(outdated.issued),
            ),
            hint: Some(rejected_hint(source, administrator)),
        },
        ends: vec![String::new()],
    }
}

/// When a key that is too old was known to be good, as the end of a message.
fn last_seen(seen_current: Timestamp) -> String {
    format!("last seen to be current at {}", second(seen_current))
}

/// When the source is asked next, as the end of a message: at length, then briefly.
fn next_try(profile: &str, wait: Duration) -> Vec<String> {
    let brief = format!("; next try in {} s", whole_seconds(wait));
    let now = format!("{brief}, or now with claviger refresh {profile}");
    match wait <= SHORT_WAIT {
        true => vec![brief],
        false => vec![now, brief],
    }
}

/// The time in whole seconds, in RFC 3339.
fn second(at: Timestamp) -> impl std::fmt::Display {
    at.strftime("%Y-%m-%dT%H:%M:%SZ")
}

/// The seconds, rounded up: "in 0 s" would promise too much.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
