//! The answers of other programs in Vault's place: gateways, proxies, load balancers.

use super::*;

const READ: &str = "GET /v1/kv/data/team";
const METADATA: &str = "GET /v1/kv/metadata/team";
const SIGN_IN: &str = "POST /v1/auth/m/login";

/// Status, header and body of a response, and a part of the message about it.
type Odd = (u16, &'static str, &'static str, &'static str);

/// What a gateway, a proxy or a load balancer sends in Vault's place.
const ODD: [Odd; 13] = [
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

/// A Vault that gives an odd answer at one place.
async fn odd_at(at: At, odd: Odd) -> FakeVault {
    let (status, header, body, _) = odd;
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
    for odd in ODD {
        let message = odd.3;
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
            odd,
        )
        .await;
        check(issue_once(&server.address).await.unwrap_err(), "login");

        // The read, with a new token and with an older one, which is not replaced.
        let server = odd_at(
            At {
                line: READ,
                from: 0,
            },
            odd,
        )
        .await;
        check(issue_once(&server.address).await.unwrap_err(), "first read");
        let server = odd_at(
            At {
                line: READ,
                from: 1,
            },
            odd,
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
            odd,
        )
        .await;
        let vault = VaultFixture::with_approle(&server.address);
        let key = vault.source.issue().await.unwrap();
        check(vault.source.revalidate(&key).await.unwrap_err(), "metadata");
        assert_eq!(server.requests(), [SIGN_IN, READ, METADATA]);
    }
}
