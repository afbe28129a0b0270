//! `VaultSource` against a fake Vault that a test scripts, over real sockets.

mod auth;
mod claims;
mod engines;
mod not_a_no;
mod other_programs;
mod refused_logins;
mod session;
mod sign_in;
mod transport;

use std::{path::PathBuf, sync::Mutex, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    client_variables::ClientVariables,
    clock::{ManualClock, SystemClock},
    config::{AuthConfig, AuthMethod, Engine, NetworkConfig, SecretRef, StoreKind, VaultAddress},
    secret::Secret,
    source::{Revoked, TransportError, catalog::LoginSessions},
    sync,
    template::Template,
};

const LOGIN: &str =
    r#"{"data":null,"auth":{"client_token":"hvs.T","lease_duration":60,"renewable":true}}"#;
const SECRET: &str =
    r#"{"data":{"data":{"api_key":"sk-1"},"metadata":{"version":7,"destroyed":false}}}"#;
const LOOKUP: &str = "GET /v1/auth/token/lookup-self";
const DENIED: &str = r#"{"errors":["permission denied"]}"#;

/// Returns the reply to a request: its line (`METHOD /path`), how many equal ones came before, and
/// its token.
type Script = dyn Fn(&str, usize, &str) -> Reply + Send + Sync;

enum Reply {
    Response(u16, String),
    WithHeader(u16, &'static str, String),
    /// Keeps the connection open and sends nothing.
    Stall,
    /// Sends less than its `Content-Length`.
    CutOff,
}

struct FakeVault {
    address: String,
    /// The line of every request so far.
    requests: Arc<Mutex<Vec<String>>>,
}

impl FakeVault {
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
        sync::lock(&self.requests).clone()
    }
}

/// Has a new source with an AppRole at `address` issue one credential.
async fn issue_once(address: &str) -> Result<Credential, SourceError> {
    VaultFixture::with_approle(address).source.issue().await
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
        let mut seen = sync::lock(&seen);
        let before = seen.iter().filter(|other| **other == line).count();
        seen.push(line.clone());
        before
    };
    let (status, header, body, more) = match script(&line, before, token.unwrap_or_default()) {
        Reply::Response(status, body) => (status, "x: y", body, 0),
        Reply::WithHeader(status, header, body) => (status, header, body, 0),
        Reply::CutOff => (200, "x: y", "{".to_owned(), 100),
        Reply::Stall => return std::future::pending().await,
    };
    let length = body.len() + more;
    let response = format!(
        "HTTP/1.1 {status} X\r\n{header}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(response.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn respond(status: u16, body: &str) -> Reply {
    Reply::Response(status, body.to_owned())
}

/// A source at `kv/team` of a fake Vault. Its login method reads its secret from a file.
struct VaultFixture {
    config: config::VaultConfig,
    source: VaultSource,
    clock: ManualClock,
    dir: tempfile::TempDir,
}

impl VaultFixture {
    fn new(
        address: &str,
        engine: Engine,
        method: impl FnOnce(PathBuf) -> Option<AuthMethod>,
    ) -> Self {
        Self::at(address, "team", engine, method)
    }

    fn at_path(address: &str, path: &str) -> Self {
        Self::at(address, path, Engine::Kv2 { watch: None }, |file| {
            Some(approle(file, None))
        })
    }

    fn at(
        address: &str,
        path: &str,
        engine: Engine,
        method: impl FnOnce(PathBuf) -> Option<AuthMethod>,
    ) -> Self {
        Self::with_upstream(address, path, engine, None, method)
    }

    /// With the source of the JWT.
    fn with_upstream(
        address: &str,
        path: &str,
        engine: Engine,
        upstream: Option<Arc<dyn Source>>,
        method: impl FnOnce(PathBuf) -> Option<AuthMethod>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        put(&file, "s-1\n");
        let config = config::VaultConfig {
            address: VaultAddress::Url(format!("http://{address}").parse().unwrap()),
            namespace: Some("eng".to_owned()),
            network: NetworkConfig::default(),
            redirect_hosts: Vec::new(),
            mount: Template::parse("kv").unwrap(),
            path: Template::parse_with_claims(path).unwrap(),
            field: "api_key".to_owned(),
            engine,
            auth: method(file).map(|method| AuthConfig {
                mount: "m".to_owned(),
                method,
            }),
            timeout: Duration::from_millis(500),
        };
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let source = source(&config, &dir, &clock, upstream);
        Self {
            config,
            source,
            clock,
            dir,
        }
    }

    /// The source of a new daemon with the same files.
    fn restarted(&self) -> VaultSource {
        source(&self.config, &self.dir, &self.clock, None)
    }

    fn with_approle(address: &str) -> Self {
        Self::new(address, Engine::Kv2 { watch: None }, |file| {
            Some(approle(file, None))
        })
    }

    /// Replaces the content of the secret file.
    fn put(&self, text: &str) {
        put(&self.dir.path().join("secret"), text);
    }
}

fn source(
    config: &config::VaultConfig,
    dir: &tempfile::TempDir,
    clock: &ManualClock,
    upstream: Option<Arc<dyn Source>>,
) -> VaultSource {
    let principal = Principal {
        user: "ada".to_owned(),
        host: "laptop".to_owned(),
        home: None,
        variables: ClientVariables::default(),
    };
    let logins = LoginSessions::new(dir.path().join("state"), String::new());
    let stored = config
        .wrapped_secret_id()
        .map(|(store, role_id)| logins.stored(store, "v", ("vault", role_id)));
    let time = Arc::new(clock.clone());
    VaultSource::new("v", config, &principal, time, upstream, stored).unwrap()
}

fn approle(file: PathBuf, wrapped: Option<StoreKind>) -> AuthMethod {
    AuthMethod::AppRole {
        role_id: "role-4711".to_owned(),
        secret_id: Some(SecretRef::File((&*file).into())),
        wrapped,
    }
}

fn put(file: &PathBuf, text: &str) {
    std::fs::write(file, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// The replies of a Vault with nothing wrong.
fn normal(line: &str, _: usize, _: &str) -> Reply {
    match line {
        "POST /v1/auth/m/login" => respond(200, LOGIN),
        "GET /v1/kv/data/team" => respond(200, SECRET),
        "POST /v1/auth/token/renew-self" => respond(200, LOGIN),
        "POST /v1/auth/token/revoke-self" => respond(204, ""),
        _ => respond(404, r#"{"errors":[]}"#),
    }
}
