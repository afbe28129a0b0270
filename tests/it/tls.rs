//! Which certificates the daemon trusts.

use serde_json::json;

use crate::support::{
    Bao, KEY, TestEnv,
    bao::BaoOptions,
    tls::Ca,
    vault_config::{token_auth, vault_config},
};

/// A machine with a key in `bao`, reached by TLS; `ca` is the source's `ca_file`.
async fn env(bao: &Bao, ca: Option<&Ca>) -> TestEnv {
    bao.put("k", json!({"api_key": KEY})).await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let token = env.write_secret_file("token", &bao.create_token(json!({})).await);
    let auth = token_auth(&token);
    let ca = ca.map_or(String::new(), |ca| {
        format!("ca_file = \"{}\"", env.write_file("ca.pem", &ca.pem))
    });
    env.write_config(&vault_config(&bao.tls_url(), "secret/k", &ca, &auth));
    env
}

#[tokio::test]
async fn a_certificate_of_the_configured_ca_is_trusted() {
    let ca = Ca::new("corp");
    let bao = Bao::start_with_tls(&ca).await;
    let env = env(&bao, Some(&ca)).await;
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_certificate_of_another_ca_is_not_trusted() {
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
async fn without_ca_file_a_private_ca_is_not_trusted() {
    let bao = Bao::start_with_tls(&Ca::new("corp")).await;
    let env = env(&bao, None).await;
    env.helper().await.failed(5, &["signed by an untrusted CA"]);
    assert_eq!(bao.requests(), []);
}

#[tokio::test]
async fn a_certificate_of_another_host_is_not_trusted() {
    let ca = Ca::new("corp");
    let bao = Bao::start_with(BaoOptions {
        tls: Some(ca.server(&["vault.example.com"])),
        ..BaoOptions::default()
    })
    .await;
    let env = env(&bao, Some(&ca)).await;
    env.helper()
        .await
        .failed(5, &["its certificate is for another host name"]);
    assert_eq!(bao.requests(), []);
}

#[tokio::test]
async fn an_invalid_or_missing_ca_file_is_a_configuration_error() {
    let ca = Ca::new("corp");
    let bao = Bao::start_with_tls(&ca).await;
    let env = env(&bao, Some(&ca)).await;
    let file = env.write_file("ca.pem", "no certificate");
    env.helper().await.failed(2, &["ca.pem"]);
    std::fs::remove_file(file).unwrap();
    env.claviger(&["refresh"]).await.failed(2, &["ca.pem"]);
    env.write_file("ca.pem", &ca.pem);
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn what_is_usable_in_a_bundle_is_trusted_and_the_rest_named() {
    let ca = Ca::new("corp");
    let bao = Bao::start_with_tls(&ca).await;
    let env = env(&bao, Some(&ca)).await;
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let comment = "# a comment\n".repeat(20_000);
    let pem = ca.pem.replace('\n', "\r\n");
    env.write_file(
        "ca.pem",
        &format!("\u{feff}{broken}{comment}\u{feff}{pem}the end"),
    );
    env.helper().await.printed(KEY);
    let log = env.log();
    assert!(
        log.contains("entry=1") && log.contains("it is not a valid certificate"),
        "{log}"
    );

    env.write_file("ca.pem", broken);
    env.claviger(&["stop"]).await;
    env.helper().await.failed(
        2,
        &["contains no usable certificate (entry 1: it is not a valid certificate)"],
    );
}
