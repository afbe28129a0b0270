//! The login methods.

use super::*;

const UNWRAP: &str = "POST /v1/sys/wrapping/unwrap";

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
    // Each a read, a lookup and a question about the mount point.
    assert_eq!(server.requests().len(), 6);
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

/// A source with the token `s-1` from a file.
fn with_token(server: &FakeVault, watch: bool) -> VaultFixture {
    let watch = watch.then(|| Duration::from_secs(30));
    VaultFixture::new(&server.address, Engine::Kv2 { watch }, |file| {
        Some(AuthMethod::Token(SecretRef::File((&*file).into())))
    })
}

const READ: &str = "GET /v1/kv/data/team";
const METADATA: &str = "GET /v1/kv/metadata/team";
const POLICY: &str = r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#;

#[tokio::test]
async fn a_token_is_looked_up_for_its_life_only_and_after_a_read() {
    let server = FakeVault::start(|line, before, _| match line {
        LOOKUP => respond(200, r#"{"data":{"ttl":60,"renewable":true}}"#),
        METADATA => respond(200, r#"{"data":{"current_version":7,"versions":{}}}"#),
        _ => normal(line, before, ""),
    })
    .await;
    let vault = with_token(&server, true);
    let key = vault.source.issue().await.unwrap();
    assert_eq!(server.requests(), [READ]);
    for _ in 0..2 {
        assert_eq!(vault.source.revalidate(&key).await, Ok(Freshness::Fresh));
    }
    assert_eq!(server.requests(), [READ, LOOKUP, METADATA, METADATA]);
    vault.clock.advance(Duration::from_secs(41));
    vault.source.issue().await.unwrap();
    assert_eq!(server.requests()[4], "POST /v1/auth/token/renew-self");
    assert_eq!(server.requests()[5..], [READ]);

    // Without checks of the version, a second read shows that the token is in use for longer.
    let server = FakeVault::start(|line, before, _| match line {
        LOOKUP => respond(200, r#"{"data":{"ttl":0}}"#),
        _ => normal(line, before, ""),
    })
    .await;
    let vault = with_token(&server, false);
    for _ in 0..3 {
        vault.source.issue().await.unwrap();
    }
    assert_eq!(server.requests(), [READ, READ, LOOKUP, READ]);
}

#[tokio::test]
async fn a_token_that_must_not_look_itself_up_is_used_until_it_is_refused() {
    let server = FakeVault::start(|line, before, token| match (line, before) {
        (LOOKUP, _) => respond(403, POLICY),
        (READ, 2..) if token == "s-1" => respond(403, DENIED),
        (METADATA, _) => respond(200, r#"{"data":{"current_version":7,"versions":{}}}"#),
        _ => normal(line, before, ""),
    })
    .await;
    let vault = with_token(&server, true);
    let key = vault.source.issue().await.unwrap();
    for _ in 0..2 {
        assert_eq!(vault.source.revalidate(&key).await, Ok(Freshness::Fresh));
    }
    vault.source.issue().await.unwrap();
    assert_eq!(server.requests(), [READ, LOOKUP, METADATA, METADATA, READ]);
    // Refused: the file is read again.
    vault.put("s-2");
    vault.source.issue().await.unwrap();
    vault.put("s-1");
    vault.source.revoke(None).await.unwrap();
    let error = vault.source.issue().await.unwrap_err();
    assert!(
        matches!(error, SourceError::Denied { .. }),
        "its own lookup is denied by the policy, so that the token is valid: {error:?}"
    );
}

#[tokio::test]
async fn a_token_with_limited_uses_is_spent_on_nothing_but_reads() {
    for (reads, num_uses) in [(1, 0), (2, -1), (9, 6)] {
        let server = FakeVault::start(move |line, before, _| match line {
            LOOKUP if num_uses == 0 => respond(403, DENIED),
            LOOKUP => respond(
                200,
                &format!(r#"{{"data":{{"ttl":60,"num_uses":{num_uses}}}}}"#),
            ),
            READ if before >= reads => respond(403, DENIED),
            _ => normal(line, before, ""),
        })
        .await;
        let vault = with_token(&server, true);
        let key = vault.source.issue().await.unwrap();
        for _ in 0..3 {
            let freshness = vault.source.revalidate(&key).await;
            assert_eq!(freshness, Ok(Freshness::Unknown), "the key stays");
        }
        assert_eq!(server.requests(), [READ, LOOKUP]);
    }
}

#[tokio::test]
async fn a_used_up_token_is_reported_with_its_file() {
    let server = FakeVault::start(|line, before, token| match (line, before) {
        (LOOKUP, _) => respond(403, DENIED),
        (READ, 1..) if token == "s-1" => respond(403, DENIED),
        _ => normal(line, before, ""),
    })
    .await;
    let vault = with_token(&server, false);
    vault.source.issue().await.unwrap();
    match vault.source.issue().await.unwrap_err() {
        SourceError::LoginRefused { hint, .. } => assert!(hint.contains("used up"), "{hint}"),
        other => panic!("{other:?}"),
    }
    vault.put("s-2");
    vault.source.issue().await.unwrap();
}

/// A Vault whose wrapping token `s-1` is good for one unwrap.
async fn wrapping_vault() -> FakeVault {
    FakeVault::start(|line, before, token| match (line, before, token) {
        (UNWRAP, 0, "s-1") => respond(200, r#"{"data":{"secret_id":"id"}}"#),
        (UNWRAP, ..) => respond(
            400,
            r#"{"errors":["wrapping token is not valid or does not exist"]}"#,
        ),
        _ => normal(line, before, token),
    })
    .await
}

fn wrapped(server: &FakeVault, store: StoreKind) -> VaultFixture {
    VaultFixture::new(&server.address, Engine::Kv2 { watch: None }, |file| {
        Some(approle(file, Some(store)))
    })
}

fn unwraps(server: &FakeVault) -> usize {
    let requests = server.requests();
    requests.iter().filter(|line| *line == UNWRAP).count()
}

#[tokio::test]
async fn a_wrapped_secret_id_is_unwrapped_once() {
    let server = wrapping_vault().await;
    let vault = wrapped(&server, StoreKind::Memory);
    vault.source.issue().await.unwrap();
    vault.source.revoke(None).await.unwrap();
    vault.source.issue().await.unwrap();
    assert_eq!(unwraps(&server), 1);
    vault.put("another");
    vault.source.revoke(None).await.unwrap();
    let error = vault.source.issue().await.unwrap_err();
    assert!(
        error.to_string().contains("already used or has expired"),
        "{error}"
    );
}

#[tokio::test]
async fn a_new_daemon_has_the_unwrapped_secret_id_unless_it_rested_in_memory() {
    let server = wrapping_vault().await;
    let vault = wrapped(&server, StoreKind::File);
    vault.source.issue().await.unwrap();
    vault.restarted().issue().await.unwrap();
    // The used token is of no more use, and may go.
    std::fs::remove_file(vault.dir.path().join("secret")).unwrap();
    vault.restarted().issue().await.unwrap();
    assert_eq!(unwraps(&server), 1);

    let server = wrapping_vault().await;
    let vault = wrapped(&server, StoreKind::Memory);
    vault.source.issue().await.unwrap();
    assert!(vault.restarted().issue().await.is_err());
}

#[tokio::test]
async fn an_unwrapped_secret_id_is_read_from_its_store_after_it_is_forgotten() {
    let server = wrapping_vault().await;
    let vault = wrapped(&server, StoreKind::File);
    vault.source.issue().await.unwrap();
    vault.source.forget().await;
    vault.source.issue().await.unwrap();
    assert_eq!(unwraps(&server), 1);
    // It is not in memory any more: without the store there is none.
    vault.source.forget().await;
    std::fs::remove_dir_all(vault.dir.path().join("state")).unwrap();
    vault.source.issue().await.unwrap_err();
}

#[tokio::test]
async fn nothing_is_unwrapped_that_could_not_be_kept() {
    let server = wrapping_vault().await;
    let vault = wrapped(&server, StoreKind::File);
    // In place of the directory.
    std::fs::write(vault.dir.path().join("state"), "").unwrap();
    let error = vault.source.issue().await.unwrap_err();
    assert!(
        matches!(error, SourceError::Configuration { .. }),
        "{error:?}"
    );
    assert_eq!(unwraps(&server), 0);
    std::fs::remove_file(vault.dir.path().join("state")).unwrap();
    vault.source.issue().await.unwrap();
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
