//! The session: which requests a read takes, and when the token is renewed or replaced.

use super::*;

#[tokio::test]
async fn the_first_read_is_two_requests_and_the_next_is_one() {
    let server = FakeVault::start(normal).await;
    let vault = VaultFixture::with_approle(&server.address);
    let credential = vault.source.issue().await.unwrap();
    assert_eq!(credential.secret.expose(), "sk-1");
    assert_eq!((credential.version, credential.lifetime), (Some(7), None));
    assert_eq!(
        server.requests(),
        ["POST /v1/auth/m/login", "GET /v1/kv/data/team"]
    );
    vault.source.issue().await.unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn the_token_is_renewed_after_two_thirds_and_replaced_at_its_end() {
    let server = FakeVault::start(normal).await;
    let vault = VaultFixture::with_approle(&server.address);
    vault.source.issue().await.unwrap();
    vault.clock.advance(Duration::from_secs(41));
    vault.source.issue().await.unwrap();
    assert_eq!(server.requests()[2], "POST /v1/auth/token/renew-self");
    vault.clock.advance(Duration::from_secs(61));
    vault.source.issue().await.unwrap();
    assert_eq!(server.requests()[4], "POST /v1/auth/m/login");
    let revocation = vault.source.revoke(None).await.unwrap();
    assert_eq!(
        (revocation.login, revocation.lease),
        (Revoked::Done, Revoked::Nothing)
    );
    assert_eq!(server.requests()[6], "POST /v1/auth/token/revoke-self");
}

/// The token stays valid at Vault, and nothing is sent.
#[tokio::test]
async fn a_forgotten_token_is_replaced_by_a_login_at_the_next_read() {
    let server = FakeVault::start(normal).await;
    let vault = VaultFixture::with_approle(&server.address);
    vault.source.issue().await.unwrap();
    vault.source.forget().await;
    assert!(vault.source.session.current_token().await.is_none());
    assert_eq!(server.requests().len(), 2);
    let credential = vault.source.issue().await.unwrap();
    assert_eq!(credential.secret.expose(), "sk-1");
    assert_eq!(
        server.requests()[2..],
        ["POST /v1/auth/m/login", "GET /v1/kv/data/team"]
    );
}

#[tokio::test]
async fn a_logout_tells_a_dead_token_from_one_that_cannot_be_revoked() {
    for (lookup, expected) in [(200, Revoked::StaysValid), (403, Revoked::Nothing)] {
        for refusal in [400, 403] {
            let server = FakeVault::start(move |line, before, token| match line {
                "POST /v1/auth/token/revoke-self" => respond(refusal, DENIED),
                "GET /v1/auth/token/lookup-self" if lookup == 200 => {
                    respond(200, r#"{"data":{"ttl":60,"renewable":false}}"#)
                }
                "GET /v1/auth/token/lookup-self" => respond(lookup, DENIED),
                _ => normal(line, before, token),
            })
            .await;
            let vault = VaultFixture::with_approle(&server.address);
            vault.source.issue().await.unwrap();
            let revocation = vault.source.revoke(None).await.unwrap();
            assert_eq!(revocation.login, expected, "{lookup} {refusal}");
            let again = vault.source.revoke(None).await.unwrap();
            assert_eq!(again.login, Revoked::Nothing, "the token is discarded");
        }
    }
}

#[tokio::test]
async fn an_earlier_token_that_is_denied_is_replaced_once_and_a_new_one_is_not() {
    let server = FakeVault::start(|line, before, _| match (line, before) {
        ("GET /v1/kv/data/team", 1..) => respond(403, DENIED),
        ("POST /v1/auth/m/login", 1..) => respond(200, &LOGIN.replace("hvs.T", "hvs.U")),
        _ => normal(line, before, ""),
    })
    .await;
    let vault = VaultFixture::with_approle(&server.address);
    vault.source.issue().await.unwrap();
    let error = vault.source.issue().await.unwrap_err();
    assert!(matches!(error, SourceError::Denied { .. }), "{error:?}");
    // Login and read; a denied read, login, a denied read, a question about the mount point.
    assert_eq!(server.requests().len(), 6);

    let server = FakeVault::start(|line, before, _| match line {
        "GET /v1/kv/data/team" => respond(403, DENIED),
        _ => normal(line, before, ""),
    })
    .await;
    let vault = VaultFixture::with_approle(&server.address);
    assert!(vault.source.issue().await.is_err());
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_valid_token_is_used_if_it_cannot_be_replaced() {
    let server = FakeVault::start(|line, before, _| match (line, before) {
        ("POST /v1/auth/m/login", 1..) => {
            respond(400, r#"{"errors":["invalid role or secret ID"]}"#)
        }
        ("POST /v1/auth/token/renew-self", _) => {
            respond(400, r#"{"errors":["lease is not renewable"]}"#)
        }
        _ => normal(line, before, ""),
    })
    .await;
    let vault = VaultFixture::with_approle(&server.address);
    vault.source.issue().await.unwrap();
    vault.clock.advance(Duration::from_secs(50));
    vault.source.issue().await.unwrap();
    vault.clock.advance(Duration::from_secs(10));
    assert!(matches!(
        vault.source.issue().await,
        Err(SourceError::LoginRefused { .. })
    ));
}

#[tokio::test]
async fn no_token_is_sent_to_an_agent() {
    let server = FakeVault::start(|line, before, token| {
        assert_eq!(token, "");
        normal(line, before, token)
    })
    .await;
    let vault = VaultFixture::new(&server.address, Engine::Kv2 { watch: None }, |_| None);
    assert!(vault.source.issue().await.is_ok());
    assert_eq!(server.requests().len(), 1);
}
