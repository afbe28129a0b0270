//! A Vault that does not answer, that answers with an error, or that is another server.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    Bao, KEY, TestEnv, Upstream,
    bao::{BaoAgent, BaoOptions},
    poll::{SOON, timed},
    until,
    upstream::{UpstreamReply, respond},
    vault_config::{approle_auth, token_auth, vault_config},
};

#[tokio::test]
async fn a_sealed_vault_is_tried_again_and_the_cached_key_served() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    bao.seal().await;
    let sealed = format!("'{}' is sealed (503); next try in 1 s", bao.host());
    env.helper()
        .await
        .failed(5, &[&sealed, "hint: nothing to do on this machine"]);
    bao.unseal().await;
    until("it is tried again", SOON, async || {
        env.helper().await.code == Some(0)
    })
    .await;
    // Once it is sealed again, the cached key is served and `status` reports the error.
    bao.seal().await;
    env.claviger(&["refresh"])
        .await
        .failed(5, &["is sealed (503)"]);
    env.helper().await.printed(KEY);
    let profile = &env.status().await["profiles"][0];
    assert_eq!(profile["state"], "ready");
    assert!(
        profile["last_error"]
            .as_str()
            .unwrap()
            .ends_with("is sealed (503)")
    );
}

#[tokio::test]
async fn a_frozen_vault_times_out_and_the_cached_key_is_served() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "timeout = \"2s\"").await;
    env.helper().await.printed(KEY);
    bao.freeze();
    // The cached key is served at once.
    let (output, took) = timed(env.helper()).await;
    output.printed(KEY);
    assert!(took < Duration::from_secs(2), "{took:?}");

    env.claviger(&["logout"]).await;
    let (output, took) = timed(env.helper_with(&["--timeout-ms", "1000"], &[])).await;
    output.failed(5, &["has not answered yet"]);
    assert!(took < Duration::from_secs(2), "{took:?}");
    // The fetch goes on after the first caller's deadline: this caller gets its result.
    env.helper()
        .await
        .failed(5, &["timed out after 2s", "next try in"]);
    bao.thaw();
    until("it is tried again", SOON, async || {
        env.helper().await.code == Some(0)
    })
    .await;
}

#[tokio::test]
async fn the_token_is_used_again_after_vault_restarts() {
    let mut bao = Bao::start_with(BaoOptions {
        persistent: true,
        ..BaoOptions::default()
    })
    .await;
    bao.put("k", json!({"api_key": KEY})).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.helper().await.printed(KEY);
    bao.kill();
    let refused = format!("'{}' refused the connection", bao.host());
    env.claviger(&["refresh"])
        .await
        .failed(5, &[&refused, "next try in", "hint: check the address"]);
    env.helper().await.printed(KEY);
    bao.restart().await;
    // The old token is still valid.
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
    assert_eq!(bao.count("update", "auth/approle/login"), 1);
}

#[tokio::test]
async fn an_unreachable_vault_without_a_cached_key_is_reported() {
    let mut bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    bao.kill();
    let refused = format!("'{}' refused the connection; next try in 1 s", bao.host());
    env.helper().await.failed(5, &[&refused]);
    assert_eq!(env.status().await["profiles"][0]["state"], "unreachable");
}

#[tokio::test]
async fn a_rate_limit_sets_the_time_of_the_next_try() {
    for with_headers in [true, false] {
        let bao = Bao::start_with_key("k", KEY).await;
        let env = TestEnv::with_token(&bao, "secret/k", "").await;
        env.helper().await.printed(KEY);
        bao.set_quota("secret/", 1.0, "60s", with_headers).await;
        env.claviger(&["refresh"]).await.succeeded();
        let refused = env.claviger(&["refresh"]).await;
        refused.failed(5, &["is temporarily unavailable", "(429); next try in "]);
        let (_, after) = refused.stderr.split_once("next try in ").unwrap();
        let seconds: u64 = after.split(' ').next().unwrap().parse().unwrap();
        if with_headers {
            assert!((10..=66).contains(&seconds), "{seconds}");
        } else {
            assert_eq!(seconds, 1);
        }
        env.helper().await.printed(KEY);
    }
}

#[tokio::test]
async fn vault_can_listen_on_a_unix_socket() {
    let bao = Bao::start_with(BaoOptions {
        unix: true,
        ..BaoOptions::default()
    })
    .await;
    bao.put("k", json!({"api_key": KEY})).await;
    let role = bao.enable_approle(json!({})).await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let secret_id = env.write_secret_file("secret-id", &role.secret_id);
    let auth = approle_auth(&role.role_id, &secret_id);
    env.write_config(&vault_config(&bao.unix_url(), "secret/k", "", &auth));
    env.helper().await.printed(KEY);
    assert_eq!(bao.requests().len(), 2);
}

/// The agent adds its own token, so the source has no `auth`.
#[tokio::test]
async fn an_agent_is_used_over_tcp_and_a_unix_socket() {
    let bao = Bao::start_with_key("k", KEY).await;
    let role = bao.enable_approle(json!({})).await;
    let agent = BaoAgent::start(&bao, &role).await;
    for address in [agent.url(), agent.unix_url()] {
        let env = TestEnv::new();
        env.add_secret(KEY);
        let config = vault_config(&address, "secret/k", "", "");
        env.write_config(&config.replace("auth = {  }", ""));
        env.helper().await.printed(KEY);
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let bao = Bao::start_with_key("k", KEY).await;
    let other = Upstream::start(respond("200 OK", "application/json", &[], "{}")).await;
    for status in [
        "307 Temporary Redirect",
        "302 Found",
        "308 Permanent Redirect",
    ] {
        let location = format!("{}/v1/auth/token/lookup-self", other.url());
        let first = Upstream::start(respond(
            status,
            "text/plain",
            &[("location", &location)],
            "",
        ))
        .await;
        let env = TestEnv::with_token(&bao, "secret/k", "").await;
        env.edit_config(|config| config.replace(&bao.url(), &first.url()));
        let output = env.helper().await;
        let redirects = format!(
            "'{}' redirects to '{}', which 'redirect_hosts' does not list",
            first.host(),
            other.host()
        );
        output.failed(5, &[&redirects, "hint: if '127.0.0.1:"]);
        let token = std::fs::read_to_string(env.path("secrets/token")).unwrap();
        assert!(
            first.requests()[0].contains(&token),
            "the first host got the token"
        );
    }
    assert_eq!(other.connections(), 0, "{:?}", other.requests());
}

#[tokio::test]
async fn a_captive_portals_page_is_not_printed() {
    let bao = Bao::start_with_key("k", KEY).await;
    let page = "<html>Please sign in to the guest network</html>";
    let portal = Upstream::start(respond("200 OK", "text/html", &[], page)).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    env.edit_config(|config| config.replace(&bao.url(), &portal.url()));
    let output = env.helper().await;
    output.failed(
        5,
        &[
            "a web page (status 200), not JSON",
            "hint: open",
            "a captive portal or a proxy",
        ],
    );
    assert!(!output.stderr.contains("guest"), "{output:?}");
}

#[tokio::test]
async fn a_truncated_response_is_reported() {
    let bao = Bao::start_with_key("k", KEY).await;
    let upstream = Upstream::start(UpstreamReply::Http(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"data\":".to_owned(),
    ))
    .await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    env.edit_config(|config| config.replace(&bao.url(), &upstream.url()));
    env.helper().await.failed(5, &["dropped the connection"]);
}

/// As behind a firewall that drops packets.
#[tokio::test]
async fn a_server_that_accepts_and_never_answers_times_out() {
    let upstream = Upstream::start(UpstreamReply::Silence).await;
    let env = TestEnv::new();
    let token = env.write_secret_file("token", "s.0123456789abcdef");
    let auth = token_auth(&token);
    let config = vault_config(&upstream.url(), "secret/k", "timeout = \"1s\"", &auth);
    env.write_config(&config);
    env.helper().await.failed(5, &["timed out after 1s"]);
    assert_eq!(upstream.connections(), 1);
}
