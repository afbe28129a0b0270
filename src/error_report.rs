//! From an error to the exit code, message and hint that the user gets: no other file maps them.
//!
//! A message names the profile and the source. A hint is the one thing to do now; it follows from
//! the error's own data if the error contains any. Both are without a full stop.

use std::time::Duration;

use claviger_wire::{ExitCode, Failure};

use crate::{
    broker::{
        AcquireError,
        slot::{Reason, Rejected},
    },
    config::{ConfigError, SelectError},
    credential::MAX_KEY_LEN,
    source::SourceError,
};

/// Reports a configuration that is missing or invalid.
#[must_use]
pub(crate) fn of_config(error: &ConfigError) -> Failure {
    Failure {
        code: ExitCode::Usage,
        message: error.to_string(),
        hint: Some(error.hint()),
    }
}

/// Reports that a request matches no profile, or more than one.
#[must_use]
pub(crate) fn of_select(error: &SelectError) -> Failure {
    Failure {
        code: ExitCode::Usage,
        message: error.to_string(),
        hint: Some(error.hint().to_owned()),
    }
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
            let mut failure = match &unavailable.reason {
                Reason::Source(error) => Failure {
                    message: format!("{nothing}: {error}"),
                    ..of_source(source, error, administrator)
                },
                Reason::Rejected(rejected) => of_rejected(profile, source, rejected, administrator),
            };
            if matches!(failure.code, ExitCode::SourceFailed | ExitCode::KeyRejected)
                && !unavailable.next_try.is_zero()
            {
                let seconds = whole_seconds(unavailable.next_try);
                failure
                    .message
                    .push_str(&format!("; next try in {seconds} s"));
            }
            failure
        }
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

fn of_rejected(
    profile: &str,
    source: &str,
    rejected: &Rejected,
    administrator: Option<String>,
) -> Failure {
    let version = rejected
        .version
        .map(|version| format!("version {version}, "))
        .unwrap_or_default();
    let age = whole_seconds(rejected.age);
    let since = rejected.since.strftime("%Y-%m-%dT%H:%M:%SZ");
    Failure {
        code: ExitCode::KeyRejected,
        message: format!(
            "the gateway has rejected the key {} since {since}, but source '{source}' of profile \
             '{profile}' still returns it ({version}obtained {age} s ago)",
            rejected.fingerprint,
        ),
        hint: administrator.or_else(|| {
            Some(format!(
                "ask the administrator of source '{source}' for a new key; Claviger finds it on its own"
            ))
        }),
    }
}

/// Reports that the credential of `profile` is dropped here but not revoked at `source`.
#[must_use]
pub(crate) fn of_revoke(
    profile: &str,
    source: &str,
    error: &SourceError,
    administrator: Option<String>,
) -> Failure {
    Failure {
        message: format!(
            "dropped the key of profile '{profile}', but source '{source}' has not revoked it: {error}"
        ),
        ..of_source(source, error, administrator)
    }
}

/// The code and the hint of an error of `source`, with the error as the message.
fn of_source(source: &str, error: &SourceError, administrator: Option<String>) -> Failure {
    let (code, hint) = match error {
        SourceError::Unreachable { error, .. } => (ExitCode::SourceFailed, error.hint()),
        SourceError::Unavailable { .. } => (
            ExitCode::SourceFailed,
            "nothing to do on this machine: Claviger retries on its own".to_owned(),
        ),
        SourceError::LoginRefused { hint, .. } => (ExitCode::LoginRequired, hint.clone()),
        SourceError::Denied { host, path, .. } => (
            ExitCode::SourceFailed,
            format!(
                "ask the administrator of '{host}' for a policy that allows access to '{path}'"
            ),
        ),
        SourceError::Missing { host, .. } => (
            ExitCode::SourceFailed,
            format!(
                "ask the administrator of '{host}' for the key, or correct the path of source '{source}'"
            ),
        ),
        SourceError::Unusable { .. } => (
            ExitCode::KeyUnusable,
            format!(
                "ask the administrator of source '{source}' for a key of 1 to {MAX_KEY_LEN} printable \
                 ASCII characters without whitespace"
            ),
        ),
        SourceError::Redirected { to, .. } => (
            ExitCode::SourceFailed,
            format!(
                "if '{to}' is a node of the same Vault, list it in 'redirect_hosts' of source '{source}'; \
                 otherwise correct its address"
            ),
        ),
        SourceError::WebPage { host, .. } => (
            ExitCode::SourceFailed,
            format!(
                "open '{host}' in a browser: a captive portal or a proxy may have answered; or correct \
                 the address of source '{source}'"
            ),
        ),
        SourceError::Malformed { host, .. } => (
            ExitCode::SourceFailed,
            format!("check that '{host}' is the right server or program for source '{source}'"),
        ),
        SourceError::Configuration { hint, .. } => (ExitCode::Usage, hint.clone()),
        SourceError::Forgotten => (ExitCode::SourceFailed, "try again".to_owned()),
    };
    let is_for_administrator = match error {
        SourceError::Unreachable { error, .. } => error.is_of_configuration(),
        _ => matches!(
            error,
            SourceError::LoginRefused { .. }
                | SourceError::Denied { .. }
                | SourceError::Missing { .. }
                | SourceError::Unusable { .. }
                | SourceError::Redirected { .. }
                | SourceError::Configuration { .. }
        ),
    };
    let administrator = administrator.filter(|_| is_for_administrator);
    Failure {
        code,
        message: error.to_string(),
        hint: Some(administrator.unwrap_or(hint)),
    }
}

/// The seconds, rounded up: "in 0 s" would promise too much.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        broker::slot::CredentialUnavailable, clock::Timestamp, secret::Secret,
        source::TransportError,
    };

    #[test]
    fn a_failed_source_is_reported_with_its_host_and_the_next_try() {
        let error = AcquireError::Unavailable(CredentialUnavailable {
            reason: Reason::Source(SourceError::Unreachable {
                host: "vault.test:8200".to_owned(),
                error: TransportError::Refused,
            }),
            next_try: Duration::from_millis(3200),
        });
        let failure = of_acquire("default", "team-vault", &error, None);
        assert_eq!(failure.code, ExitCode::SourceFailed);
        assert_eq!(
            failure.message,
            "no key for profile 'default' from source 'team-vault': 'vault.test:8200' refused the connection; \
             next try in 4 s"
        );
    }

    #[test]
    fn a_rejected_key_is_reported_with_its_source_version_and_age() {
        let error = AcquireError::Unavailable(CredentialUnavailable {
            reason: Reason::Rejected(Rejected {
                since: Timestamp::from_second(1_800_000_000).unwrap(),
                fingerprint: Secret::new("abc".to_owned()).fingerprint(),
                version: Some(3),
                age: Duration::from_secs(61),
            }),
            next_try: Duration::from_secs(2),
        });
        let failure = of_acquire("default", "team-vault", &error, None);
        assert_eq!(failure.code, ExitCode::KeyRejected);
        assert_eq!(
            failure.message,
            "the gateway has rejected the key ba7816bf8f01 since 2027-01-15T08:00:00Z, but source 'team-vault' of \
             profile 'default' still returns it (version 3, obtained 61 s ago); next try in 2 s"
        );
    }

    #[test]
    fn a_time_out_is_reported_with_the_error_before() {
        let error = AcquireError::TimedOut {
            host: "vault.test:8200".to_owned(),
            last: Some(SourceError::Unavailable {
                host: "vault.test:8200".to_owned(),
                reason: "is sealed (503)".to_owned(),
                retry_after: None,
            }),
        };
        let failure = of_acquire("default", "team-vault", &error, None);
        assert_eq!(failure.code, ExitCode::SourceFailed);
        assert!(
            failure
                .message
                .ends_with("the error before: 'vault.test:8200' is sealed (503)")
        );
    }

    #[test]
    fn a_failed_revocation_is_reported_with_the_hint_of_its_cause() {
        let error = SourceError::Denied {
            host: "vault.test:8200".to_owned(),
            path: "auth/token/revoke-self".to_owned(),
            reason: "permission denied (403)".to_owned(),
        };
        let failure = of_revoke("default", "team-vault", &error, None);
        assert!(
            failure.message.starts_with(
                "dropped the key of profile 'default', but source 'team-vault' has not revoked it: "
            ),
            "{}",
            failure.message
        );
        let hint = failure.hint.unwrap();
        assert!(
            hint.starts_with("ask the administrator of 'vault.test:8200'"),
            "{hint}"
        );
    }

    #[test]
    fn under_a_managed_configuration_the_administrator_is_named() {
        let host = || "vault.test:8200".to_owned();
        let hint = |error: SourceError| {
            let administrator = Some("ask your administrator".to_owned());
            of_revoke("default", "team-vault", &error, administrator).hint
        };
        let missing = SourceError::Missing {
            host: host(),
            path: "secret/data/x".to_owned(),
            reason: "not found (404)".to_owned(),
        };
        assert_eq!(hint(missing).as_deref(), Some("ask your administrator"));
        let unreachable = SourceError::Unreachable {
            host: host(),
            error: TransportError::Refused,
        };
        let hint = hint(unreachable).unwrap();
        assert!(hint.starts_with("check the address"), "{hint}");
    }
}
