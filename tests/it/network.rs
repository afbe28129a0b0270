//! How Vault is reached: proxies, trusted CAs, redirects, path prefixes. The host `vault.test` is
//! known to the proxies alone, so that no request for it can have gone another way.

use serde_json::json;

use crate::support::{
    Bao, KEY, TestEnv, Upstream,
    bao::BaoOptions,
    proxy::{ProxyReply, ProxyServer},
    tls::Ca,
    tls_front::TlsFront,
    tools::free_port,
    upstream::{redirect_to, respond},
    vault_config::{token_auth, vault_config},
};

const NAME: &str = "vault.test";

/// A documentation address (RFC 5737), which only a proxy can connect to.
const ADDRESS: &str = "192.0.2.1";

/// A Vault with TLS, and its CA.
async fn vault() -> (Bao, Ca) {
    let ca = Ca::new("corp");
    let bao = Bao::start_with(BaoOptions {
        tls: Some(ca.server(&[NAME, ADDRESS, "127.0.0.1"])),
        ..BaoOptions::default()
    })
    .await;
    bao.put("k", json!({"api_key": KEY})).await;
    (bao, ca)
}

/// A machine with a key in `bao` at `address`; `network` is the content of that table, `more` are
/// further lines of the source's.
async fn env(bao: &Bao, ca: &Ca, address: &str, network: &str, more: &str) -> TestEnv {
    let env = TestEnv::new();
    env.add_secret(KEY);
    let token = env.write_secret_file("token", &bao.create_token(json!({})).await);
    let ca = env.write_file("ca.pem", &ca.pem);
    let source = vault_config(address, "secret/k", more, &token_auth(&token));
    env.write_config(&format!(
        "[network]\nca_file = \"{ca}\"\n{network}\n{source}"
    ));
    env
}

#[tokio::test]
async fn vault_is_reached_through_each_kind_of_proxy() {
    let (bao, ca) = vault().await;
    let http = ProxyServer::start(ProxyReply::Forward).await;
    let front = TlsFront::start(&ca.server(&["localhost"]), None, http.port()).await;
    let socks = ProxyServer::start_socks().await;
    let https = format!("https://localhost:{}", front.port());
    for (proxy, host, server, of) in [
        (format!("http://{}", http.host()), NAME, &http, "CONNECT "),
        (https, NAME, &http, "CONNECT "),
        (format!("socks5h://{}", socks.host()), NAME, &socks, ""),
        (format!("socks5://{}", socks.host()), ADDRESS, &socks, ""),
    ] {
        let before = server.requests().len();
        let network = format!("proxy = \"{proxy}\"");
        let env = env(&bao, &ca, &bao.tls_url_of(host), &network, "").await;
        env.helper().await.printed(KEY);
        let requests = server.requests().split_off(before);
        assert!(!requests.is_empty(), "{proxy}");
        for request in requests {
            assert!(request.starts_with(&format!("{of}{host}:")), "{request}");
            assert!(
                !request.to_lowercase().contains("x-vault-token"),
                "{request}"
            );
        }
    }
}

#[tokio::test]
async fn plain_http_goes_through_a_proxy_too() {
    let (bao, ca) = vault().await;
    let proxy = ProxyServer::start(ProxyReply::Forward).await;
    let network = format!("proxy = \"http://{}\"", proxy.host());
    let env = env(&bao, &ca, &bao.url_of(NAME), &network, "plain_http = true").await;
    env.helper().await.printed(KEY);
    assert!(proxy.requests()[0].starts_with("GET http://vault.test:"));
}

#[tokio::test]
async fn the_nearest_settings_win() {
    let (bao, ca) = vault().await;
    let far = ProxyServer::start(ProxyReply::Refuse("502 Bad Gateway")).await;
    let near = ProxyServer::start(ProxyReply::Forward).await;
    let network = format!("proxy = \"http://{}\"", far.host());
    let url = bao.tls_url_of(NAME);
    let more = format!("proxy = \"http://{}\"", near.host());
    env(&bao, &ca, &url, &network, &more)
        .await
        .helper()
        .await
        .printed(KEY);
    for (outer, inner) in [
        ("", "proxy = \"off\""),
        ("", "no_proxy = \"other.test, .test\""),
        ("no_proxy = [\"vault.test\"]", ""),
    ] {
        let env = env(&bao, &ca, &url, &format!("{network}\n{outer}"), inner).await;
        let output = env.helper().await;
        output.failed(5, &["cannot be resolved (DNS lookup failed)"]);
    }
    assert_eq!(far.requests(), [""; 0]);
}

#[tokio::test]
async fn a_proxy_at_fault_is_named_as_the_proxy() {
    let (bao, ca) = vault().await;
    let refuse = |status| ProxyServer::start(ProxyReply::Refuse(status));
    let (auth, gone) = (
        refuse("407 Proxy Authentication Required").await,
        refuse("502 Bad Gateway").await,
    );
    let silent = ProxyServer::start(ProxyReply::Silence).await;
    let other = Ca::new("other").server(&["localhost"]);
    let front = TlsFront::start(&other, None, auth.port()).await;
    let (auth, gone, silent) = (auth.host(), gone.host(), silent.host());
    let dead = format!("127.0.0.1:{}", free_port());
    let untrusted = format!("localhost:{}", front.port());
    let tls = bao.tls_url_of(NAME);
    let plain = bao.url_of(NAME);
    // A server of plain HTTP.
    let vault_host = bao.host();
    for (scheme, proxy, address, expected) in [
        ("http", &*dead, &tls, "refused the connection"),
        ("http", &dead, &plain, "refused the connection"),
        ("socks5h", &dead, &tls, "refused the connection"),
        ("http", "proxy.invalid:1", &tls, "cannot be resolved"),
        ("http", "proxy.invalid:1", &plain, "cannot be resolved"),
        ("socks5h", "proxy.invalid:1", &tls, "cannot be resolved"),
        ("http", &auth, &tls, "demands authorization (407)"),
        ("http", &auth, &plain, "demands authorization (407)"),
        ("http", &gone, &tls, "did not connect to it"),
        ("http", &gone, &plain, "answered 502 in its place"),
        ("http", &silent, &tls, "brought no response within 1s"),
        ("http", &silent, &plain, "brought no response within 1s"),
        (
            "https",
            &untrusted,
            &tls,
            "failed the TLS handshake: its certificate is signed by an untrusted CA",
        ),
        (
            "https",
            &untrusted,
            &plain,
            "failed the TLS handshake: its certificate is signed by an untrusted CA",
        ),
        (
            "https",
            &vault_host,
            &tls,
            "failed the TLS handshake: it does not speak TLS",
        ),
        ("socks5h", &gone, &tls, "the proxy '"),
    ] {
        let network = format!("proxy = \"{scheme}://{proxy}\"");
        let more = "plain_http = true\ntimeout = \"1s\"";
        let env = env(&bao, &ca, address, &network, more).await;
        let output = env.helper().await;
        let named = format!("cannot be reached: the proxy '{proxy}' ");
        output.failed(5, &[&named, expected, "\nhint: "]);
        assert!(!output.stderr.contains("network"), "{output:?}");
    }
}

/// What the client that starts the daemon, or the service that does, has in its environment.
#[tokio::test]
async fn the_environment_of_the_daemon_decides_nothing() {
    let (bao, ca) = vault().await;
    let proxy = ProxyServer::start(ProxyReply::Forward).await;
    for (address, more, expected) in [
        (bao.tls_url(), "", "is signed by an untrusted CA"),
        (bao.tls_url_of(NAME), "", "cannot be resolved"),
        (bao.url_of(NAME), "plain_http = true", "cannot be resolved"),
    ] {
        let env = env(&bao, &ca, &address, "", more).await;
        env.edit_config(|config| config.replace("ca_file", "# "));
        let url = format!("http://{}", proxy.host());
        for name in [
            "HTTPS_PROXY",
            "https_proxy",
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            env.set_variable(name, &url);
        }
        let directory = env.path("secrets");
        env.set_variable("SSL_CERT_FILE", directory.join("ca.pem").to_str().unwrap());
        env.set_variable("SSL_CERT_DIR", directory.to_str().unwrap());
        let _daemon = env.spawn_daemon();
        env.helper().await.failed(5, &[expected]);
    }
    assert_eq!(proxy.requests(), [""; 0]);
}

#[tokio::test]
async fn the_clients_variables_name_the_proxy_if_the_configuration_says_so() {
    let (bao, ca) = vault().await;
    let proxy = ProxyServer::start(ProxyReply::Forward).await;
    let network = "proxy = \"environment\"";
    let env = env(&bao, &ca, &bao.tls_url_of(NAME), network, "").await;
    env.set_variable("HTTPS_PROXY", &format!("http://{}", proxy.host()));
    env.helper().await.printed(KEY);
    assert!(!proxy.requests().is_empty());
}

#[tokio::test]
async fn plain_http_to_another_host_is_a_configuration_error() {
    let (bao, ca) = vault().await;
    let env = env(&bao, &ca, &bao.url_of(NAME), "", "").await;
    let problem = "'address' in [source.vault]: plain 'http' to another host";
    env.helper()
        .await
        .failed(2, &[problem, "'plain_http = true'", "config.toml:"]);
    env.claviger(&["config", "check"])
        .await
        .failed(2, &[problem]);
}

#[tokio::test]
async fn a_vault_below_a_path_is_reached() {
    let body =
        json!({"data": {"data": {"api_key": KEY}, "metadata": {"version": 1, "destroyed": false}}});
    let reply = respond("200 OK", "application/json", &[], &body.to_string());
    let upstream = Upstream::start(reply).await;
    let env = TestEnv::new();
    env.add_secret(KEY);
    let address = format!("{}/behind/proxy", upstream.url());
    let config = vault_config(&address, "secret/k", "", "");
    env.write_config(&config.replace("auth = {  }", ""));
    env.helper().await.printed(KEY);
    assert!(
        upstream.requests()[0].starts_with("GET /behind/proxy/v1/secret/data/k "),
        "{:?}",
        upstream.requests()
    );
}

#[tokio::test]
async fn a_standby_redirects_to_a_listed_host_with_the_token() {
    let bao = Bao::start_with_key("k", KEY).await;
    for (status, hosts, code) in [
        ("307 Temporary Redirect", format!("\"{}\"", bao.host()), 0),
        (
            "307 Temporary Redirect",
            "\"other.test\", \"127.0.0.1\"".to_owned(),
            0,
        ),
        (
            "307 Temporary Redirect",
            "\"127.0.0.1:1\", \"*.test\"".to_owned(),
            5,
        ),
        ("302 Found", format!("\"{}\"", bao.host()), 5),
    ] {
        let standby = Upstream::start(redirect_to(status, bao.url())).await;
        let more = format!("redirect_hosts = [{hosts}]");
        let env = TestEnv::with_token(&bao, "secret/k", "").await;
        env.edit_config(|config| {
            let config = config.replace(&bao.url(), &standby.url());
            config.replace("field = ", &format!("{more}\nfield = "))
        });
        let requests = bao.requests().len();
        let output = env.helper().await;
        match code {
            0 => output.printed(KEY),
            _ => {
                let redirects =
                    format!("'{}' redirects to '{}', which", standby.host(), bao.host());
                output.failed(code, &[&redirects, "hint: if '"]);
                assert_eq!(bao.requests().len(), requests, "{status} {hosts}");
            }
        }
    }
}

/// The listener of an agent on this machine.
#[tokio::test]
async fn a_socket_in_a_directory_that_others_can_write_is_not_used() {
    let bao = Bao::start_with(BaoOptions {
        unix: true,
        ..BaoOptions::default()
    })
    .await;
    bao.put("k", json!({"api_key": KEY})).await;
    let ca = Ca::new("corp");
    let env = env(&bao, &ca, &bao.unix_url(), "", "").await;
    let directory = bao
        .unix_url()
        .replace("unix://", "")
        .replace("/bao.sock", "");
    crate::support::test_env::set_mode(directory.as_ref(), 0o777);
    env.helper().await.failed(
        2,
        &[
            "Vault's socket cannot be trusted",
            "is writable by others (mode 0777)",
        ],
    );
    crate::support::test_env::set_mode(directory.as_ref(), 0o700);
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
}
