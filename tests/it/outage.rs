//! Vault that does not answer, or says no for now, or is somebody else.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    Bao, KEY, TestEnv, Upstream,
    bao::{Agent, Options},
    poll::{SOON, timed},
    test_env::{approle, vault},
    until,
    upstream::{Answer, respond},
};

async fn bao() -> Bao {
    let bao = Bao::start().await;
    bao.put("k", json!({"api_key": KEY})).await;
    bao
}

#[tokio::test]
async fn sealed() {
    let bao = bao().await;
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
    // Sealed again, what is cached is served, and status says what is wrong.
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
async fn frozen() {
    let bao = bao().await;
    let env = TestEnv::with_token(&bao, "secret/k", "timeout = \"2s\"").await;
    env.helper().await.printed(KEY);
    bao.freeze();
    // What is cached is served at once.
    let (output, took) = timed(env.helper()).await;
    output.printed(KEY);
    assert!(took < Duration::from_secs(2), "{took:?}");

    env.claviger(&["logout"]).await;
    let (output, took) = timed(env.helper_with(&["--timeout-ms", "1000"], &[])).await;
    output.failed(5, &["has not answered yet"]);
    assert!(took < Duration::from_secs(2), "{took:?}");
    // The one that gave up first has cancelled nothing: this one hears how it ended.
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
async fn killed_and_started_again() {
    let mut bao = Bao::start_with(Options {
        persistent: true,
        ..Options::default()
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
    // The token from before is good yet.
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
    assert_eq!(bao.asked("update", "auth/approle/login"), 1);
}

#[tokio::test]
async fn never_there() {
    let mut bao = bao().await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    bao.kill();
    let refused = format!("'{}' refused the connection; next try in 1 s", bao.host());
    env.helper().await.failed(5, &[&refused]);
    assert_eq!(env.status().await["profiles"][0]["state"], "unreachable");
}

#[tokio::test]
async fn too_many_requests() {
    for with_headers in [true, false] {
        let bao = bao().await;
        let env = TestEnv::with_token(&bao, "secret/k", "").await;
        env.helper().await.printed(KEY);
        bao.quota("secret/", 1.0, "60s", with_headers).await;
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
async fn a_unix_socket() {
    let bao = Bao::start_with(Options {
        unix: true,
        ..Options::default()
    })
    .await;
    bao.put("k", json!({"api_key": KEY})).await;
    let role = bao.approle(json!({})).await;
    let env = TestEnv::new();
    env.secret(KEY);
    let secret_id = env.secret_file("secret-id", &role.secret_id);
    let auth = approle(&role.role_id, &secret_id);
    env.config(&vault(&bao.unix_url(), "secret/k", "", &auth));
    env.helper().await.printed(KEY);
    assert_eq!(bao.requests().len(), 2);
}

/// An agent that adds its own token, on TCP and on a unix socket.
#[tokio::test]
async fn an_agent() {
    let bao = bao().await;
    let role = bao.approle(json!({})).await;
    let agent = Agent::start(&bao, &role).await;
    for address in [agent.url(), agent.unix_url()] {
        let env = TestEnv::new();
        env.secret(KEY);
        let config = vault(&address, "secret/k", "", "");
        env.config(&config.replace("auth = {  }", ""));
        env.helper().await.printed(KEY);
    }
}

/// A token that is sent to one host is sent to no other.
#[tokio::test]
async fn redirected_to_another_host() {
    let bao = bao().await;
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
        let config = std::fs::read_to_string(env.config_file()).unwrap();
        env.raw_config(&config.replace(&bao.url(), &first.url()));
        let output = env.helper().await;
        output.failed(5, &[&format!("'{}'", first.host()), "next try in"]);
        let token = std::fs::read_to_string(env.path("secrets/token")).unwrap();
        assert!(first.requests()[0].contains(&token), "it was sent a token");
    }
    assert_eq!(other.connections(), 0, "{:?}", other.requests());
}

#[tokio::test]
async fn another_programs_page() {
    let bao = bao().await;
    let page = "<html>Please sign in to the guest network</html>";
    let portal = Upstream::start(respond("200 OK", "text/html", &[], page)).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    let config = std::fs::read_to_string(env.config_file()).unwrap();
    env.raw_config(&config.replace(&bao.url(), &portal.url()));
    let output = env.helper().await;
    output.failed(
        5,
        &[
            "is not JSON",
            "hint: check the address: a proxy or a captive portal",
        ],
    );
    assert!(!output.stderr.contains("guest"), "{output:?}");
}

#[tokio::test]
async fn cut_off() {
    let bao = bao().await;
    let upstream = Upstream::start(Answer::Http(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"data\":".to_owned(),
    ))
    .await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    let config = std::fs::read_to_string(env.config_file()).unwrap();
    env.raw_config(&config.replace(&bao.url(), &upstream.url()));
    env.helper().await.failed(5, &["dropped the connection"]);
}

/// A port that takes connections and says nothing, as behind a firewall.
#[tokio::test]
async fn silent() {
    let upstream = Upstream::start(Answer::Silence).await;
    let env = TestEnv::new();
    let token = env.secret_file("token", "s.0123456789abcdef");
    let auth = format!("method = \"token\", token_file = \"{token}\"");
    let config = vault(&upstream.url(), "secret/k", "timeout = \"1s\"", &auth);
    env.config(&config);
    env.helper().await.failed(5, &["timed out after 1s"]);
    assert_eq!(upstream.connections(), 1);
}
