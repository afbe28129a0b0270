//! Logging in to Vault, by every method that OpenBao has.

use serde_json::{Value, json};

use crate::support::{
    Bao, KEY, TestEnv,
    poll::SOON,
    test_env::{approle, vault},
    tls::{Ca, signing_key},
    until,
};

const LOGIN: &str = "auth/approle/login";
const DATA: &str = "secret/data/k";

async fn bao() -> Bao {
    let bao = Bao::start().await;
    bao.put("k", json!({"api_key": KEY})).await;
    bao
}

#[tokio::test]
async fn token() {
    let bao = bao().await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    env.helper().await.printed(KEY);
    let asked = bao.requests();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(bao.asked("read", "auth/token/lookup-self"), 1);
    // A token that somebody else made is not ours to revoke.
    env.claviger(&["logout"]).await.succeeded();
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn token_in_a_variable() {
    let bao = bao().await;
    let env = TestEnv::new();
    env.secret(KEY);
    let token = bao.token(json!({})).await;
    env.set("CORP_VAULT_TOKEN", &token);
    env.secret(&token);
    let auth = "method = \"token\", token_env = \"CORP_VAULT_TOKEN\"";
    env.config(&vault(&bao.url(), "secret/k", "", auth));
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_token_that_is_no_more() {
    let bao = bao().await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    let token = std::fs::read_to_string(env.path("secrets/token")).unwrap();
    bao.write("auth/token/revoke", json!({"token": token}))
        .await;
    env.helper().await.failed(
        3,
        &[
            "refused the login: permission denied (403)",
            "hint: write a new token to",
            "secrets/token",
        ],
    );
    let profile = &env.status().await["profiles"][0];
    assert_eq!(profile["state"], "login-required");
    // A new one in the file is all that it takes.
    env.secret_file("token", &bao.token(json!({})).await);
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn approle_in_one_login_and_one_read() {
    let bao = bao().await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.helper().await.printed(KEY);
    let asked = bao.requests();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(
        (bao.asked("update", LOGIN), bao.asked("read", DATA)),
        (1, 1)
    );
    // The token is kept.
    env.claviger(&["refresh"]).await.succeeded();
    assert_eq!(
        (bao.asked("update", LOGIN), bao.asked("read", DATA)),
        (1, 2)
    );
}

#[tokio::test]
async fn a_wrong_secret_id() {
    let bao = bao().await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.secret_file("secret-id", "00000000-1111-2222-3333-444444444444");
    env.helper().await.failed(
        3,
        &[
            "refused the login: invalid role or secret ID (400)",
            "hint: write a new secret-id to",
        ],
    );
    assert_eq!(
        (bao.asked("update", LOGIN), bao.asked("read", DATA)),
        (1, 0)
    );
}

#[tokio::test]
async fn secret_files_are_looked_at() {
    let bao = bao().await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    let path = env.path("secrets/secret-id");
    std::fs::remove_file(&path).unwrap();
    env.helper().await.failed(2, &["secret-id"]);
    assert_eq!(bao.requests(), []);
}

#[tokio::test]
async fn a_wrapped_secret_id_is_unwrapped_once() {
    let bao = bao().await;
    let role = bao.approle(json!({})).await;
    let env = TestEnv::new();
    env.secret(KEY);
    let wrapping = env.secret_file("wrapped", &bao.wrapped_secret_id(&role.name).await);
    let auth = format!(
        "{}, secret_id_wrapped = true",
        approle(&role.role_id, &wrapping)
    );
    env.config(&vault(&bao.url(), "secret/k", "", &auth));
    env.helper().await.printed(KEY);
    // Logging in again takes the secret-id that was unwrapped.
    env.claviger(&["logout"]).await.succeeded();
    env.helper().await.printed(KEY);
    assert_eq!(bao.asked("update", "sys/wrapping/unwrap"), 1);
    assert_eq!(bao.asked("update", LOGIN), 2);
    // Another daemon does not have it, and the wrapping token is used up.
    env.claviger(&["stop"]).await.succeeded();
    env.helper().await.failed(
        3,
        &[
            "the wrapping token was already used or has expired",
            "hint: write a newly wrapped secret-id to",
        ],
    );
    env.secret_file("wrapped", &bao.wrapped_secret_id(&role.name).await);
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn userpass() {
    let bao = bao().await;
    bao.userpass("ana", "correct-horse-battery").await;
    let env = TestEnv::new();
    env.secret(KEY);
    let password = env.secret_file("password", "correct-horse-battery\n");
    let auth = format!("method = \"userpass\", username = \"ana\", password_file = \"{password}\"");
    env.config(&vault(&bao.url(), "secret/k", "", &auth));
    env.helper().await.printed(KEY);
    assert_eq!(bao.asked("update", "auth/userpass/login/ana"), 1);
    env.claviger(&["stop"]).await.succeeded();
    env.secret_file("password", "incorrect-horse");
    env.helper().await.failed(
        3,
        &[
            "invalid username or password (400)",
            "hint: write the password of 'ana' to",
        ],
    );
}

/// The JWT of a source of ours, straight from that source and by way of a file.
#[tokio::test]
async fn jwt() {
    let bao = bao().await;
    let (private, public) = signing_key();
    bao.jwt(&public, "vault").await;
    let env = TestEnv::new();
    env.secret(KEY);
    let signing = env.secret_file("signing.pem", &private);
    let minted = format!(
        r#"
[profile.minted]
source = "minted"

[source.minted]
type = "jwt"
algorithm = "EdDSA"
key_file = "{signing}"
subject = "ana"
audience = "vault"
"#
    );
    let chained = "method = \"jwt\", role = \"dev\", jwt_source = \"minted\"";
    env.config(&format!(
        "{}{minted}",
        vault(&bao.url(), "secret/k", "", chained)
    ));
    env.helper().await.printed(KEY);
    assert_eq!(bao.asked("update", "auth/jwt/login"), 1);

    let jwt = env.helper_with(&["--profile", "minted"], &[]).await;
    let file = env.secret_file("jwt", &jwt.stdout);
    let from_file = format!("method = \"jwt\", role = \"dev\", jwt_file = \"{file}\"");
    env.config(&vault(&bao.url(), "secret/k", "", &from_file));
    env.helper().await.printed(KEY);
    assert_eq!(bao.asked("update", "auth/jwt/login"), 2);

    let minted = minted.replace("audience = \"vault\"", "audience = \"other\"");
    env.config(&format!(
        "{}{minted}",
        vault(&bao.url(), "secret/k", "", chained)
    ));
    env.helper()
        .await
        .failed(3, &["refused the login", "(400)", "hint: check 'role'"]);
}

#[tokio::test]
async fn cert() {
    let ca = Ca::new("clients and servers");
    let bao = Bao::start_with_tls(&ca).await;
    bao.put("k", json!({"api_key": KEY})).await;
    bao.cert(&ca).await;
    let env = TestEnv::new();
    env.secret(KEY);
    let ca_file = env.file("ca.pem", &ca.pem);
    let identity = ca.client("ana");
    let cert = env.file("cert.pem", &identity.cert);
    let key = env.secret_file("key.pem", &identity.key);
    let auth =
        format!("method = \"cert\", role = \"dev\", cert_file = \"{cert}\", key_file = \"{key}\"");
    let ca_line = format!("ca_file = \"{ca_file}\"");
    env.config(&vault(&bao.tls_url(), "secret/k", &ca_line, &auth));
    env.helper().await.printed(KEY);
    assert_eq!(bao.asked("update", "auth/cert/login"), 1);

    let stranger = Ca::new("of somebody else").client("ana");
    env.file("cert.pem", &stranger.cert);
    env.secret_file("key.pem", &stranger.key);
    env.claviger(&["stop"]).await.succeeded();
    env.helper().await.failed(
        3,
        &[
            "refused the login",
            "hint: check the certificate in 'cert_file' and 'role'",
        ],
    );
}

/// A token that was made for this read and is denied it is not doubted.
#[tokio::test]
async fn denied_at_first() {
    let bao = bao().await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({"token_policies": ["default"]})).await;
    env.helper().await.failed(
        5,
        &[
            "denied access to 'secret/data/k'",
            "permission denied (403)",
            "hint: ask whoever runs it for a policy",
        ],
    );
    assert_eq!(
        (bao.asked("update", LOGIN), bao.asked("read", DATA)),
        (1, 1)
    );
}

/// A token from before that is denied may be at its end, or it is policy: one more login tells.
#[tokio::test]
async fn denied_later() {
    let bao = bao().await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.helper().await.printed(KEY);
    bao.policy("reader", &[("secret/data/other", "read")]).await;
    env.claviger(&["refresh"])
        .await
        .failed(5, &["denied access to 'secret/data/k'"]);
    assert_eq!(
        (bao.asked("update", LOGIN), bao.asked("read", DATA)),
        (2, 3)
    );
    // Vault has said that it is not ours any more.
    env.helper()
        .await
        .failed(5, &["denied access to 'secret/data/k'"]);
}

#[tokio::test]
async fn a_revoked_token_is_replaced() {
    let bao = bao().await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.helper().await.printed(KEY);
    bao.write("sys/leases/revoke-prefix/auth/approle", Value::Null)
        .await;
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
    assert_eq!(
        (bao.asked("update", LOGIN), bao.asked("read", DATA)),
        (2, 3)
    );
}

#[tokio::test]
async fn a_token_is_renewed_when_two_thirds_are_over() {
    let bao = bao().await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({"token_ttl": "6s"})).await;
    env.helper().await.printed(KEY);
    until("the token is renewed", SOON, async || {
        env.claviger(&["refresh"]).await.succeeded();
        bao.asked("update", "auth/token/renew-self") == 1
    })
    .await;
    assert_eq!(bao.asked("update", LOGIN), 1);
}

#[tokio::test]
async fn a_token_at_its_end_is_replaced() {
    let bao = bao().await;
    let short = json!({"token_ttl": "1s", "token_max_ttl": "1s"});
    let env = TestEnv::with_approle(&bao, "secret/k", short).await;
    env.helper().await.printed(KEY);
    until("there is another login", SOON, async || {
        env.claviger(&["refresh"]).await.succeeded();
        bao.asked("update", LOGIN) >= 2
    })
    .await;
}

#[tokio::test]
async fn logging_out_revokes_our_token() {
    let bao = bao().await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.helper().await.printed(KEY);
    assert_eq!(
        env.claviger(&["logout"]).await.succeeded(),
        "forgotten, and revoked where the source can\n"
    );
    assert_eq!(bao.asked("update", "auth/token/revoke-self"), 1);
    assert_eq!(env.status().await["profiles"][0]["state"], "empty");
}

#[tokio::test]
async fn namespaces() {
    let bao = Bao::start().await;
    bao.write("sys/namespaces/eng", json!({})).await;
    bao.write(
        "eng/sys/mounts/secret",
        json!({"type": "kv", "options": {"version": "2"}}),
    )
    .await;
    bao.until_versioned("eng/secret").await;
    bao.write("eng/secret/data/k", json!({"data": {"api_key": KEY}}))
        .await;
    let policy = json!({"policy": "path \"secret/data/*\" { capabilities = [\"read\"] }"});
    bao.write("eng/sys/policies/acl/reader", policy).await;
    bao.write("eng/sys/auth/userpass", json!({"type": "userpass"}))
        .await;
    let user = json!({"password": "correct-horse-battery", "token_policies": ["reader"]});
    bao.write("eng/auth/userpass/users/ana", user).await;
    let env = TestEnv::new();
    env.secret(KEY);
    let password = env.secret_file("password", "correct-horse-battery");
    let auth = format!("method = \"userpass\", username = \"ana\", password_file = \"{password}\"");
    env.config(&vault(
        &bao.url(),
        "secret/k",
        "namespace = \"eng/\"",
        &auth,
    ));
    env.helper().await.printed(KEY);
    env.config(&vault(&bao.url(), "secret/k", "", &auth));
    env.helper().await.failed(
        3,
        &["refused the login", "check 'auth.mount' and 'namespace'"],
    );
}
