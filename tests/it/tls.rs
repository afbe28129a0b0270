//! Which certificates the daemon trusts.

use claviger::demo::gateway::TestGateway;
use serde_json::{Value, json};

use crate::support::{
    Bao, KEY, TestEnv,
    answers::secret,
    bao::BaoOptions,
    key_fixture::advises,
    poll::SOON,
    tls::Ca,
    tls_front::TlsFront,
    until,
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

/// A machine with a fixed key and this gateway.
fn env_of_gateway(url: &str) -> TestEnv {
    let env = TestEnv::with_fixed_key();
    let table = format!("[profile.default]\ngateway = \"{url}\"\n");
    env.edit_config(|config| config.replace("[profile.default]\n", &table));
    env
}

/// Runs the helper, which must print the key, and waits until the gateway was probed with this
/// result; returns the profile.
async fn until_probed(env: &TestEnv, result: &str) -> Value {
    env.helper().await.printed(KEY);
    let mut profile = Value::Null;
    until(&format!("probed: {result}"), SOON, async || {
        profile = env.status().await["profiles"][0].take();
        profile["last_probe"]["result"] == result
    })
    .await;
    // It counts as soon as it can be of use.
    env.helper().await.printed(KEY);
    profile
}

fn port(gateway: &TestGateway) -> u16 {
    let url = gateway.url();
    url.rsplit(':').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_gateway_behind_a_private_ca_costs_no_key_and_ca_file_is_named() {
    let ca = Ca::new("corp");
    let gateway = TestGateway::start([secret(KEY)]).await.unwrap();
    let front = TlsFront::start(&ca.server(&["127.0.0.1"]), None, port(&gateway)).await;
    let env = env_of_gateway(&format!("https://127.0.0.1:{}", front.port()));
    let profile = until_probed(&env, "inconclusive").await;
    let reason = profile["last_probe"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("failed the TLS handshake") && reason.contains("untrusted CA"),
        "{reason}"
    );
    assert!(advises(&profile, "ca_file"), "{profile}");
    assert_eq!(gateway.requests(), []);

    let ca_file = env.write_file("ca.pem", &ca.pem);
    env.edit_config(|config| {
        let table = "[profile.default]\n";
        config.replace(table, &format!("{table}ca_file = \"{ca_file}\"\n"))
    });
    let profile = until_probed(&env, "accepted").await;
    assert_eq!(profile["advice"], json!([]), "{profile}");
}

#[tokio::test]
async fn other_problems_of_a_gateways_tls_are_named_and_cost_no_key() {
    let ca = Ca::new("corp");
    let gateway = TestGateway::start([secret(KEY)]).await.unwrap();
    let other = TlsFront::start(&ca.server(&["gw.example.com"]), None, port(&gateway)).await;
    let client = ca.server(&["127.0.0.1"]);
    let mutual = TlsFront::start(&client, Some(&ca), port(&gateway)).await;
    for (port, reason, remedy) in [
        (other.port(), "its certificate is for another host name", ""),
        (mutual.port(), "certificate", "'cert_file' and 'key_file'"),
        (port(&gateway), "TLS", ""),
    ] {
        let env = env_of_gateway(&format!("https://127.0.0.1:{port}"));
        let ca_file = env.write_file("ca.pem", &ca.pem);
        env.edit_config(|config| {
            let table = "[profile.default]\n";
            config.replace(table, &format!("{table}ca_file = \"{ca_file}\"\n"))
        });
        let profile = until_probed(&env, "inconclusive").await;
        println!("{}: {}", profile["last_probe"], profile["advice"]);
        let found = profile["last_probe"]["reason"].as_str().unwrap();
        assert!(found.contains(reason), "{reason}: {profile}");
        assert!(advises(&profile, "the probe proves nothing"), "{profile}");
        assert!(advises(&profile, remedy), "{remedy}: {profile}");
    }
    assert_eq!(gateway.requests(), []);
}
