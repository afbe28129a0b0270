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
    source::{SourceError, TlsError, TransportError},
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
        hint: Some(rejected_hint(source, administrator)),
    }
}

/// What to do about a key that the gateway rejects and `source` still returns.
#[must_use]
pub(crate) fn rejected_hint(source: &str, administrator: Option<String>) -> String {
    administrator.unwrap_or_else(|| {
        format!(
            "ask the administrator of source '{source}' for a new key; Claviger finds it on its own"
        )
    })
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
#[must_use]
pub(crate) fn of_source(
    source: &str,
    error: &SourceError,
    administrator: Option<String>,
) -> Failure {
    let (code, hint) = match error {
        SourceError::Unreachable { error, .. } => (ExitCode::SourceFailed, error.hint()),
        SourceError::Unavailable { .. } => (
            ExitCode::SourceFailed,
            "nothing to do on this machine: Claviger retries on its own".to_owned(),
        ),
        SourceError::LoginRefused { hint, .. } | SourceError::LoginRequired { hint, .. } => {
            (ExitCode::LoginRequired, hint.clone())
        }
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
        SourceError::Malformed { .. } => (
            ExitCode::SourceFailed,
            format!(
                "check the address of source '{source}'; a proxy or a captive portal may have \
                 answered instead"
            ),
        ),
        SourceError::BadOutput { program, .. } => (
            ExitCode::SourceFailed,
            format!("run '{program}' by hand, and correct what it prints"),
        ),
        SourceError::Configuration { hint, .. } => (ExitCode::Usage, hint.clone()),
        SourceError::Forgotten => (ExitCode::SourceFailed, "try again".to_owned()),
    };
    let administrator = administrator.filter(|_| is_for_administrator(error));
    Failure {
        code,
        message: error.to_string(),
        hint: Some(administrator.unwrap_or(hint)),
    }
}

/// Whether only the administrator of a managed configuration can do what the hint advises. What
/// depends on this machine's network or clock, or ends by itself, is the user's.
fn is_for_administrator(error: &SourceError) -> bool {
    match error {
        SourceError::Unreachable { error, .. } => match error {
            TransportError::Refused => true,
            TransportError::Tls(error) => {
                !matches!(error, TlsError::NotYetValid | TlsError::Expired)
            }
            _ => false,
        },
        SourceError::LoginRefused { .. }
        | SourceError::Denied { .. }
        | SourceError::Missing { .. }
        | SourceError::Unusable { .. }
        | SourceError::Malformed { .. }
        | SourceError::BadOutput { .. }
        | SourceError::Configuration { .. } => true,
        // The developer is the person who must log in.
        SourceError::LoginRequired { .. }
        | SourceError::Unavailable { .. }
        | SourceError::Forgotten => false,
    }
}

/// The seconds, rounded up: "in 0 s" would promise too much.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{broker::slot::CredentialUnavailable, clock::Timestamp, secret::Secret};

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
        let unreachable = |error| {
            hint(SourceError::Unreachable {
                host: host(),
                error,
            })
            .unwrap()
        };
        for error in [
            TransportError::Refused,
            TransportError::Tls(TlsError::UntrustedIssuer),
            TransportError::Tls(TlsError::WrongHost),
        ] {
            assert_eq!(unreachable(error), "ask your administrator");
        }
        for (error, expected) in [
            (
                TransportError::TimedOut(Duration::from_secs(5)),
                "check the network connection",
            ),
            (TransportError::Unresolved, "check the host name"),
            (
                TransportError::Tls(TlsError::Expired),
                "check this machine's clock",
            ),
        ] {
            let hint = unreachable(error);
            assert!(hint.starts_with(expected), "{hint}");
        }
    }

    #[test]
    fn a_login_is_for_the_user_also_under_a_managed_configuration() {
        let error = SourceError::LoginRequired {
            host: "/usr/bin/key".to_owned(),
            reason: "exit status: 3".to_owned(),
            hint: "run '/usr/bin/key' by hand".to_owned(),
        };
        let failure = of_source("corp", &error, Some("ask your administrator".to_owned()));
        assert_eq!(failure.code, ExitCode::LoginRequired);
        assert_eq!(failure.hint.as_deref(), Some("run '/usr/bin/key' by hand"));
        assert_eq!(
            failure.message,
            "'/usr/bin/key' requires a login: exit status: 3"
        );
    }

    #[test]
    fn only_a_server_can_be_replaced_by_a_captive_portal() {
        let hint = |error: &SourceError| of_source("corp", error, None).hint.unwrap();
        let server = SourceError::Malformed {
            host: "vault.test:8200".to_owned(),
            reason: "a web page".to_owned(),
        };
        assert!(hint(&server).contains("captive portal"));
        let program = SourceError::BadOutput {
            program: "/usr/bin/key".to_owned(),
            reason: "invalid JSON".to_owned(),
        };
        let hint = hint(&program);
        assert!(
            hint.contains("'/usr/bin/key'") && !hint.contains("portal"),
            "{hint}"
        );
    }
}
