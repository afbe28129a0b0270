//! Vault that does not answer, or says no for now, or is somebody else.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    Bao, KEY, Machine, Upstream,
    bao::{Agent, Options},
    machine::{approle, vault},
    poll::{SOON, timed},
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
    let machine = Machine::with_token(&bao, "secret/k", "").await;
    bao.seal().await;
    let sealed = format!("'{}' is sealed (503); next try in 1 s", bao.host());
    machine
        .helper()
        .await
        .failed(5, &[&sealed, "hint: nothing to do on this machine"]);
    bao.unseal().await;
    until("it is tried again", SOON, async || {
        machine.helper().await.code == Some(0)
    })
    .await;
    // Sealed again, what is cached is served, and status says what is wrong.
    bao.seal().await;
    machine
        .claviger(&["refresh"])
        .await
        .failed(5, &["is sealed (503)"]);
    machine.helper().await.printed(KEY);
    let profile = &machine.status().await["profiles"][0];
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
    let machine = Machine::with_token(&bao, "secret/k", "timeout = \"2s\"").await;
    machine.helper().await.printed(KEY);
    bao.freeze();
    // What is cached is served at once.
    let (output, took) = timed(machine.helper()).await;
    output.printed(KEY);
    assert!(took < Duration::from_secs(2), "{took:?}");

    machine.claviger(&["logout"]).await;
    let (output, took) = timed(machine.helper_with(&["--timeout-ms", "1000"], &[])).await;
    output.failed(5, &["has not answered yet"]);
    assert!(took < Duration::from_secs(2), "{took:?}");
    // The one that gave up first has cancelled nothing: this one hears how it ended.
    machine
        .helper()
        .await
        .failed(5, &["did not answer within 2s", "next try in"]);
    bao.thaw();
    until("it is tried again", SOON, async || {
        machine.helper().await.code == Some(0)
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
    let machine = Machine::with_approle(&bao, "secret/k", json!({})).await;
    machine.helper().await.printed(KEY);
    bao.kill();
    let refused = format!("'{}' refused the connection", bao.host());
    machine
        .claviger(&["refresh"])
        .await
        .failed(5, &[&refused, "next try in", "hint: check the network"]);
    machine.helper().await.printed(KEY);
    bao.restart().await;
    // The token from before is good yet.
    machine.claviger(&["refresh"]).await.succeeded();
    machine.helper().await.printed(KEY);
    assert_eq!(bao.asked("update", "auth/approle/login"), 1);
}

#[tokio::test]
async fn never_there() {
    let mut bao = bao().await;
    let machine = Machine::with_token(&bao, "secret/k", "").await;
    bao.kill();
    let refused = format!("'{}' refused the connection; next try in 1 s", bao.host());
    machine.helper().await.failed(5, &[&refused]);
    assert_eq!(
        machine.status().await["profiles"][0]["state"],
        "unreachable"
    );
}

#[tokio::test]
async fn too_many_requests() {
    for with_headers in [true, false] {
        let bao = bao().await;
        let machine = Machine::with_token(&bao, "secret/k", "").await;
        machine.helper().await.printed(KEY);
        bao.quota("secret/", 1.0, "60s", with_headers).await;
        machine.claviger(&["refresh"]).await.succeeded();
        let refused = machine.claviger(&["refresh"]).await;
        refused.failed(5, &["has no answer for now", "(429); next try in "]);
        let (_, after) = refused.stderr.split_once("next try in ").unwrap();
        let seconds: u64 = after.split(' ').next().unwrap().parse().unwrap();
        if with_headers {
            assert!((10..=66).contains(&seconds), "{seconds}");
        } else {
            assert_eq!(seconds, 1);
        }
        machine.helper().await.printed(KEY);
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
    let machine = Machine::new();
    machine.secret(KEY);
    let secret_id = machine.secret_file("secret-id", &role.secret_id);
    let auth = approle(&role.role_id, &secret_id);
    machine.config(&vault(&bao.unix_url(), "secret/k", "", &auth));
    machine.helper().await.printed(KEY);
    assert_eq!(bao.requests().len(), 2);
}

/// An agent that adds its own token, on TCP and on a unix socket.
#[tokio::test]
async fn an_agent() {
    let bao = bao().await;
    let role = bao.approle(json!({})).await;
    let agent = Agent::start(&bao, &role).await;
    for address in [agent.url(), agent.unix_url()] {
        let machine = Machine::new();
        machine.secret(KEY);
        let config = vault(&address, "secret/k", "", "");
        machine.config(&config.replace("auth = {  }", ""));
        machine.helper().await.printed(KEY);
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
        let machine = Machine::with_token(&bao, "secret/k", "").await;
        let config = std::fs::read_to_string(machine.config_file()).unwrap();
        machine.raw_config(&config.replace(&bao.url(), &first.url()));
        let output = machine.helper().await;
        output.failed(5, &[&format!("'{}'", first.host()), "next try in"]);
        let token = std::fs::read_to_string(machine.path("secrets/token")).unwrap();
        assert!(first.requests()[0].contains(&token), "it was sent a token");
    }
    assert_eq!(other.connections(), 0, "{:?}", other.requests());
}

#[tokio::test]
async fn another_programs_page() {
    let bao = bao().await;
    let page = "<html>Please sign in to the guest network</html>";
    let portal = Upstream::start(respond("200 OK", "text/html", &[], page)).await;
    let machine = Machine::with_token(&bao, "secret/k", "").await;
    let config = std::fs::read_to_string(machine.config_file()).unwrap();
    machine.raw_config(&config.replace(&bao.url(), &portal.url()));
    let output = machine.helper().await;
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
    let machine = Machine::with_token(&bao, "secret/k", "").await;
    let config = std::fs::read_to_string(machine.config_file()).unwrap();
    machine.raw_config(&config.replace(&bao.url(), &upstream.url()));
    machine.helper().await.failed(5, &["broke off"]);
}

/// A port that takes connections and says nothing, as behind a firewall.
#[tokio::test]
async fn silent() {
    let upstream = Upstream::start(Answer::Silence).await;
    let machine = Machine::new();
    let token = machine.secret_file("token", "s.0123456789abcdef");
    let auth = format!("method = \"token\", token_file = \"{token}\"");
    let config = vault(&upstream.url(), "secret/k", "timeout = \"1s\"", &auth);
    machine.config(&config);
    machine
        .helper()
        .await
        .failed(5, &["did not answer within 1s"]);
    assert_eq!(upstream.connections(), 1);
}
