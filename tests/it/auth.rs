//! Logging in to Vault, with every method that OpenBao supports.

use serde_json::{Value, json};

use crate::support::{
    Bao, KEY, TestEnv,
    poll::SOON,
    tls::{Ca, signing_key},
    until,
    vault_config::{approle_auth, userpass_auth, vault_config},
};

const LOGIN: &str = "auth/approle/login";
const DATA: &str = "secret/data/k";

#[tokio::test]
async fn approle_costs_one_login_and_one_read() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.helper().await.printed(KEY);
    let requests = bao.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert_eq!(
        (bao.count("update", LOGIN), bao.count("read", DATA)),
        (1, 1)
    );
    // The next read uses the same token.
    env.claviger(&["refresh"]).await.succeeded();
    assert_eq!(
        (bao.count("update", LOGIN), bao.count("read", DATA)),
        (1, 2)
    );
}

#[tokio::test]
async fn a_wrong_secret_id_fails_after_one_login() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.write_secret_file("secret-id", "00000000-1111-2222-3333-444444444444");
    env.helper().await.failed(
        3,
        &[
            "refused the login: invalid role or secret ID (400)",
            "hint: write a new secret-id to",
        ],
    );
    assert_eq!(
        (bao.count("update", LOGIN), bao.count("read", DATA)),
        (1, 0)
    );
}

#[tokio::test]
async fn a_missing_secret_file_is_a_configuration_error() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    let path = env.path("secrets/secret-id");
    std::fs::remove_file(&path).unwrap();
    env.helper().await.failed(2, &["secret-id"]);
    assert_eq!(bao.requests(), []);
}

#[tokio::test]
async fn a_wrapped_secret_id_is_unwrapped_once() {
    let bao = Bao::start_with_key("k", KEY).await;
    let role = bao.enable_approle(json!({})).await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let wrapping =
        env.write_secret_file("wrapped", &bao.create_wrapped_secret_id(&role.name).await);
    let with_store = |store: &str| {
        let auth = format!(
            "{}, secret_id_wrapped = true, store = \"{store}\"",
            approle_auth(&role.role_id, &wrapping)
        );
        env.write_config(&vault_config(&bao.url(), "secret/k", "", &auth));
    };
    with_store("file");
    env.helper().await.printed(KEY);
    // The next login uses the unwrapped secret-id, and so does that of a new daemon.
    env.claviger(&["logout"]).await.succeeded();
    env.helper().await.printed(KEY);
    env.claviger(&["stop"]).await.succeeded();
    env.helper().await.printed(KEY);
    assert_eq!(bao.count("update", "sys/wrapping/unwrap"), 1);
    assert_eq!(bao.count("update", LOGIN), 3);
    // Another store lacks the secret-id, and the wrapping token cannot be used again.
    env.claviger(&["stop"]).await.succeeded();
    with_store("memory");
    env.helper().await.failed(
        3,
        &[
            "the wrapping token was already used or has expired",
            "hint: write a newly wrapped secret-id to",
        ],
    );
    env.write_secret_file("wrapped", &bao.create_wrapped_secret_id(&role.name).await);
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn userpass_logs_in_and_reports_a_wrong_password() {
    let bao = Bao::start_with_key("k", KEY).await;
    bao.enable_userpass("ana", "correct-horse-battery").await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let password = env.write_secret_file("password", "correct-horse-battery\n");
    let auth = userpass_auth(&password);
    env.write_config(&vault_config(&bao.url(), "secret/k", "", &auth));
    env.helper().await.printed(KEY);
    assert_eq!(bao.count("update", "auth/userpass/login/ana"), 1);
    env.claviger(&["stop"]).await.succeeded();
    env.write_secret_file("password", "incorrect-horse");
    env.helper().await.failed(
        3,
        &[
            "invalid username or password (400)",
            "hint: write the password of 'ana' to",
        ],
    );
}

#[tokio::test]
async fn jwt_takes_the_token_from_a_source_or_a_file() {
    let bao = Bao::start_with_key("k", KEY).await;
    let (private, public) = signing_key();
    bao.enable_jwt(&public, "vault").await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let signing = env.write_secret_file("signing.pem", &private);
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
    env.write_config(&format!(
        "{}{minted}",
        vault_config(&bao.url(), "secret/k", "", chained)
    ));
    env.helper().await.printed(KEY);
    assert_eq!(bao.count("update", "auth/jwt/login"), 1);

    let jwt = env.helper_with(&["--profile", "minted"], &[]).await;
    let file = env.write_secret_file("jwt", &jwt.stdout);
    let from_file = format!("method = \"jwt\", role = \"dev\", jwt_file = \"{file}\"");
    env.write_config(&vault_config(&bao.url(), "secret/k", "", &from_file));
    env.helper().await.printed(KEY);
    assert_eq!(bao.count("update", "auth/jwt/login"), 2);

    let minted = minted.replace("audience = \"vault\"", "audience = \"other\"");
    env.write_config(&format!(
        "{}{minted}",
        vault_config(&bao.url(), "secret/k", "", chained)
    ));
    env.helper()
        .await
        .failed(3, &["refused the login", "(400)", "hint: check 'role'"]);
}

#[tokio::test]
async fn cert_logs_in_with_a_client_certificate() {
    let ca = Ca::new("clients and servers");
    let bao = Bao::start_with_tls(&ca).await;
    bao.put("k", json!({"api_key": KEY})).await;
    bao.enable_cert(&ca).await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let ca_file = env.write_file("ca.pem", &ca.pem);
    let issued = ca.client("ana");
    let cert = env.write_file("cert.pem", &issued.cert);
    let key = env.write_secret_file("key.pem", &issued.key);
    let auth =
        format!("method = \"cert\", role = \"dev\", cert_file = \"{cert}\", key_file = \"{key}\"");
    let ca_line = format!("ca_file = \"{ca_file}\"");
    env.write_config(&vault_config(&bao.tls_url(), "secret/k", &ca_line, &auth));
    env.helper().await.printed(KEY);
    assert_eq!(bao.count("update", "auth/cert/login"), 1);

    let untrusted = Ca::new("another CA").client("ana");
    env.write_file("cert.pem", &untrusted.cert);
    env.write_secret_file("key.pem", &untrusted.key);
    env.claviger(&["stop"]).await.succeeded();
    env.helper().await.failed(
        3,
        &[
            "refused the login",
            "hint: check the certificate in 'cert_file' and 'role'",
        ],
    );
}

/// A denial of a new token is due to the policy.
#[tokio::test]
async fn a_new_token_that_is_denied_causes_no_second_login() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({"token_policies": ["default"]})).await;
    env.helper().await.failed(
        5,
        &[
            "denied access to 'secret/data/k'",
            "permission denied (403)",
            "hint: ask the administrator of ",
        ],
    );
    assert_eq!(
        (bao.count("update", LOGIN), bao.count("read", DATA)),
        (1, 1)
    );
}

/// A denial of an older token may also mean that it has expired.
#[tokio::test]
async fn an_older_token_that_is_denied_causes_one_login() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.helper().await.printed(KEY);
    bao.set_policy("reader", &[("secret/data/other", "read")])
        .await;
    env.claviger(&["refresh"])
        .await
        .failed(5, &["denied access to 'secret/data/k'"]);
    assert_eq!(
        (bao.count("update", LOGIN), bao.count("read", DATA)),
        (2, 3)
    );
    // The cached key is not printed: Vault has denied access to it.
    env.helper()
        .await
        .failed(5, &["denied access to 'secret/data/k'"]);
}

#[tokio::test]
async fn a_revoked_token_is_replaced() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.helper().await.printed(KEY);
    bao.write("sys/leases/revoke-prefix/auth/approle", Value::Null)
        .await;
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
    assert_eq!(
        (bao.count("update", LOGIN), bao.count("read", DATA)),
        (2, 3)
    );
}

#[tokio::test]
async fn a_token_is_renewed_when_two_thirds_are_over() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({"token_ttl": "6s"})).await;
    env.helper().await.printed(KEY);
    until("the token is renewed", SOON, async || {
        env.claviger(&["refresh"]).await.succeeded();
        bao.count("update", "auth/token/renew-self") == 1
    })
    .await;
    assert_eq!(bao.count("update", LOGIN), 1);
}

#[tokio::test]
async fn an_expired_token_is_replaced() {
    let bao = Bao::start_with_key("k", KEY).await;
    let short = json!({"token_ttl": "1s", "token_max_ttl": "1s"});
    let env = TestEnv::with_approle(&bao, "secret/k", short).await;
    env.helper().await.printed(KEY);
    until("there is another login", SOON, async || {
        env.claviger(&["refresh"]).await.succeeded();
        bao.count("update", LOGIN) >= 2
    })
    .await;
}

#[tokio::test]
async fn logout_revokes_the_daemons_token() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.helper().await.printed(KEY);
    let output = env.claviger(&["logout"]).await;
    assert!(
        output
            .succeeded()
            .contains("revoked the login at source 'vault'"),
        "{output:?}"
    );
    assert_eq!(bao.count("update", "auth/token/revoke-self"), 1);
    assert_eq!(env.status().await["profiles"][0]["state"], "empty");
}

#[tokio::test]
async fn a_namespace_is_used_for_login_and_read() {
    let bao = Bao::start().await;
    bao.write("sys/namespaces/eng", json!({})).await;
    let engine = json!({"type": "kv", "options": {"version": "2"}});
    bao.write("eng/sys/mounts/secret", engine).await;
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
    env.add_secret(KEY);
    let password = env.write_secret_file("password", "correct-horse-battery");
    let auth = userpass_auth(&password);
    env.write_config(&vault_config(
        &bao.url(),
        "secret/k",
        "namespace = \"eng/\"",
        &auth,
    ));
    env.helper().await.printed(KEY);
    env.write_config(&vault_config(&bao.url(), "secret/k", "", &auth));
    env.helper().await.failed(
        3,
        &["refused the login", "check 'auth.mount' and 'namespace'"],
    );
}
