//! KV v2 versions and leases.

use super::*;

/// A cached credential of `version`.
fn cached(version: u64) -> Credential {
    Credential {
        secret: Secret::new("sk".to_owned()),
        obtained: SystemClock.now(),
        issued: None,
        lifetime: None,
        version: Some(version),
        lease: None,
    }
}

#[tokio::test]
async fn the_version_is_read_from_the_metadata_or_else_from_the_data() {
    let server = FakeVault::start(|line, before, _| match line {
        "GET /v1/kv/metadata/team" => {
            respond(200, r#"{"data":{"current_version":8,"versions":{}}}"#)
        }
        _ => normal(line, before, ""),
    })
    .await;
    let vault = VaultFixture::with_approle(&server.address);
    assert_eq!(
        vault.source.revalidate(&cached(8)).await,
        Ok(Freshness::Fresh)
    );
    assert_eq!(
        vault.source.revalidate(&cached(7)).await,
        Ok(Freshness::Stale)
    );

    let server = FakeVault::start(|line, before, _| match line {
        "GET /v1/kv/metadata/team" => respond(403, DENIED),
        _ => normal(line, before, ""),
    })
    .await;
    let vault = VaultFixture::with_approle(&server.address);
    vault.source.issue().await.unwrap();
    for _ in 0..3 {
        assert_eq!(
            vault.source.revalidate(&cached(7)).await,
            Ok(Freshness::Fresh)
        );
    }
    let asked = server
        .requests()
        .iter()
        .filter(|line| line.contains("metadata"))
        .count();
    assert_eq!(asked, 1);
}

/// Vault's own command line encodes each segment.
#[tokio::test]
async fn every_character_of_a_path_is_sent_as_itself() {
    let sent = "kv/data/a%20b/100%25/%3Fq%23f/%5C/%C3%BC/%2e%2e;".replace("%2e", "%252e");
    let line = format!("GET /v1/{sent}");
    let server = FakeVault::start({
        let line = line.clone();
        move |request, before, _| match request == line {
            true => respond(200, SECRET),
            false => normal(request, before, ""),
        }
    })
    .await;
    let vault = VaultFixture::at_path(&server.address, r"a b/100%/?q#f/\/ü/%2e%2e;");
    assert!(vault.source.issue().await.is_ok());
    assert_eq!(server.requests(), ["POST /v1/auth/m/login", &line]);
}

#[tokio::test]
async fn a_lease_that_cannot_be_revoked_is_named_with_the_reason() {
    let server = FakeVault::start(|line, before, _| match line {
        "GET /v1/kv/team" => respond(
            200,
            r#"{"lease_id":"kv/\u001b[2J\n1","lease_duration":60,"data":{"api_key":"sk-1"}}"#,
        ),
        LOOKUP => respond(200, r#"{"data":{"ttl":0}}"#),
        "POST /v1/sys/leases/revoke" => respond(
            400,
            r#"{"errors":["failed to revoke entry: connection refused"]}"#,
        ),
        _ => normal(line, before, ""),
    })
    .await;
    // A token that a logout does not revoke, and the lease with it.
    let vault = VaultFixture::new(&server.address, Engine::Lease, |file| {
        Some(AuthMethod::Token(SecretRef::File((&*file).into())))
    });
    let key = vault.source.issue().await.unwrap();
    let error = vault.source.revoke(Some(&key)).await.unwrap_err();
    let message = error.to_string();
    let expected = r"failed to revoke entry: connection refused (400); the lease 'kv/\u{1b}[2J\n1' stays valid";
    assert!(message.contains(expected), "{message}");
}

#[tokio::test]
async fn a_lease_ends_with_its_token_and_is_renewed_while_that_extends_it() {
    let lease = |left: u64| {
        format!(
            r#"{{"lease_id":"kv/team/1","lease_duration":{left},"renewable":true,"data":{{"api_key":"sk-1"}}}}"#
        )
    };
    let server = FakeVault::start(move |line, before, _| match line {
        "GET /v1/kv/team" => respond(200, &lease(3600)),
        "POST /v1/sys/leases/renew" if before == 0 => respond(200, &lease(3600)),
        "POST /v1/sys/leases/renew" => respond(200, &lease(5)),
        _ => normal(line, before, ""),
    })
    .await;
    let vault = VaultFixture::new(&server.address, Engine::Lease, |file| {
        Some(approle(file, None))
    });
    let first = vault.source.issue().await.unwrap();
    assert_eq!(first.lifetime, Some(Duration::from_secs(60)));
    // Before the token itself is due.
    vault.clock.advance(Duration::from_secs(30));
    let second = vault.source.renew(&first).await.unwrap().unwrap();
    assert_eq!(second.lifetime, Some(Duration::from_secs(60)));
    assert_eq!(second.secret, first.secret);
    vault.clock.advance(Duration::from_secs(30));
    assert_eq!(vault.source.renew(&second).await, Ok(None));
    let revocation = vault.source.revoke(Some(&second)).await.unwrap();
    assert_eq!(revocation.lease, Revoked::Done);
    assert_eq!(vault.source.renew(&second).await, Ok(None));
}
