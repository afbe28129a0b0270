//! Whom the daemon trusts.

use serde_json::json;

use crate::support::{Bao, KEY, TestEnv, bao::Options, test_env::vault, tls::Ca};

async fn env(bao: &Bao, ca: Option<&Ca>) -> TestEnv {
    bao.put("k", json!({"api_key": KEY})).await;
    let env = TestEnv::new();
    env.secret(KEY);
    let token = env.secret_file("token", &bao.token(json!({})).await);
    let auth = format!("method = \"token\", token_file = \"{token}\"");
    let ca = ca.map_or(String::new(), |ca| {
        format!("ca_file = \"{}\"", env.file("ca.pem", &ca.pem))
    });
    env.config(&vault(&bao.tls_url(), "secret/k", &ca, &auth));
    env
}

#[tokio::test]
async fn its_own_ca() {
    let ca = Ca::new("corp");
    let bao = Bao::start_with_tls(&ca).await;
    let env = env(&bao, Some(&ca)).await;
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn another_ca() {
    let bao = Bao::start_with_tls(&Ca::new("corp")).await;
    let env = env(&bao, Some(&Ca::new("corp"))).await;
    env.helper().await.failed(
        5,
        &[
            "signed by an untrusted CA; next try in",
            "hint: set 'ca_file'",
        ],
    );
    assert_eq!(bao.requests(), []);
}

#[tokio::test]
async fn the_systems_ca() {
    let bao = Bao::start_with_tls(&Ca::new("corp")).await;
    let env = env(&bao, None).await;
    env.helper().await.failed(5, &["signed by an untrusted CA"]);
    assert_eq!(bao.requests(), []);
}

#[tokio::test]
async fn another_hosts_certificate() {
    let ca = Ca::new("corp");
    let bao = Bao::start_with(Options {
        tls: Some(ca.server(&["vault.example.com"])),
        ..Options::default()
    })
    .await;
    let env = env(&bao, Some(&ca)).await;
    env.helper()
        .await
        .failed(5, &["its certificate is for another host name"]);
    assert_eq!(bao.requests(), []);
}

#[tokio::test]
async fn a_ca_file_that_is_none() {
    let ca = Ca::new("corp");
    let bao = Bao::start_with_tls(&ca).await;
    let env = env(&bao, Some(&ca)).await;
    let file = env.file("ca.pem", "no certificate");
    env.helper().await.failed(2, &["ca.pem"]);
    std::fs::remove_file(file).unwrap();
    env.claviger(&["refresh"]).await.failed(2, &["ca.pem"]);
    env.file("ca.pem", &ca.pem);
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
}
