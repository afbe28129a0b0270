use super::*;
use crate::{
    broker::slot::{CredentialUnavailable, Evidence},
    clock::Timestamp,
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
fn only_a_page_can_be_that_of_a_captive_portal() {
    let hint = |error: &SourceError| of_source("corp", error, None).hint.unwrap();
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
