//! The one place where what went wrong becomes what a developer reads and the code that the shim exits with.
//!
//! The codes are a contract: 2 configuration, 3 a person must log in, 4 the gateway rejects the key, 5 the source gives
//! none, 6 what it gives is no key, 7 denied, 8 the daemon.

use std::time::Duration;

use claviger_wire::Failure;

use crate::{
    broker::{
        AcquireError,
        slot::{Reason, Rejected},
    },
    config::{ConfigError, SelectError},
    source::SourceError,
};

/// Usage or configuration error.
pub(crate) const CONFIGURATION: u8 = 2;
/// A person must log in.
pub(crate) const LOGIN: u8 = 3;
/// The gateway rejects the credential that the source still hands out.
pub(crate) const REJECTED: u8 = 4;
/// The source cannot be reached or answers wrongly, and nothing valid is cached.
pub(crate) const SOURCE: u8 = 5;
/// The source answered with something that is not a usable credential.
pub(crate) const UNUSABLE: u8 = 6;
/// Denied: policy, terminal, other user.
pub(crate) const DENIED: u8 = 7;
/// The daemon cannot be started or does not answer in time.
pub(crate) const DAEMON: u8 = 8;

/// No configuration, or a broken one.
#[must_use]
pub(crate) fn of_config(error: &ConfigError) -> Failure {
    Failure {
        code: CONFIGURATION,
        message: error.to_string(),
        hint: Some(error.hint()),
    }
}

/// No profile, or too many.
#[must_use]
pub(crate) fn of_select(error: &SelectError) -> Failure {
    Failure {
        code: CONFIGURATION,
        message: error.to_string(),
        hint: Some(error.hint().to_owned()),
    }
}

/// No credential for `profile`, which has it from `source`.
#[must_use]
pub(crate) fn of_acquire(profile: &str, source: &str, error: &AcquireError) -> Failure {
    match error {
        AcquireError::Refused(refusal) => {
            let mut failure = match &refusal.reason {
                Reason::Source(error) => of_source(profile, error),
                Reason::Rejected(rejected) => of_rejected(source, rejected),
            };
            if matches!(failure.code, SOURCE | REJECTED) && !refusal.next_try.is_zero() {
                let seconds = whole_seconds(refusal.next_try);
                failure
                    .message
                    .push_str(&format!("; next try in {seconds} s"));
            }
            failure
        }
        AcquireError::TimedOut { host, last } => Failure {
            code: SOURCE,
            message: match last {
                Some(last) => format!("'{host}' has not answered yet; before that: {last}"),
                None => format!("'{host}' has not answered yet; it is still being asked"),
            },
            hint: Some(format!(
                "run claviger status {profile} to see what is being waited for"
            )),
        },
    }
}

fn of_rejected(source: &str, rejected: &Rejected) -> Failure {
    let version = rejected
        .version
        .map(|version| format!("version {version}, "))
        .unwrap_or_default();
    let age = whole_seconds(rejected.age);
    let since = rejected.since.strftime("%Y-%m-%dT%H:%M:%SZ");
    Failure {
        code: REJECTED,
        message: format!(
            "the gateway has rejected the key {} since {since}, and the source '{source}' still hands it out \
             ({version}obtained {age} s ago)",
            rejected.fingerprint,
        ),
        hint: Some(format!(
            "ask whoever rotates the keys to put a new one into '{source}'; it is picked up by itself"
        )),
    }
}

/// The credential of `profile` is forgotten here, but the source could not be told.
#[must_use]
pub(crate) fn of_revoke(profile: &str, error: &SourceError) -> Failure {
    Failure {
        message: format!("forgotten on this machine, but not revoked at the source: {error}"),
        ..of_source(profile, error)
    }
}

fn of_source(profile: &str, error: &SourceError) -> Failure {
    let (code, hint) = match error {
        SourceError::Unreachable { error, .. } => (SOURCE, error.hint()),
        SourceError::Unavailable { .. } => (
            SOURCE,
            "nothing to do on this machine; it is tried again by itself".to_owned(),
        ),
        SourceError::LoginRefused { hint, .. } => (LOGIN, hint.clone()),
        SourceError::Denied { path, .. } => (
            SOURCE,
            format!("ask whoever runs it for a policy that allows reading '{path}'"),
        ),
        SourceError::Missing { .. } => (
            SOURCE,
            format!("ask whoever runs it for the key, or correct the path of profile '{profile}'"),
        ),
        SourceError::Unusable { .. } => (
            UNUSABLE,
            "ask whoever wrote it there to write one token of printable ASCII".to_owned(),
        ),
        SourceError::Malformed { .. } => (
            SOURCE,
            "check the address: a proxy or a captive portal may be answering instead".to_owned(),
        ),
        SourceError::Configuration { hint, .. } => (CONFIGURATION, hint.clone()),
        SourceError::Forgotten => (SOURCE, "ask again".to_owned()),
    };
    Failure {
        code,
        message: error.to_string(),
        hint: Some(hint),
    }
}

/// Rounded up: "in 0 s" would be a promise.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{broker::slot::Refusal, clock::Timestamp, secret::Secret, source::TransportError};

    #[test]
    fn says_the_host_what_it_said_and_when_it_is_tried_again() {
        let error = AcquireError::Refused(Refusal {
            reason: Reason::Source(SourceError::Unreachable {
                host: "vault.test:8200".to_owned(),
                error: TransportError::Refused,
            }),
            next_try: Duration::from_millis(3200),
        });
        let failure = of_acquire("default", "team-vault", &error);
        assert_eq!(failure.code, SOURCE);
        assert_eq!(
            failure.message,
            "'vault.test:8200' refused the connection; next try in 4 s"
        );
    }

    #[test]
    fn a_dead_key_is_named_with_its_source_version_and_age() {
        let error = AcquireError::Refused(Refusal {
            reason: Reason::Rejected(Rejected {
                since: Timestamp::from_second(1_800_000_000).unwrap(),
                fingerprint: Secret::new("abc".to_owned()).fingerprint(),
                version: Some(3),
                age: Duration::from_secs(61),
            }),
            next_try: Duration::from_secs(2),
        });
        let failure = of_acquire("default", "team-vault", &error);
        assert_eq!(failure.code, REJECTED);
        assert_eq!(
            failure.message,
            "the gateway has rejected the key ba7816bf8f01 since 2027-01-15T08:00:00Z, and the source 'team-vault' \
             still hands it out (version 3, obtained 61 s ago); next try in 2 s"
        );
    }

    #[test]
    fn a_timed_out_caller_learns_what_went_wrong_before() {
        let error = AcquireError::TimedOut {
            host: "vault.test:8200".to_owned(),
            last: Some(SourceError::Unavailable {
                host: "vault.test:8200".to_owned(),
                reason: "is sealed (503)".to_owned(),
                retry_after: None,
            }),
        };
        let failure = of_acquire("default", "team-vault", &error);
        assert_eq!(failure.code, SOURCE);
        assert!(
            failure
                .message
                .ends_with("before that: 'vault.test:8200' is sealed (503)")
        );
    }
}
