//! Whom the daemon trusts.

use serde_json::json;

use crate::support::{Bao, KEY, Machine, bao::Options, machine::vault, tls::Ca};

async fn machine(bao: &Bao, ca: Option<&Ca>) -> Machine {
    bao.put("k", json!({"api_key": KEY})).await;
    let machine = Machine::new();
    machine.secret(KEY);
    let token = machine.secret_file("token", &bao.token(json!({})).await);
    let auth = format!("method = \"token\", token_file = \"{token}\"");
    let ca = ca.map_or(String::new(), |ca| {
        format!("ca_file = \"{}\"", machine.file("ca.pem", &ca.pem))
    });
    machine.config(&vault(&bao.tls_url(), "secret/k", &ca, &auth));
    machine
}

#[tokio::test]
async fn its_own_ca() {
    let ca = Ca::new("corp");
    let bao = Bao::start_with_tls(&ca).await;
    let machine = machine(&bao, Some(&ca)).await;
    machine.helper().await.printed(KEY);
}

#[tokio::test]
async fn another_ca() {
    let bao = Bao::start_with_tls(&Ca::new("corp")).await;
    let machine = machine(&bao, Some(&Ca::new("corp"))).await;
    machine
        .helper()
        .await
        .failed(5, &["cannot be trusted", "next try in"]);
    assert_eq!(bao.requests(), []);
}

#[tokio::test]
async fn the_systems_ca() {
    let bao = Bao::start_with_tls(&Ca::new("corp")).await;
    let machine = machine(&bao, None).await;
    machine.helper().await.failed(5, &["cannot be trusted"]);
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
    let machine = machine(&bao, Some(&ca)).await;
    machine.helper().await.failed(5, &["cannot be trusted"]);
    assert_eq!(bao.requests(), []);
}

#[tokio::test]
async fn a_ca_file_that_is_none() {
    let ca = Ca::new("corp");
    let bao = Bao::start_with_tls(&ca).await;
    let machine = machine(&bao, Some(&ca)).await;
    let file = machine.file("ca.pem", "no certificate");
    machine.helper().await.failed(2, &["ca.pem"]);
    std::fs::remove_file(file).unwrap();
    machine.claviger(&["refresh"]).await.failed(2, &["ca.pem"]);
    machine.file("ca.pem", &ca.pem);
    machine.claviger(&["refresh"]).await.succeeded();
    machine.helper().await.printed(KEY);
}
