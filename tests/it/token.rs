//! Logging in to Vault with a token that was created elsewhere.

use serde_json::json;

use crate::support::{Bao, KEY, TestEnv, poll::SOON, until, vault_config::vault_config};

const DATA: &str = "secret/data/k";

#[tokio::test]
async fn a_static_token_is_not_revoked_at_logout() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    env.helper().await.printed(KEY);
    let requests = bao.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    // The daemon revokes only tokens that it created.
    env.claviger(&["logout"]).await.succeeded();
    env.helper().await.printed(KEY);
}

/// As `vault token create -policy=reader -no-default-policy` makes it.
#[tokio::test]
async fn a_static_token_needs_no_permission_to_look_itself_up() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "watch = \"1s\"").await;
    let token = bao.create_token(json!({"no_default_policy": true})).await;
    env.write_secret_file("token", &token);
    env.helper().await.printed(KEY);
    until("the version is checked again", SOON, async || {
        env.helper().await.printed(KEY);
        bao.count("read", "secret/metadata/k") >= 2
    })
    .await;
    assert_eq!(bao.count("read", "auth/token/lookup-self"), 1);
    env.claviger(&["refresh"]).await.succeeded();
    assert_eq!(bao.count("read", DATA), 2);
}

#[tokio::test]
async fn a_static_token_for_one_request_yields_the_key() {
    let bao = Bao::start_with_key("k", KEY).await;
    for more in ["watch = \"1s\"", "watch = \"off\""] {
        let env = TestEnv::with_token(&bao, "secret/k", more).await;
        let token = bao.create_token(json!({"num_uses": 1})).await;
        env.write_secret_file("token", &token);
        env.helper().await.printed(KEY);
        let lookups = bao.count("read", "auth/token/lookup-self");
        if more.contains("1s") {
            until("the version would be checked", SOON, async || {
                env.helper().await.printed(KEY);
                bao.count("read", "auth/token/lookup-self") > lookups
            })
            .await;
        }
        env.helper().await.printed(KEY);
        env.claviger(&["refresh"]).await.failed(
            3,
            &["refused the login", "hint: write a new token to", "used up"],
        );
        env.write_secret_file("token", &bao.create_token(json!({"num_uses": 1})).await);
        env.claviger(&["refresh"]).await.succeeded();
    }
}

#[tokio::test]
async fn a_static_token_for_two_requests_yields_the_key_twice() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    let token = bao.create_token(json!({"num_uses": 2})).await;
    env.write_secret_file("token", &token);
    env.helper().await.printed(KEY);
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
    assert_eq!(bao.count("read", DATA), 2);
    env.claviger(&["refresh"])
        .await
        .failed(3, &["hint: write a new token to"]);
}

#[tokio::test]
async fn a_static_token_can_come_from_a_variable() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let token = bao.create_token(json!({})).await;
    env.set_variable("CORP_VAULT_TOKEN", &token);
    env.add_secret(&token);
    let auth = "method = \"token\", token_env = \"CORP_VAULT_TOKEN\"";
    env.write_config(&vault_config(&bao.url(), "secret/k", "", auth));
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_revoked_static_token_is_replaced_in_its_file() {
    let bao = Bao::start_with_key("k", KEY).await;
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
    env.write_secret_file("token", &bao.create_token(json!({})).await);
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
}
