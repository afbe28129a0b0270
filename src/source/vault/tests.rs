//! `VaultSource` against a server that says what the test tells it to, over real sockets.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    clock::{ManualClock, SystemClock},
    config::{AuthConfig, AuthMethod, SecretRef, Template, VaultAddress},
    secret::Secret,
    source::TransportError,
};

const LOGIN: &str =
    r#"{"data":null,"auth":{"client_token":"hvs.T","lease_duration":60,"renewable":true}}"#;
const SECRET: &str =
    r#"{"data":{"data":{"api_key":"sk-1"},"metadata":{"version":7,"destroyed":false}}}"#;
const DENIED: &str = r#"{"errors":["permission denied"]}"#;

/// What the server does with one request: `METHOD /path`, how many came before of the same, the token.
type Script = dyn Fn(&str, usize, &str) -> Reply + Send + Sync;

enum Reply {
    Answer(u16, String),
    Headed(u16, &'static str, String),
    /// Says nothing more.
    Stall,
    /// Promises more than it sends.
    BreakOff,
}

struct Server {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(script: impl Fn(&str, usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(script);
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&seen)));
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, script: Arc<Script>, seen: Arc<Mutex<Vec<String>>>) {
    let mut bytes = Vec::new();
    let head = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            break head.to_owned();
        }
    };
    let line = head.split(" HTTP/").next().unwrap().to_owned();
    let token = head
        .lines()
        .find_map(|line| line.strip_prefix("x-vault-token: "));
    let before = {
        let mut seen = seen.lock().unwrap();
        let before = seen.iter().filter(|other| **other == line).count();
        seen.push(line.clone());
        before
    };
    let (status, header, body, more) = match script(&line, before, token.unwrap_or_default()) {
        Reply::Answer(status, body) => (status, "x: y", body, 0),
        Reply::Headed(status, header, body) => (status, header, body, 0),
        Reply::BreakOff => (200, "x: y", "{".to_owned(), 100),
        Reply::Stall => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            return;
        }
    };
    let length = body.len() + more;
    let answer = format!(
        "HTTP/1.1 {status} X\r\n{header}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn answer(status: u16, body: &str) -> Reply {
    Reply::Answer(status, body.to_owned())
}

struct Bench {
    source: VaultSource,
    clock: ManualClock,
    dir: tempfile::TempDir,
}

impl Bench {
    fn new(
        address: &str,
        engine: Engine,
        method: impl FnOnce(PathBuf) -> Option<AuthMethod>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        put(&file, "s-1\n");
        let config = config::VaultConfig {
            address: VaultAddress::Url(format!("http://{address}").parse().unwrap()),
            namespace: Some("eng".to_owned()),
            ca_file: None,
            mount: Template::parse("kv").unwrap(),
            path: Template::parse("team").unwrap(),
            field: "api_key".to_owned(),
            engine,
            auth: method(file).map(|method| AuthConfig {
                mount: "m".to_owned(),
                method,
            }),
            timeout: Duration::from_millis(500),
        };
        let principal = Principal {
            user: "ada".to_owned(),
            host: "desk".to_owned(),
            env: BTreeMap::new(),
        };
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let source =
            VaultSource::new("v", &config, &principal, Arc::new(clock.clone()), None).unwrap();
        Self { source, clock, dir }
    }

    fn with_approle(address: &str) -> Self {
        Self::new(address, Engine::Kv2 { watch: None }, |file| {
            Some(approle(file, false))
        })
    }

    fn put(&self, text: &str) {
        put(&self.dir.path().join("secret"), text);
    }
}

fn approle(file: PathBuf, wrapped: bool) -> AuthMethod {
    AuthMethod::AppRole {
        role_id: "r".to_owned(),
        secret_id: Some(SecretRef::File(file)),
        wrapped,
    }
}

fn put(file: &PathBuf, text: &str) {
    std::fs::write(file, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

fn by_the_book(line: &str, _: usize, _: &str) -> Reply {
    match line {
        "POST /v1/auth/m/login" => answer(200, LOGIN),
        "GET /v1/kv/data/team" => answer(200, SECRET),
        "POST /v1/auth/token/renew-self" => answer(200, LOGIN),
        "POST /v1/auth/token/revoke-self" => answer(204, ""),
        _ => answer(404, r#"{"errors":[]}"#),
    }
}

#[tokio::test]
async fn a_cold_read_is_two_requests_and_a_warm_one_is_one() {
    let server = Server::start(by_the_book).await;
    let bench = Bench::with_approle(&server.address);
    let credential = bench.source.issue().await.unwrap();
    assert_eq!(credential.secret.expose(), "sk-1");
    assert_eq!((credential.version, credential.lifetime), (Some(7), None));
    assert_eq!(
        server.requests(),
        ["POST /v1/auth/m/login", "GET /v1/kv/data/team"]
    );
    bench.source.issue().await.unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn the_token_is_renewed_at_two_thirds_and_replaced_at_its_end() {
    let server = Server::start(by_the_book).await;
    let bench = Bench::with_approle(&server.address);
    bench.source.issue().await.unwrap();
    bench.clock.advance(Duration::from_secs(41));
    bench.source.issue().await.unwrap();
    assert_eq!(server.requests()[2], "POST /v1/auth/token/renew-self");
    bench.clock.advance(Duration::from_secs(61));
    bench.source.issue().await.unwrap();
    assert_eq!(server.requests()[4], "POST /v1/auth/m/login");
    bench.source.revoke(None).await.unwrap();
    assert_eq!(server.requests()[6], "POST /v1/auth/token/revoke-self");
}

#[tokio::test]
async fn an_old_token_that_is_denied_is_replaced_once_and_a_new_one_is_not() {
    let server = Server::start(|line, before, _| match (line, before) {
        ("GET /v1/kv/data/team", 1..) => answer(403, DENIED),
        ("POST /v1/auth/m/login", 1..) => answer(200, &LOGIN.replace("hvs.T", "hvs.U")),
        _ => by_the_book(line, before, ""),
    })
    .await;
    let bench = Bench::with_approle(&server.address);
    bench.source.issue().await.unwrap();
    let error = bench.source.issue().await.unwrap_err();
    assert!(matches!(error, SourceError::Denied { .. }), "{error:?}");
    // Login and read; the read that is denied, login, the same again.
    assert_eq!(server.requests().len(), 5);

    let server = Server::start(|line, before, _| match line {
        "GET /v1/kv/data/team" => answer(403, DENIED),
        _ => by_the_book(line, before, ""),
    })
    .await;
    let bench = Bench::with_approle(&server.address);
    assert!(bench.source.issue().await.is_err());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_token_file_is_read_anew_and_the_same_token_is_not_tried_twice() {
    let script = |line: &str, _: usize, token: &str| match (line, token) {
        ("GET /v1/auth/token/lookup-self", "dead") => answer(403, DENIED),
        ("GET /v1/auth/token/lookup-self", _) => {
            answer(200, r#"{"data":{"ttl":0,"renewable":false}}"#)
        }
        (_, "s-2") => answer(200, SECRET),
        _ => answer(403, DENIED),
    };
    let server = Server::start(script).await;
    let bench = Bench::new(&server.address, Engine::Kv2 { watch: None }, |file| {
        Some(AuthMethod::Token(SecretRef::File(file)))
    });
    assert!(matches!(
        bench.source.issue().await,
        Err(SourceError::Denied { .. })
    ));
    assert!(matches!(
        bench.source.issue().await,
        Err(SourceError::Denied { .. })
    ));
    // Look-up and read; read and look-up.
    assert_eq!(server.requests().len(), 4);
    bench.put("s-2");
    assert_eq!(bench.source.issue().await.unwrap().secret.expose(), "sk-1");
    bench.put("dead");
    assert!(
        bench.source.issue().await.is_ok(),
        "the token in hand is good yet"
    );
    bench.source.revoke(None).await.unwrap();
    match bench.source.issue().await.unwrap_err() {
        SourceError::LoginRefused { hint, .. } => assert!(hint.contains("new token"), "{hint}"),
        other => panic!("{other:?}"),
    }
    assert!(!server.requests().iter().any(|line| line.contains("revoke")));
}

#[tokio::test]
async fn a_wrapped_secret_id_is_unwrapped_once() {
    let server = Server::start(|line, before, token| match (line, token) {
        ("POST /v1/sys/wrapping/unwrap", "s-1") => answer(200, r#"{"data":{"secret_id":"id"}}"#),
        ("POST /v1/sys/wrapping/unwrap", _) => answer(
            400,
            r#"{"errors":["wrapping token is not valid or does not exist"]}"#,
        ),
        _ => by_the_book(line, before, token),
    })
    .await;
    let bench = Bench::new(&server.address, Engine::Kv2 { watch: None }, |file| {
        Some(approle(file, true))
    });
    bench.source.issue().await.unwrap();
    bench.source.revoke(None).await.unwrap();
    bench.source.issue().await.unwrap();
    let unwraps = server
        .requests()
        .iter()
        .filter(|line| line.contains("unwrap"))
        .count();
    assert_eq!(unwraps, 1);
    bench.put("another");
    bench.source.revoke(None).await.unwrap();
    let error = bench.source.issue().await.unwrap_err();
    assert!(
        error.to_string().contains("already used or has expired"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_login_says_what_to_replace_and_never_the_secret() {
    let server =
        Server::start(|_, _, _| answer(400, r#"{"errors":["invalid secret id s-1"]}"#)).await;
    let bench = Bench::with_approle(&server.address);
    let error = bench.source.issue().await.unwrap_err();
    assert!(!format!("{error:?}").contains("s-1"), "{error:?}");
    match error {
        SourceError::LoginRefused { hint, .. } => {
            assert!(hint.contains("new secret-id to the file"), "{hint}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_redirect_is_followed_on_the_same_host_only() {
    let other = Server::start(by_the_book).await;
    let to = format!("http://{}/v1/kv/data/team", other.address);
    let header: &'static str = Box::leak(format!("location: {to}").into_boxed_str());
    let server = Server::start(move |line, before, _| match line {
        "GET /v1/kv/data/team" => Reply::Headed(307, header, String::new()),
        _ => by_the_book(line, before, ""),
    })
    .await;
    let error = Bench::with_approle(&server.address)
        .source
        .issue()
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains(&format!(
            "is a standby that redirects to '{}'",
            other.address
        )),
        "{error}"
    );
    assert!(!error.is_final());
    assert!(other.requests().is_empty());

    let server = Server::start(|line, before, token| match line {
        "GET /v1/kv/data/team" => Reply::Headed(307, "location: /v1/other", String::new()),
        "GET /v1/other" if token == "hvs.T" => answer(200, SECRET),
        _ => by_the_book(line, before, ""),
    })
    .await;
    assert!(
        Bench::with_approle(&server.address)
            .source
            .issue()
            .await
            .is_ok()
    );

    let server =
        Server::start(|_, _, _| Reply::Headed(307, "location: /v1/auth/m/login", String::new()))
            .await;
    let error = Bench::with_approle(&server.address)
        .source
        .issue()
        .await
        .unwrap_err();
    assert!(!error.is_final(), "{error:?}");
    assert!(server.requests().len() <= 5);
}

#[tokio::test]
async fn without_an_answer() {
    let outcome = async |script: fn(&str, usize, &str) -> Reply| {
        let server = Server::start(script).await;
        Bench::with_approle(&server.address)
            .source
            .issue()
            .await
            .unwrap_err()
    };
    let stalled = outcome(|_, _, _| Reply::Stall).await;
    assert!(
        matches!(
            stalled,
            SourceError::Unreachable {
                error: TransportError::TimedOut(_),
                ..
            }
        ),
        "{stalled:?}"
    );
    let broken = outcome(|_, _, _| Reply::BreakOff).await;
    assert!(
        matches!(
            broken,
            SourceError::Unreachable {
                error: TransportError::Interrupted(_),
                ..
            }
        ),
        "{broken:?}"
    );
    let long = outcome(|_, _, _| answer(200, &"x".repeat(1024 * 1024 + 1))).await;
    assert!(matches!(long, SourceError::Malformed { .. }), "{long:?}");
    let page = outcome(|_, _, _| answer(200, "<html>")).await;
    assert!(matches!(page, SourceError::Malformed { .. }), "{page:?}");
    let quota = outcome(|_, _, _| Reply::Headed(429, "retry-after: 17", String::new())).await;
    assert_eq!(quota.retry_after(), Some(Duration::from_secs(17)));
    let date = "retry-after: Thu, 01 Jan 2026 00:01:00 GMT";
    let dated = Server::start(move |_, _, _| {
        Reply::Headed(503, date, r#"{"errors":["Vault is sealed"]}"#.to_owned())
    })
    .await;
    let sealed = Bench::with_approle(&dated.address)
        .source
        .issue()
        .await
        .unwrap_err();
    assert_eq!(sealed.retry_after(), Some(Duration::from_secs(60)));

    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let refused = Bench::with_approle(&free.to_string())
        .source
        .issue()
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            SourceError::Unreachable {
                error: TransportError::Refused,
                ..
            }
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_old_token_serves_while_no_new_one_is_to_be_had() {
    let server = Server::start(|line, before, _| match (line, before) {
        ("POST /v1/auth/m/login", 1..) => {
            answer(400, r#"{"errors":["invalid role or secret ID"]}"#)
        }
        ("POST /v1/auth/token/renew-self", _) => {
            answer(400, r#"{"errors":["lease is not renewable"]}"#)
        }
        _ => by_the_book(line, before, ""),
    })
    .await;
    let bench = Bench::with_approle(&server.address);
    bench.source.issue().await.unwrap();
    bench.clock.advance(Duration::from_secs(50));
    bench.source.issue().await.unwrap();
    bench.clock.advance(Duration::from_secs(10));
    assert!(matches!(
        bench.source.issue().await,
        Err(SourceError::LoginRefused { .. })
    ));
}

/// What is held when the version is 7.
fn held(version: u64) -> Credential {
    Credential {
        secret: Secret::new("sk".to_owned()),
        obtained: SystemClock.now(),
        lifetime: None,
        version: Some(version),
        lease: None,
    }
}

#[tokio::test]
async fn the_version_by_metadata_or_else_by_the_data() {
    let server = Server::start(|line, before, _| match line {
        "GET /v1/kv/metadata/team" => {
            answer(200, r#"{"data":{"current_version":8,"versions":{}}}"#)
        }
        _ => by_the_book(line, before, ""),
    })
    .await;
    let bench = Bench::with_approle(&server.address);
    assert_eq!(
        bench.source.revalidate(&held(8)).await,
        Ok(Freshness::Fresh)
    );
    assert_eq!(
        bench.source.revalidate(&held(7)).await,
        Ok(Freshness::Stale)
    );

    let server = Server::start(|line, before, _| match line {
        "GET /v1/kv/metadata/team" => answer(403, DENIED),
        _ => by_the_book(line, before, ""),
    })
    .await;
    let bench = Bench::with_approle(&server.address);
    bench.source.issue().await.unwrap();
    for _ in 0..3 {
        assert_eq!(
            bench.source.revalidate(&held(7)).await,
            Ok(Freshness::Fresh)
        );
    }
    let asked = server
        .requests()
        .iter()
        .filter(|line| line.contains("metadata"))
        .count();
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn a_lease_ends_with_its_token_and_is_renewed_while_that_helps() {
    let lease = |left: u64| {
        format!(
            r#"{{"lease_id":"kv/team/1","lease_duration":{left},"renewable":true,"data":{{"api_key":"sk-1"}}}}"#
        )
    };
    let server = Server::start(move |line, before, _| match line {
        "GET /v1/kv/team" => answer(200, &lease(3600)),
        "POST /v1/sys/leases/renew" if before == 0 => answer(200, &lease(3600)),
        "POST /v1/sys/leases/renew" => answer(200, &lease(5)),
        _ => by_the_book(line, before, ""),
    })
    .await;
    let bench = Bench::new(&server.address, Engine::Lease, |file| {
        Some(approle(file, false))
    });
    let first = bench.source.issue().await.unwrap();
    assert_eq!(first.lifetime, Some(Duration::from_secs(60)));
    // Before the token would be due by itself.
    bench.clock.advance(Duration::from_secs(30));
    let second = bench.source.renew(&first).await.unwrap().unwrap();
    assert_eq!(second.lifetime, Some(Duration::from_secs(60)));
    assert_eq!(second.secret, first.secret);
    bench.clock.advance(Duration::from_secs(30));
    assert_eq!(bench.source.renew(&second).await, Ok(None));
    bench.source.revoke(Some(&second)).await.unwrap();
    assert_eq!(bench.source.renew(&second).await, Ok(None));
}

#[tokio::test]
async fn an_agent_gets_no_token() {
    let server = Server::start(|line, before, token| {
        assert_eq!(token, "");
        by_the_book(line, before, token)
    })
    .await;
    let bench = Bench::new(&server.address, Engine::Kv2 { watch: None }, |_| None);
    assert!(bench.source.issue().await.is_ok());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_path_must_not_climb() {
    for path in ["a/../b", "a//b", "/a", "a/", ".", "a\nb"] {
        assert!(check_path("v", "path", path).is_err(), "{path:?}");
    }
    assert!(check_path("v", "path", "a/b.c/d e").is_ok());
}
