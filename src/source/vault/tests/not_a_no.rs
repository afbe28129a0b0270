//! Vault's own answers that are not a no, so that a cached key is kept, and those that are.

use super::*;

const READ: &str = "GET /v1/kv/data/team";
const METADATA: &str = "GET /v1/kv/metadata/team";
const POLICY: &str = r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#;
const READ_ONLY: &str = r#"{"errors":["cannot write to readonly storage"]}"#;

/// A token whose validity is not known is looked up; that answer must be Vault's, too.
#[tokio::test]
async fn a_denial_is_final_only_for_a_token_that_is_seen_alive() {
    for (lookup, body, is_final) in [
        (200, r#"{"data":{"ttl":0}}"#, true),
        (403, POLICY, true),
        // Never worked.
        (403, DENIED, true),
        (403, r#"{"message":"Forbidden"}"#, false),
        (403, "", false),
        (404, "", false),
        (404, r#"{"errors":[]}"#, false),
        (400, READ_ONLY, false),
        (200, r#"{"message":"OK"}"#, false),
        (503, r#"{"errors":["Vault is sealed"]}"#, false),
    ] {
        let server = FakeVault::start(move |line, before, _| match line {
            READ => respond(403, DENIED),
            LOOKUP => respond(lookup, body),
            _ => normal(line, before, ""),
        })
        .await;
        let vault = VaultFixture::new(&server.address, Engine::Kv2 { watch: None }, |file| {
            Some(AuthMethod::Token(SecretRef::File((&*file).into())))
        });
        let error = vault.source.issue().await.unwrap_err();
        assert_eq!(error.is_final(), is_final, "{lookup} {body}: {error:?}");
    }
}

/// It may have expired: that is no answer about the key. The error stays the same at every retry.
#[tokio::test]
async fn a_token_that_has_worked_and_is_refused_is_final_only_if_vault_calls_it_invalid() {
    let invalid =
        r#"{"errors":["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}"#;
    for (denial, is_final) in [(DENIED, false), (invalid, true)] {
        let server = FakeVault::start(move |line, before, token| match (line, before, token) {
            (LOOKUP, ..) => respond(403, denial),
            (READ, 1.., "s-1") => respond(403, denial),
            _ => normal(line, before, ""),
        })
        .await;
        let vault = VaultFixture::new(&server.address, Engine::Kv2 { watch: None }, |file| {
            Some(AuthMethod::Token(SecretRef::File((&*file).into())))
        });
        vault.source.issue().await.unwrap();
        for _ in 0..3 {
            match vault.source.issue().await.unwrap_err() {
                SourceError::LoginRefused {
                    is_final: found, ..
                } => assert_eq!(found, is_final, "{denial}"),
                other => panic!("{other:?}"),
            }
        }
        vault.put("s-2");
        vault.source.issue().await.unwrap();
    }
}

/// The token of an agent is not the daemon's to replace.
#[tokio::test]
async fn an_agents_denial_is_final_if_its_token_is_alive() {
    for (read, lookup, body, is_final) in [
        (DENIED, 200, r#"{"data":{"ttl":0}}"#, true),
        (DENIED, 403, POLICY, true),
        (POLICY, 403, DENIED, true),
        (DENIED, 403, DENIED, false),
        (DENIED, 403, "", false),
        (
            DENIED,
            500,
            r#"{"errors":["failed to get the response"]}"#,
            false,
        ),
    ] {
        let server = FakeVault::start(move |line, before, _| match line {
            READ => respond(403, read),
            LOOKUP => respond(lookup, body),
            _ => normal(line, before, ""),
        })
        .await;
        let vault = VaultFixture::new(&server.address, Engine::Kv2 { watch: None }, |_| None);
        let error = vault.source.issue().await.unwrap_err();
        assert_eq!(error.is_final(), is_final, "{lookup} {body}: {error:?}");
        if let SourceError::LoginRefused { reason, hint, .. } = error {
            assert!(reason.contains("the agent has no valid token"), "{reason}");
            assert!(hint.contains("the agent at"), "{hint}");
        }
    }
}

#[tokio::test]
async fn vaults_own_400_on_a_read_is_not_final() {
    for reason in [
        "cannot write to readonly storage",
        "Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period",
        "unknown role: dev",
        "permission denied",
    ] {
        let body = format!(r#"{{"errors":["{reason}"]}}"#);
        for line in [READ, METADATA] {
            let body = body.clone();
            let server = FakeVault::start(move |request, before, _| match request {
                _ if request == line && before >= usize::from(line == READ) => respond(400, &body),
                _ => normal(request, before, ""),
            })
            .await;
            let vault = VaultFixture::with_approle(&server.address);
            let key = vault.source.issue().await.unwrap();
            let error = match line {
                READ => vault.source.issue().await.unwrap_err(),
                _ => vault.source.revalidate(&key).await.unwrap_err(),
            };
            assert!(!error.is_final(), "{error:?}");
            let message = error.to_string();
            assert!(
                message.contains("for now: ") && message.contains(reason),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn a_lease_is_gone_only_if_vault_says_so() {
    let gone = r#"{"errors":["invalid lease"]}"#;
    for (status, body, lookup, expected) in [
        (
            200,
            r#"{"data":{"id":"kv/team/1"}}"#,
            DENIED,
            Ok(Freshness::Fresh),
        ),
        (400, gone, DENIED, Err(true)),
        (400, READ_ONLY, DENIED, Err(false)),
        (403, r#"{"message":"Forbidden"}"#, DENIED, Err(false)),
        (404, "", DENIED, Err(false)),
        (200, r#"{"message":"OK"}"#, DENIED, Err(false)),
        (403, DENIED, POLICY, Ok(Freshness::Unknown)),
        // The token is dead: another one may get another lease.
        (403, DENIED, DENIED, Ok(Freshness::Stale)),
        (403, DENIED, "", Err(false)),
    ] {
        let server = FakeVault::start(move |line, before, _| match line {
            "GET /v1/kv/team" => respond(
                200,
                r#"{"lease_id":"kv/team/1","lease_duration":60,"data":{"api_key":"sk-1"}}"#,
            ),
            "POST /v1/sys/leases/lookup" => respond(status, body),
            LOOKUP => respond(403, lookup),
            _ => normal(line, before, ""),
        })
        .await;
        let vault = VaultFixture::new(&server.address, Engine::Lease, |file| {
            Some(approle(file, None))
        });
        let key = vault.source.issue().await.unwrap();
        let found = vault.source.revalidate(&key).await;
        assert_eq!(
            found.map_err(|error| error.is_final()),
            expected,
            "{status} {body} {lookup}"
        );
    }
}

#[tokio::test]
async fn a_lookup_that_is_not_vaults_leaves_the_life_of_the_token_unknown() {
    for (status, body) in [
        (200, r#"{"message":"OK"}"#),
        (403, r#"{"message":"Forbidden"}"#),
        (400, READ_ONLY),
    ] {
        let server = FakeVault::start(move |line, before, _| match (line, before) {
            (LOOKUP, 0) => respond(status, body),
            (LOOKUP, _) => respond(200, r#"{"data":{"ttl":60,"renewable":true}}"#),
            (METADATA, _) => respond(200, r#"{"data":{"current_version":7,"versions":{}}}"#),
            _ => normal(line, before, ""),
        })
        .await;
        let vault = VaultFixture::new(&server.address, Engine::Kv2 { watch: None }, |file| {
            Some(AuthMethod::Token(SecretRef::File((&*file).into())))
        });
        let key = vault.source.issue().await.unwrap();
        for _ in 0..3 {
            assert_eq!(vault.source.revalidate(&key).await, Ok(Freshness::Fresh));
        }
        let lookups = server
            .requests()
            .iter()
            .filter(|line| *line == LOOKUP)
            .count();
        assert_eq!(lookups, 2, "it is tried again until Vault has answered");
    }
}
