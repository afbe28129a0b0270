//! Servers and proxies that repeat what was sent to them. `TestEnv` searches all output, the log
//! and `status` for the secrets as they are; these tests also for their encodings.

use std::sync::Arc;

use serde_json::json;

use crate::support::{
    Bao, TestEnv, Upstream,
    proxy::{ProxyReply, ProxyServer},
    upstream::UpstreamReply,
    vault_config::{approle_auth, token_auth, vault_config},
};

const TOKEN: &str = "hvs.CAESIJcanary+token/4f=";

/// The token as URL encoding, base64 (`printf %s "$TOKEN" | base64`) and JSON escapes.
const ENCODED: [&str; 4] = [
    "hvs.CAESIJcanary%2Btoken%2F4f%3D",
    "aHZzLkNBRVNJSmNhbmFyeSt0b2tlbi80Zj0=",
    r"hvs.CAESIJcanary+token\/4f=",
    "6876732e43414553494a63616e6172792b746f6b656e2f34663d",
];

/// A machine whose Vault at `address` gets [`TOKEN`].
fn env(address: &str, network: &str) -> TestEnv {
    let env = TestEnv::new();
    let token = env.write_secret_file("token", TOKEN);
    let config = vault_config(
        address,
        "secret/k",
        "plain_http = true",
        &token_auth(&token),
    );
    env.write_config(&format!("[network]\n{network}\n{config}"));
    env
}

/// Runs everything that reports an error; returns all output and the log.
async fn outputs(env: &TestEnv) -> String {
    let helper = env.helper().await;
    assert_ne!(helper.code, Some(0), "{helper:?}");
    let mut all = helper.stderr;
    for args in [
        &["refresh"][..],
        &["status"],
        &["status", "--json"],
        &["logout"],
    ] {
        let output = env.claviger(args).await;
        all.push_str(&output.stdout);
        all.push_str(&output.stderr);
    }
    all.push_str(&env.log());
    all
}

fn assert_clean(output: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!output.contains(secret), "{secret:?} is in {output}");
    }
}

/// Answers every request with this status and a Vault error that `reason` makes of the request.
fn echo(
    status: &'static str,
    reason: impl Fn(&str) -> String + Send + Sync + 'static,
) -> UpstreamReply {
    UpstreamReply::Answer(Arc::new(move |request| {
        let body = json!({"errors": [reason(request)]}).to_string();
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        )
    }))
}

#[tokio::test]
async fn a_vault_that_repeats_the_token_does_not_bring_it_into_a_message() {
    for status in [
        "400 Bad Request",
        "403 Forbidden",
        "404 Not Found",
        "405 No",
        "429 Slow",
        "500 Oops",
        "502 Bad",
        "503 No",
    ] {
        let vault = Upstream::start(echo(status, |request| request.to_owned())).await;
        let output = outputs(&env(&vault.url(), "")).await;
        assert!(vault.requests()[0].contains(TOKEN));
        assert!(
            output.contains("(omitted: the text contains a secret)"),
            "{status}: {output}"
        );
        assert_clean(&output, &[TOKEN]);
    }
    for encoded in ENCODED {
        let vault = Upstream::start(echo("403 Forbidden", move |_| {
            format!("bad token: {encoded}")
        }))
        .await;
        let output = outputs(&env(&vault.url(), "")).await;
        assert!(
            output.contains("(omitted: the text contains a secret)"),
            "{output}"
        );
        assert_clean(&output, &[encoded]);
    }
}

/// The read after a good login.
#[tokio::test]
async fn a_repeated_login_secret_or_token_is_not_in_a_message() {
    let bao = Bao::start().await;
    let role = bao.enable_approle(json!({})).await;
    let secret_id = role.secret_id.clone();
    let login = UpstreamReply::Answer(Arc::new(move |request: &str| {
        let (status, body) = match request.contains("/auth/approle/login ") {
            true => (
                200,
                json!({"auth": {"client_token": TOKEN, "lease_duration": 600}}),
            ),
            false => (403, json!({"errors": [format!("denied: {request}")]})),
        };
        let body = body.to_string();
        format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        )
    }));
    for reply in [login, echo("400 Bad Request", |request| request.to_owned())] {
        let vault = Upstream::start(reply).await;
        let env = TestEnv::new();
        env.add_secret(TOKEN);
        let file = env.write_secret_file("secret-id", &secret_id);
        let auth = approle_auth(&role.role_id, &file);
        env.write_config(&vault_config(&vault.url(), "secret/k", "", &auth));
        let output = outputs(&env).await;
        assert!(
            output.contains("(omitted: the text contains a secret)"),
            "{output}"
        );
        assert_clean(&output, &[TOKEN, &secret_id]);
    }
}

#[tokio::test]
async fn a_proxy_that_repeats_the_request_does_not_bring_the_token_into_a_message() {
    for status in ["403", "407", "502", "500", "404"] {
        let proxy = ProxyServer::start(ProxyReply::Echo(status)).await;
        let network = format!("proxy = \"http://{}\"", proxy.host());
        for address in ["http://vault.test:8200", "https://vault.test:8200"] {
            let output = outputs(&env(address, &network)).await;
            assert_clean(&output, &[TOKEN]);
        }
        assert!(proxy.requests()[0].contains(TOKEN), "the proxy got it");
    }
}

#[tokio::test]
async fn the_proxys_password_of_a_variable_is_in_no_message() {
    let proxy = ProxyServer::start(ProxyReply::Echo("502")).await;
    for address in ["http://vault.test:8200", "https://vault.test:8200"] {
        let env = env(address, "proxy = \"environment\"");
        env.add_secret("hunter2-hunter2");
        let url = format!("http://ana:hunter2-hunter2@{}", proxy.host());
        env.set_variable("HTTP_PROXY", &url);
        env.set_variable("HTTPS_PROXY", &url);
        let output = outputs(&env).await;
        assert!(
            output.contains(&format!("the proxy '{}' ", proxy.host())),
            "{output}"
        );
        // printf %s ana:hunter2-hunter2 | base64
        assert_clean(&output, &["hunter2-hunter2", "YW5hOmh1bnRlcjItaHVudGVyMg"]);
    }
    let authorized = |request: &String| request.contains("YW5hOmh1bnRlcjItaHVudGVyMg");
    assert!(proxy.requests().iter().all(authorized), "the proxy got it");
}

/// A redirect whose host is what was sent.
#[tokio::test]
async fn a_secret_in_a_redirect_is_not_in_a_message() {
    let vault = Upstream::start(UpstreamReply::Answer(Arc::new(|_| {
        let host = TOKEN.to_lowercase().replace(['+', '/', '='], "");
        format!("HTTP/1.1 307 X\r\nlocation: https://{host}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    })))
    .await;
    let output = outputs(&env(&vault.url(), "")).await;
    assert_clean(&output, &["hvs.caesijcanary"]);
    assert!(
        output.contains("(omitted: the text contains a secret)"),
        "{output}"
    );
}
