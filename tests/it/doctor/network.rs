//! How servers are reached.

use serde_json::{Value, json};

use super::family::{assert_found, found, serious};
use crate::support::{
    Bao, KEY, TestEnv, Upstream,
    bao::BaoOptions,
    proxy::{ProxyReply, ProxyServer},
    tls::{Ca, IssuedCertificate},
    tools::free_port,
    upstream::{redirect_to, respond},
    vault_config::{token_auth, vault_config},
};

/// A machine with a Vault at `address`; `more` are further lines of the source's table.
fn env(address: &str, more: &str) -> TestEnv {
    let env = TestEnv::new();
    let token = env.write_secret_file("token", "a-canary-token");
    env.write_config(&vault_config(
        address,
        "secret/k",
        more,
        &token_auth(&token),
    ));
    env
}

async fn of(address: &str, more: &str) -> Vec<Value> {
    found(&env(address, more), "network").await
}

/// A Vault with this certificate.
async fn vault(certificate: IssuedCertificate) -> Bao {
    let options = BaoOptions {
        tls: Some(certificate),
        ..BaoOptions::default()
    };
    Bao::start_with(options).await
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_named_with_the_resolvers_answer() {
    let findings = of("https://vault.invalid:8200", "").await;
    let parts = ["'vault.invalid:8200'", "resolver about 'vault.invalid'"];
    assert_found(&findings, "network.dns", &parts);
}

#[tokio::test]
async fn a_port_without_a_server_refuses_and_a_silent_one_times_out() {
    let address = format!("http://127.0.0.1:{}", free_port());
    let findings = of(&address, "").await;
    assert_found(&findings, "network.refused", &["127.0.0.1: "]);
    let silent = ProxyServer::start(ProxyReply::Silence).await;
    let findings = of(&format!("http://{}", silent.host()), "").await;
    assert_found(&findings, "network.timeout", &["accepts connections"]);
}

#[tokio::test]
async fn a_proxy_at_fault_is_told_from_the_server() {
    let refuse = |status| ProxyServer::start(ProxyReply::Refuse(status));
    let locked = refuse("407 Proxy Authentication Required").await;
    let blocking = refuse("403 Forbidden").await;
    let gone = format!("127.0.0.1:{}", free_port());
    for (proxy, id) in [
        (locked.host(), "network.proxy-authorization"),
        (blocking.host(), "network.proxy-refused"),
        (gone, "network.proxy-unreachable"),
    ] {
        let more = format!("proxy = \"http://{proxy}\"");
        let findings = of("https://vault.test", &more).await;
        assert_found(&findings, id, &[&proxy, "from the configuration"]);
        let note = findings.iter().find(|found| found["severity"] == "note");
        assert_eq!(note.unwrap()["id"], "network.proxy-in-use");
    }
}

#[tokio::test]
async fn a_ca_that_is_not_trusted_is_named() {
    let corp = Ca::new("Canary Corp Root");
    let bao = vault(corp.server(&["127.0.0.1"])).await;
    let findings = of(&bao.tls_url(), "").await;
    let parts = [
        "CN=Canary Corp Root",
        "the system does not trust",
        "'ca_file'",
    ];
    assert_found(&findings, "network.untrusted-ca", &parts);

    let env = env(&bao.tls_url(), "");
    let file = env.write_file("ca.pem", &Ca::new("another").pem);
    let line = format!("field = \"api_key\"\nca_file = \"{file}\"");
    env.edit_config(|config| config.replace("field = \"api_key\"", &line));
    let findings = found(&env, "network").await;
    let parts = ["CN=Canary Corp Root", &file, "does not contain"];
    assert_found(&findings, "network.untrusted-ca", &parts);

    env.write_file("ca.pem", &corp.pem);
    assert_eq!(found(&env, "network").await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_product_that_inspects_tls_is_named_also_if_it_is_trusted() {
    let inspector = Ca::new("Zscaler Root CA");
    let bao = vault(inspector.server(&["127.0.0.1"])).await;
    let findings = of(&bao.tls_url(), "").await;
    assert_found(
        &findings,
        "network.tls-inspection",
        &["CN=Zscaler Root CA", "exempt"],
    );

    let env = env(&bao.tls_url(), "");
    let file = env.write_file("ca.pem", &inspector.pem);
    let line = format!("field = \"api_key\"\nca_file = \"{file}\"");
    env.edit_config(|config| config.replace("field = \"api_key\"", &line));
    let findings = found(&env, "network").await;
    assert_eq!(serious(&findings), [""; 0]);
    assert_eq!(findings[0]["id"], "network.tls-inspection");
}

#[tokio::test]
async fn a_certificate_out_of_its_time_or_for_another_host_is_shown() {
    let ca = Ca::new("corp");
    let here = ["127.0.0.1"];
    for (certificate, id, part) in [
        (
            ca.server_valid(&here, (2020, 1, 1), (2021, 2, 3)),
            "network.certificate-expired",
            "2021-02-03T00:00:00Z",
        ),
        (
            ca.server_valid(&here, (2090, 1, 2), (2091, 1, 1)),
            "network.certificate-not-yet-valid",
            "2090-01-02T00:00:00Z",
        ),
        (
            ca.server(&["vault.corp.test"]),
            "network.certificate-host",
            "'vault.corp.test'",
        ),
    ] {
        let bao = vault(certificate).await;
        let env = env(&bao.tls_url(), "");
        let file = env.write_file("ca.pem", &ca.pem);
        let line = format!("field = \"api_key\"\nca_file = \"{file}\"");
        env.edit_config(|config| config.replace("field = \"api_key\"", &line));
        assert_found(&found(&env, "network").await, id, &[part]);
    }
}

#[tokio::test]
async fn a_page_or_another_host_in_place_of_vault_is_a_portal() {
    let page = Upstream::start(respond("200 OK", "text/html", &[], "<html>Sign in")).await;
    let findings = of(&page.url(), "").await;
    assert_found(&findings, "network.captive-portal", &["a web page"]);
    let portal = redirect_to("302 Found", "http://login.hotel.test".to_owned());
    let portal = Upstream::start(portal).await;
    let findings = of(&portal.url(), "").await;
    assert_found(
        &findings,
        "network.captive-portal",
        &["'http://login.hotel.test'"],
    );
}

#[tokio::test]
async fn a_clock_that_differs_from_the_servers_is_reported() {
    let date = [("date", "Sun, 06 Nov 1994 08:49:37 GMT")];
    let past = Upstream::start(respond("200 OK", "application/json", &date, "{}")).await;
    let findings = of(&past.url(), "").await;
    assert_found(
        &findings,
        "network.clock-skew",
        &["ahead", &past.host(), "NTP"],
    );
}

#[tokio::test]
async fn a_client_certificate_is_reported_before_a_login_fails_with_it() {
    let ca = Ca::new("corp");
    let bao = Bao::start_with_tls(&ca).await;
    let env = TestEnv::new();
    let expired = ca.server_valid(&[], (2020, 1, 1), (2021, 2, 3));
    let (cert, key) = (
        env.write_file("client.pem", &expired.cert),
        env.write_secret_file("client.key", &expired.key),
    );
    let file = env.write_file("ca.pem", &ca.pem);
    let auth = format!("method = \"cert\", cert_file = \"{cert}\", key_file = \"{key}\"");
    let more = format!("ca_file = \"{file}\"");
    env.write_config(&vault_config(&bao.tls_url(), "secret/k", &more, &auth));
    let findings = found(&env, "network").await;
    let parts = ["2021-02-03T00:00:00Z", &cert];
    assert_found(&findings, "network.client-certificate-invalid", &parts);
}

#[tokio::test]
async fn a_vault_that_is_reached_has_no_finding() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_token(&bao, "secret/k", "").await;
    assert_eq!(found(&env, "network").await, [] as [Value; 0]);
    bao.put("other", json!({})).await;
    bao.seal().await;
    assert_eq!(found(&env, "network").await, [] as [Value; 0], "sealed");
}
