use std::time::Duration;

use super::*;
use crate::{
    broker::{
        AcquireError,
        slot::{CredentialUnavailable, Evidence, Reason, Rejected},
    },
    clock::Timestamp,
    gateway::Inconclusive,
    lock::{LockReason, Locked},
    network::SetupError,
    secret::Secret,
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
            evidence: Evidence::Probe,
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
fn a_lock_is_reported_with_its_time_or_what_is_wrong_with_its_file() {
    let failure = |since, reason| {
        let error = AcquireError::Locked(Locked { since, reason });
        of_acquire("default", "team-vault", &error, Some("ask".to_owned()))
    };
    let since = Timestamp::from_second(1_800_000_000).ok();
    let by_command = failure(since, LockReason::Command);
    assert_eq!(
        by_command.to_text(),
        "claviger: locked since 2027-01-15T08:00:00Z; no key is given.\nhint: run claviger unlock\n"
    );
    assert_eq!(by_command.code, ExitCode::Denied);
    let unreadable = LockReason::Unreadable("the file '/s/lock.json' is not a lock".to_owned());
    assert_eq!(
        failure(None, unreadable).message,
        "locked, because the file '/s/lock.json' is not a lock; no key is given"
    );
}

fn presumed(reason: Option<Inconclusive>) -> Failure {
    let error = AcquireError::Unavailable(CredentialUnavailable {
        reason: Reason::Rejected(Rejected {
            since: Timestamp::from_second(1_800_000_000).unwrap(),
            fingerprint: Secret::new("abc".to_owned()).fingerprint(),
            version: Some(3),
            age: Duration::from_secs(61),
            evidence: Evidence::ClientRetries(reason.map(Box::new)),
        }),
        next_try: Duration::from_secs(2),
    });
    of_acquire("default", "team-vault", &error, None)
}

#[test]
fn a_key_that_only_the_clients_retries_show_to_be_rejected_is_reported_as_probably_so() {
    let failure = presumed(Some(Inconclusive::NoRoute { status: 404 }));
    assert_eq!(failure.code, ExitCode::KeyRejected);
    assert_eq!(
        failure.message,
        "the gateway probably rejects the key ba7816bf8f01: the client has retried since \
         2027-01-15T08:00:00Z, source 'team-vault' of profile 'default' still returns it (version 3, \
         obtained 61 s ago), and the probe cannot tell: the gateway lacks the probed route (404); next \
         try in 2 s"
    );
    assert!(failure.hint.unwrap().contains("for a new key"));

    let unprobed = presumed(None).message;
    assert!(unprobed.contains(", and no probe checks it;"), "{unprobed}");
    let reason = "the file '/etc/claviger/gateway-ca.pem' does not exist".repeat(3);
    let unsent = Inconclusive::NotSent(SetupError::new(reason, "create it"));
    let long = presumed(Some(unsent)).message;
    assert!(
        long.contains(", and the probe cannot tell (see claviger status default);"),
        "{long}"
    );
}

#[test]
fn a_key_over_its_max_age_is_reported_with_the_time_that_it_was_last_current() {
    let too_old = |error: Option<SourceError>, next_try| {
        let error = AcquireError::Unavailable(CredentialUnavailable {
            reason: Reason::TooOld {
                seen_current: Timestamp::from_millisecond(1_800_000_000_700).unwrap(),
                error: error.map(Box::new),
            },
            next_try: Duration::from_secs(next_try),
        });
        of_acquire("default", "team-vault", &error, None)
    };
    let refused = SourceError::Unreachable {
        host: "vault.test:8200".to_owned(),
        error: TransportError::Refused,
    };
    let failure = too_old(Some(refused), 90);
    assert_eq!(failure.code, ExitCode::SourceFailed);
    assert_eq!(
        failure.message,
        "no key for profile 'default' from source 'team-vault': 'vault.test:8200' refused the connection; \
         the key in memory is too old ('max_age'): last seen to be current at 2027-01-15T08:00:00Z; next \
         try in 90 s, or now with claviger refresh default"
    );
    assert!(failure.hint.unwrap().starts_with("check the address"));

    let unasked = too_old(None, 0);
    assert_eq!(unasked.code, ExitCode::SourceFailed);
    assert!(
        unasked.message.ends_with(
            "'team-vault': the key in memory is too old ('max_age'): last seen \
                                   to be current at 2027-01-15T08:00:00Z"
        ),
        "{}",
        unasked.message
    );
    assert_eq!(
        unasked.hint.as_deref(),
        Some("run claviger refresh default to ask it now")
    );
}

#[test]
fn a_long_wait_names_the_command_that_ends_it() {
    for reason in [
        Reason::Source(SourceError::Unavailable {
            host: "vault.test:8200".to_owned(),
            reason: "too many requests (429)".to_owned(),
            retry_after: Some(Duration::from_secs(300)),
        }),
        Reason::Rejected(Rejected {
            since: Timestamp::UNIX_EPOCH,
            fingerprint: Secret::new("abc".to_owned()).fingerprint(),
            version: None,
            age: Duration::ZERO,
            evidence: Evidence::Probe,
        }),
    ] {
        let message = |millis| {
            let error = AcquireError::Unavailable(CredentialUnavailable {
                reason: reason.clone(),
                next_try: Duration::from_millis(millis),
            });
            of_acquire("work", "team-vault", &error, None).message
        };
        assert!(!message(0).contains("next try"), "{}", message(0));
        for (millis, end) in [
            (200, "; next try in 1 s"),
            (5000, "; next try in 5 s"),
            (5001, "; next try in 6 s, or now with claviger refresh work"),
            (
                3_600_000,
                "; next try in 3600 s, or now with claviger refresh work",
            ),
        ] {
            assert!(message(millis).ends_with(end), "{}", message(millis));
        }
    }
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
    let variable = SourceError::ClientVariable {
        reason: "the variable 'TEAM' is not set".to_owned(),
        hint: "set 'TEAM' in the client's environment".to_owned(),
    };
    assert_eq!(
        hint(variable).as_deref(),
        Some("set 'TEAM' in the client's environment"),
        "only the developer can do that"
    );
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
        hint: Some("run '/usr/bin/key' by hand".to_owned()),
    };
    let failure = of_source(
        "work",
        "corp",
        &error,
        Some("ask your administrator".to_owned()),
    );
    assert_eq!(failure.code, ExitCode::LoginRequired);
    assert_eq!(failure.hint.as_deref(), Some("run '/usr/bin/key' by hand"));
    assert_eq!(
        failure.message,
        "'/usr/bin/key' requires a login: exit status: 3"
    );
}

#[test]
fn a_login_without_a_hint_of_its_own_is_made_by_the_command() {
    let error = SourceError::LoginRequired {
        host: "login.example.com".to_owned(),
        reason: "the login has expired".to_owned(),
        hint: None,
    };
    let administrator = || Some("ask your administrator".to_owned());
    for profile in ["default", "work"] {
        let expected = format!("run claviger login {profile}");
        let failure = of_source(profile, "sso", &error, administrator());
        assert_eq!(failure.code, ExitCode::LoginRequired);
        assert_eq!(failure.hint.as_deref(), Some(expected.as_str()));
        let unavailable = AcquireError::Unavailable(CredentialUnavailable {
            reason: Reason::Source(error.clone()),
            next_try: Duration::from_secs(9),
        });
        let failure = of_acquire(profile, "sso", &unavailable, administrator());
        assert_eq!(failure.hint.as_deref(), Some(expected.as_str()));
    }
}

#[test]
fn only_a_page_can_be_that_of_a_captive_portal() {
    let hint = |error: &SourceError| of_source("work", "corp", error, None).hint.unwrap();
    let page = SourceError::WebPage {
        host: "vault.test:8200".to_owned(),
        reason: "a web page".to_owned(),
    };
    assert!(hint(&page).contains("captive portal"));
    let json = SourceError::Malformed {
        host: "vault.test:8200".to_owned(),
        reason: "other JSON".to_owned(),
    };
    assert!(!hint(&json).contains("portal"));
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
