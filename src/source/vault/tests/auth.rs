//! The login methods.

use super::*;

#[tokio::test]
async fn a_token_file_is_read_again_and_the_same_token_is_not_retried() {
    let script = |line: &str, _: usize, token: &str| match (line, token) {
        ("GET /v1/auth/token/lookup-self", "dead") => respond(403, DENIED),
        ("GET /v1/auth/token/lookup-self", _) => {
            respond(200, r#"{"data":{"ttl":0,"renewable":false}}"#)
        }
        (_, "s-2") => respond(200, SECRET),
        _ => respond(403, DENIED),
    };
    let server = FakeVault::start(script).await;
    let vault = VaultFixture::new(&server.address, Engine::Kv2 { watch: None }, |file| {
        Some(AuthMethod::Token(SecretRef::File((&*file).into())))
    });
    assert!(matches!(
        vault.source.issue().await,
        Err(SourceError::Denied { .. })
    ));
    assert!(matches!(
        vault.source.issue().await,
        Err(SourceError::Denied { .. })
    ));
    // Lookup and read; read and lookup.
    assert_eq!(server.requests().len(), 4);
    vault.put("s-2");
    assert_eq!(vault.source.issue().await.unwrap().secret.expose(), "sk-1");
    vault.put("dead");
    assert!(
        vault.source.issue().await.is_ok(),
        "the current token is still valid"
    );
    // It was created elsewhere, so that a logout discards it without revoking it.
    let revocation = vault.source.revoke(None).await.unwrap();
    assert_eq!(revocation.login, Revoked::StaysValid);
    match vault.source.issue().await.unwrap_err() {
        SourceError::LoginRefused { hint, .. } => assert!(hint.contains("new token"), "{hint}"),
        other => panic!("{other:?}"),
    }
    assert!(!server.requests().iter().any(|line| line.contains("revoke")));
}

#[tokio::test]
async fn a_wrapped_secret_id_is_unwrapped_once() {
    let server = FakeVault::start(|line, before, token| match (line, token) {
        ("POST /v1/sys/wrapping/unwrap", "s-1") => respond(200, r#"{"data":{"secret_id":"id"}}"#),
        ("POST /v1/sys/wrapping/unwrap", _) => respond(
            400,
            r#"{"errors":["wrapping token is not valid or does not exist"]}"#,
        ),
        _ => normal(line, before, token),
    })
    .await;
    let vault = VaultFixture::new(&server.address, Engine::Kv2 { watch: None }, |file| {
        Some(approle(file, true))
    });
    vault.source.issue().await.unwrap();
    vault.source.revoke(None).await.unwrap();
    vault.source.issue().await.unwrap();
    let unwraps = server
        .requests()
        .iter()
        .filter(|line| line.contains("unwrap"))
        .count();
    assert_eq!(unwraps, 1);
    vault.put("another");
    vault.source.revoke(None).await.unwrap();
    let error = vault.source.issue().await.unwrap_err();
    assert!(
        error.to_string().contains("already used or has expired"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_login_names_what_to_replace_and_hides_the_secret() {
    let server =
        FakeVault::start(|_, _, _| respond(400, r#"{"errors":["invalid secret id s-1"]}"#)).await;
    let vault = VaultFixture::with_approle(&server.address);
    let error = vault.source.issue().await.unwrap_err();
    assert!(!format!("{error:?}").contains("s-1"), "{error:?}");
    match error {
        SourceError::LoginRefused { hint, .. } => {
            assert!(hint.contains("new secret-id to the file"), "{hint}");
        }
        other => panic!("{other:?}"),
    }
}
