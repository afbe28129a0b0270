//! Servers of the repository: what reaches them.

use std::fs;

use serde_json::json;

use super::{CONFIG, OWN, PROJECT, Scene, source};
use crate::support::{
    Bao, Upstream,
    answers::{MESSAGES, answer, answers},
    bao::BaoOptions,
    namespace::User,
    proxy::{ProxyReply, ProxyServer},
    tls::Ca,
    tls_front::TlsFront,
    upstream::respond,
    vault_config::{approle_auth, vault_config},
};

const NAME: &str = "vault.test";
const SECRET_ID: &str = "/home/ana/secret-id";

/// The repository's server, which answers as Vault's login does, behind its proxy.
struct Trap {
    server: Upstream,
    proxy: ProxyServer,
    ca: Ca,
    _front: TlsFront,
}

impl Trap {
    async fn start() -> Self {
        let login = json!({"auth": {"client_token": "s.trap", "lease_duration": 3600}});
        let reply = respond("200 OK", "application/json", &[], &login.to_string());
        let server = Upstream::start(reply).await;
        let ca = Ca::new("repository");
        let port = server.url().rsplit(':').next().unwrap().parse().unwrap();
        let front = TlsFront::start(&ca.server(&[NAME]), None, port).await;
        let proxy = ProxyServer::start(ProxyReply::Detour(front.port())).await;
        Self {
            server,
            proxy,
            ca,
            _front: front,
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.proxy.host())
    }
}

fn append(scene: &Scene, path: &str, text: &str) {
    let path = scene.machine.outside(path);
    let before = fs::read_to_string(&path).unwrap_or_default();
    fs::write(path, before + text).unwrap();
}

/// Proxy and CA of the repository, with her own configuration. Result: the AppRole's secret-id goes
/// to Vault alone, and so does every key, on the usual socket and on one of the repository.
#[tokio::test]
async fn a_proxy_and_a_ca_of_the_repository_get_no_secret() {
    let corp = Ca::new("corp");
    let bao = Bao::start_with(BaoOptions {
        tls: Some(corp.server(&[NAME])),
        ..BaoOptions::default()
    })
    .await;
    bao.put("k", json!({"api_key": OWN})).await;
    let role = bao.enable_approle(json!({})).await;
    let trap = Trap::start().await;
    let auth = approle_auth(&role.role_id, SECRET_ID);
    let toml = vault_config(&bao.tls_url_of(NAME), "secret/k", "", &auth);

    let mut scene = Scene::new(&toml).await;
    scene
        .machine
        .write_program(SECRET_ID, User::Ana, 0o600, &role.secret_id);
    append(&scene, "/etc/hosts", &format!("127.0.0.1 {NAME}\n"));
    append(&scene, "/etc/ssl/certs/ca-certificates.crt", &corp.pem);
    let ca = format!("{PROJECT}/certs/ca.pem");
    scene.machine.write(&ca, User::Ana, &trap.ca.pem);
    let (proxy, certs) = (trap.url(), format!("{PROJECT}/certs"));
    let socket = format!("{PROJECT}/run/agent.sock");
    let hostile = [
        ("HTTPS_PROXY", &*proxy),
        ("https_proxy", &proxy),
        ("ALL_PROXY", &proxy),
        ("SSL_CERT_FILE", &ca),
        ("SSL_CERT_DIR", &certs),
        ("VAULT_CACERT", &ca),
        // The client's own requests, to the gateway on this machine, go straight.
        ("NO_PROXY", "127.0.0.1"),
        ("CLAVIGER_SOCKET", &socket),
    ];
    for variables in [&hostile[..7], &hostile] {
        let is_answered = scene.attack(variables).await;
        assert!(is_answered, "{}", scene.client.transcript());
        assert_eq!(answers(&scene.gateway).last(), Some(&answer(200, OWN)));
        assert_eq!(trap.server.connections(), 0, "{:?}", trap.server.requests());
        assert_eq!(trap.proxy.requests(), [""; 0]);
        scene.assert_clean_client_is_served().await;
    }
    assert!(scene.exists(&socket));

    // The trap would work if the network's settings were the repository's.
    let network =
        format!("version = 1\n[network]\nproxy = \"{proxy}\"\nca_file = \"{ca}\"\n{toml}");
    scene.machine.write(CONFIG, User::Ana, &network);
    scene.stop();
    let mut command = scene.machine.command(User::Ana, "claviger-helper", &[]);
    let caught = tokio::task::spawn_blocking(move || command.output()).await;
    assert!(!caught.unwrap().unwrap().status.success());
    assert!(trap.server.requests()[0].contains(&role.secret_id));
}

/// The probe of the gateway after a 401, by a daemon that the repository's client has started.
/// Result: it goes to the gateway and through no proxy of the repository.
#[tokio::test]
async fn the_probe_does_not_go_through_the_repositorys_proxy() {
    const PROBE: &str = "/v1/models?limit=1 ";
    let proxy = ProxyServer::start(ProxyReply::Forward).await;
    let mut scene = Scene::new(&source(OWN)).await;
    let gateway = format!("gateway = \"{}\"\nsource = ", scene.gateway.url());
    let toml = source(OWN).replacen("source = ", &gateway, 1);
    let text = format!("version = 1\n{toml}");
    scene.machine.write(CONFIG, User::Ana, &text);
    let url = format!("http://{}", proxy.host());
    let hostile = [
        ("HTTP_PROXY", &*url),
        ("http_proxy", &url),
        ("ALL_PROXY", &url),
        ("HTTPS_PROXY", &url),
    ];
    assert!(
        scene.attack(&hostile).await,
        "{}",
        scene.client.transcript()
    );
    scene.gateway.set_keys([]);
    let probes = |scene: &Scene| scene.gateway.count("/v1/models", 401);
    let before = probes(&scene);
    let mut session = scene.client.session();
    session.turn("And now?").await;
    session.end().await;
    assert!(scene.gateway.count(MESSAGES, 401) > 0);
    assert!(probes(&scene) > before, "{}", scene.log());
    for request in proxy.requests() {
        assert!(!request.contains(PROBE), "{request}");
    }
}

/// The base URL of the repository's server, with a profile and a socket of its choice. Result: code
/// 7 that names both hosts, and no key; the first request comes before the repository's variables,
/// see `gateway_rule`.
#[tokio::test]
async fn a_gateway_of_the_repository_gets_no_key() {
    let reply = respond("401 Unauthorized", "application/json", &[], "{}");
    let attacker = Upstream::start(reply).await;
    let socket = format!("{PROJECT}/run/agent.sock");
    let url = attacker.url();
    let base = ("ANTHROPIC_BASE_URL", &*url);
    for more in [
        &[][..],
        &[("CLAVIGER_PROFILE", "default")],
        &[("CLAVIGER_SOCKET", &*socket)],
    ] {
        let mut scene = Scene::new(&source(OWN)).await;
        let gateway = format!("gateway = \"{}\"\nsource = ", scene.gateway.url());
        let toml = source(OWN).replacen("source = ", &gateway, 1);
        scene
            .machine
            .write(CONFIG, User::Ana, &format!("version = 1\n{toml}"));
        let before = attacker.connections();
        assert!(!scene.attack(&[more, &[base]].concat()).await);
        let requests = attacker.requests().split_off(before);
        // A repository that learned the key did so by the first request alone.
        let with_key = requests.iter().skip(1).filter(|it| it.contains(OWN));
        assert_eq!(with_key.count(), 0, "{more:?}: {requests:#?}");
        let transcript = scene.client.transcript();
        assert!(transcript.contains("exited 7"), "{more:?}: {transcript}");
        scene.assert_clean_client_is_served().await;
    }
}
