//! Refused logins: which of them mean that the secret is wrong.

use super::*;

const READ: &str = "GET /v1/kv/data/team";
const SIGN_IN: &str = "POST /v1/auth/m/login";
const READ_ONLY: &str = r#"{"errors":["cannot write to readonly storage"]}"#;

/// A Vault that refuses every login after the first `logins` ones.
async fn refusing(logins: usize, status: u16, reason: &str) -> FakeVault {
    let body = format!(r#"{{"errors":["{reason}"]}}"#);
    FakeVault::start(move |line, before, token| match line {
        SIGN_IN if before >= logins => respond(status, &body),
        _ => normal(line, before, token),
    })
    .await
}

#[tokio::test]
async fn a_refused_login_is_final_for_a_wrong_secret_only() {
    const FETCHING: &str = "error validating token: error verifying token signature: fetching keys oidc: \
                            get keys failed Get http://idp/keys: dial tcp: connect: connection refused";
    // Whether it is final for a secret that has worked, and for one that has not; `None` if it is
    // no refusal.
    for (status, reason, worked, new) in [
        (400, "invalid role or secret ID", Some(true), Some(true)),
        (
            400,
            "source address unauthorized by CIDR restrictions",
            Some(false),
            Some(true),
        ),
        (
            400,
            "role \\\"dev\\\" could not be found",
            Some(false),
            Some(true),
        ),
        (403, "permission denied", Some(false), Some(true)),
        (404, "no handler for route", Some(false), Some(true)),
        (400, FETCHING, None, None),
        (400, "cannot write to readonly storage", None, None),
    ] {
        for (logins, expected) in [(1, worked), (0, new)] {
            let server = refusing(logins, status, reason).await;
            let vault = VaultFixture::with_approle(&server.address);
            if logins > 0 {
                vault.source.issue().await.unwrap();
                // The token has ended, not the key.
                vault.clock.advance(Duration::from_secs(61));
            }
            for _ in 0..2 {
                let error = vault.source.issue().await.unwrap_err();
                let found = match &error {
                    SourceError::LoginRefused { is_final, .. } => Some(*is_final),
                    SourceError::Unavailable { reason, .. } => {
                        assert!(reason.starts_with("cannot check the login for now: "));
                        None
                    }
                    other => panic!("{other:?}"),
                };
                assert_eq!(found, expected, "{reason} after {logins}");
                assert_eq!(error.is_final(), expected == Some(true));
            }
        }
    }
}

/// A secret that has worked says nothing about another one.
#[tokio::test]
async fn a_replaced_secret_must_work_itself() {
    let server = refusing(1, 403, "permission denied").await;
    let vault = VaultFixture::with_approle(&server.address);
    vault.source.issue().await.unwrap();
    vault.clock.advance(Duration::from_secs(61));
    assert!(!vault.source.issue().await.unwrap_err().is_final());
    vault.put("s-2");
    assert!(vault.source.issue().await.unwrap_err().is_final());
    vault.put("s-1");
    assert!(!vault.source.issue().await.unwrap_err().is_final());
}

/// An older token that is denied is replaced: if that fails for now, nothing is known yet.
#[tokio::test]
async fn a_denied_token_that_cannot_be_replaced_for_now_is_not_final() {
    for (status, body) in [
        (400, READ_ONLY),
        (503, ""),
        (403, r#"{"message":"Forbidden"}"#),
    ] {
        let server = FakeVault::start(move |line, before, _| match (line, before) {
            (READ, 1..) => respond(403, DENIED),
            (SIGN_IN, 1..) => respond(status, body),
            _ => normal(line, before, ""),
        })
        .await;
        let vault = VaultFixture::with_approle(&server.address);
        vault.source.issue().await.unwrap();
        let error = vault.source.issue().await.unwrap_err();
        assert!(!error.is_final(), "{error:?}");
    }
}

#[tokio::test]
async fn a_response_without_a_token_or_a_login_is_told_apart() {
    for (body, is_refused) in [
        (r#"{"auth":{"client_token":"","mfa_requirement":{}}}"#, true),
        (r#"{"message":"OK"}"#, false),
        (r#"{"data":null}"#, false),
    ] {
        let server = FakeVault::start(move |line, before, _| match line {
            SIGN_IN => respond(200, body),
            _ => normal(line, before, ""),
        })
        .await;
        let error = issue_once(&server.address).await.unwrap_err();
        assert_eq!(error.is_final(), is_refused, "{error:?}");
        assert_eq!(
            matches!(error, SourceError::LoginRefused { .. }),
            is_refused
        );
    }
}

/// A wrapping token that Vault could not look at is as good as before.
#[tokio::test]
async fn an_unwrapping_that_fails_for_now_is_tried_again() {
    let server = FakeVault::start(|line, before, _| match (line, before) {
        ("POST /v1/sys/wrapping/unwrap", 0) => respond(400, READ_ONLY),
        ("POST /v1/sys/wrapping/unwrap", 1) => respond(403, r#"{"message":"Forbidden"}"#),
        ("POST /v1/sys/wrapping/unwrap", _) => respond(200, r#"{"data":{"secret_id":"id"}}"#),
        _ => normal(line, before, ""),
    })
    .await;
    let vault = VaultFixture::new(&server.address, Engine::Kv2 { watch: None }, |file| {
        Some(approle(file, Some(StoreKind::Memory)))
    });
    for part in ["cannot check the login for now", "403 that is not Vault's"] {
        let error = vault.source.issue().await.unwrap_err();
        assert!(
            !error.is_final() && error.to_string().contains(part),
            "{error:?}"
        );
    }
    vault.source.issue().await.unwrap();
}
