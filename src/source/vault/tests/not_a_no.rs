//! Answers that are not a no, so that a cached key is kept, and those that are.

use super::*;

const READ: &str = "GET /v1/kv/data/team";
const METADATA: &str = "GET /v1/kv/metadata/team";
const SIGN_IN: &str = "POST /v1/auth/m/login";
const POLICY: &str = r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#;
const READ_ONLY: &str = r#"{"errors":["cannot write to readonly storage"]}"#;

/// Status, header and body of what a gateway, a proxy or a load balancer sends in Vault's place,
/// and a part of the message about it.
const ODD: [(u16, &str, &str, &str); 13] = [
    (
        403,
        "server: awselb/2.0",
        r#"{"message":"Forbidden"}"#,
        "403 that is not Vault's ('Forbidden', server 'awselb/2.0')",
    ),
    (
        404,
        "server: kong/3.6",
        r#"{"message":"no Route matched with those values"}"#,
        "404 that is not Vault's ('no Route matched with those values', server 'kong/3.6')",
    ),
    (
        403,
        "server: envoy\r\ncontent-type: text/plain",
        "RBAC: access denied",
        "('RBAC: access denied', server 'envoy')",
    ),
    (
        404,
        "content-type: text/plain; charset=utf-8",
        "404 page not found\n",
        "('404 page not found')",
    ),
    (
        403,
        "server: nginx\r\ncontent-type: text/html",
        "<html>403 Forbidden</html>",
        "a web page (status 403, server 'nginx'), not JSON",
    ),
    (
        401,
        "x: y",
        r#"{"statusCode":401,"message":"Access denied due to missing subscription key."}"#,
        "401 that is not Vault's ('Access denied due to missing subscription key.')",
    ),
    (
        403,
        "server: cloudflare",
        r#"{"success":false,"errors":[{"code":1000,"message":"blocked"}],"result":null}"#,
        "('blocked', server 'cloudflare')",
    ),
    (
        407,
        "via: 1.1 proxy.corp",
        "",
        "407: a proxy in front of it demands authorization (no body, via '1.1 proxy.corp')",
    ),
    (
        407,
        "content-type: text/html",
        "<html>",
        "407: a proxy in front of it",
    ),
    (400, "x: y", "", "400 that is not Vault's (no body)"),
    (403, "x: y", "", "403 that is not Vault's (no body)"),
    (404, "x: y", "", "404 that is not Vault's (no body)"),
    (
        200,
        "x: y",
        r#"{"message":"OK"}"#,
        "unexpected response from",
    ),
];

/// The request that gets the odd answer, after `from` equal ones.
struct At {
    line: &'static str,
    from: usize,
}

/// A Vault that gives one of the [`ODD`] answers at one place.
async fn odd_at(at: At, index: usize) -> FakeVault {
    let (status, header, body, _) = ODD[index];
    FakeVault::start(move |line, before, token| match (line, token) {
        _ if line == at.line && before >= at.from => {
            Reply::WithHeader(status, header, body.to_owned())
        }
        (LOOKUP, _) => respond(200, r#"{"data":{"ttl":0}}"#),
        (METADATA, _) => respond(200, r#"{"data":{"current_version":7,"versions":{}}}"#),
        _ => normal(line, before, token),
    })
    .await
}

#[tokio::test]
async fn another_programs_answer_is_final_nowhere_and_names_the_program() {
    for index in 0..ODD.len() {
        let message = ODD[index].3;
        let check = |error: SourceError, place: &str| {
            assert!(!error.is_final(), "{place}: {error:?}");
            assert!(error.to_string().contains(message), "{place}: {error}");
        };
        // The login, also with a secret that has never worked.
        let server = odd_at(
            At {
                line: SIGN_IN,
                from: 0,
            },
            index,
        )
        .await;
        check(issue_once(&server.address).await.unwrap_err(), "login");

        // The read, with a new token and with an older one, which is not replaced.
        let server = odd_at(
            At {
                line: READ,
                from: 0,
            },
            index,
        )
        .await;
        check(issue_once(&server.address).await.unwrap_err(), "first read");
        let server = odd_at(
            At {
                line: READ,
                from: 1,
            },
            index,
        )
        .await;
        let vault = VaultFixture::with_approle(&server.address);
        vault.source.issue().await.unwrap();
        check(vault.source.issue().await.unwrap_err(), "later read");
        assert_eq!(server.requests(), [SIGN_IN, READ, READ]);

        // The check of the version.
        let server = odd_at(
            At {
                line: METADATA,
                from: 0,
            },
            index,
        )
        .await;
        let vault = VaultFixture::with_approle(&server.address);
        let key = vault.source.issue().await.unwrap();
        check(vault.source.revalidate(&key).await.unwrap_err(), "metadata");
        assert_eq!(server.requests(), [SIGN_IN, READ, METADATA]);
    }
}

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
        Some(approle(file, true))
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
            Some(approle(file, false))
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
