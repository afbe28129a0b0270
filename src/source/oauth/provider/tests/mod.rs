//! `Provider` against a fake server that a test scripts, over real sockets.

mod client;
mod discovery;
mod gateway;
mod id_tokens;
mod lost;
mod registration;
mod tokens;

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{discovery::Advice, *};
use crate::{
    client_variables::ClientVariables,
    clock::ManualClock,
    config::{self, NetworkConfig, OauthDiscovery, OauthPrompt, OauthToken, StoreKind},
    sync,
};

const OPENID: &str = "GET /.well-known/openid-configuration";
const TOKEN: &str = "POST /token";

/// Returns the reply to a request: the request, and how many with the same line came before.
type Script = dyn Fn(&Request, usize) -> Reply + Send + Sync;

/// A request as it arrived.
#[derive(Clone, Debug)]
struct Request {
    /// `METHOD /path`
    line: String,
    /// In lower case, apart from values.
    head: String,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let of = |line: &'_ str| {
            line.split_once(": ")
                .filter(|(of, _)| *of == name)
                .is_some()
        };
        let line = self.head.lines().find(|line| of(line))?;
        line.split_once(": ").map(|(_, value)| value)
    }

    /// The form in the body.
    fn form(&self) -> BTreeMap<String, String> {
        url::form_urlencoded::parse(self.body.as_bytes())
            .into_owned()
            .collect()
    }
}

/// What the server does. `{base}` in a body stands for its address.
enum Reply {
    Response(u16, &'static str, String),
    /// Sends less than its `Content-Length`.
    CutOff,
    /// Closes the connection after the request.
    Close,
    Stall,
}

/// A reply with JSON.
fn json_of(status: u16, body: &Value) -> Reply {
    Reply::Response(status, "content-type: application/json", body.to_string())
}

/// A reply without a body.
fn empty(status: u16) -> Reply {
    Reply::Response(status, "x: y", String::new())
}

fn page(status: u16) -> Reply {
    let page = "<html>Sign in to the Wi-Fi</html>".to_owned();
    Reply::Response(status, "content-type: text/html", page)
}

/// The metadata of a server with all endpoints.
fn document() -> Value {
    json!({
        "issuer": "{base}",
        "authorization_endpoint": "{base}/authorize?tenant=1",
        "token_endpoint": "{base}/token",
        "device_authorization_endpoint": "{base}/device",
        "revocation_endpoint": "{base}/revoke",
        "registration_endpoint": "{base}/register",
        "jwks_uri": "{base}/jwks",
        "authorization_response_iss_parameter_supported": true,
    })
}

/// Tokens, with all fields.
fn tokens() -> Value {
    json!({
        "access_token": "at-1", "refresh_token": "rt-2", "id_token": "id-1",
        "token_type": "bearer", "expires_in": 3600,
    })
}

struct FakeServer {
    base: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl FakeServer {
    async fn start(script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(script);
        let (seen, of) = (Arc::clone(&requests), base.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
                tokio::spawn(serve(stream, script, seen, of.clone()));
            }
        });
        Self { base, requests }
    }

    /// A server with the document [`document`], whose other endpoints `script` answers.
    async fn with_document(
        script: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |request, before| match request.line.as_str() {
            OPENID => json_of(200, &document()),
            _ => script(request, before),
        })
        .await
    }

    fn requests(&self) -> Vec<Request> {
        sync::lock(&self.requests).clone()
    }

    fn lines(&self) -> Vec<String> {
        self.requests()
            .into_iter()
            .map(|request| request.line)
            .collect()
    }

    /// The last request.
    fn last(&self) -> Request {
        self.requests().pop().unwrap()
    }

    /// The provider of a public client.
    fn provider(&self) -> Provider {
        provider(&self.config())
    }

    fn config(&self) -> OauthConfig {
        config(&self.base)
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<Script>,
    seen: Arc<Mutex<Vec<Request>>>,
    base: String,
) {
    let mut bytes = Vec::new();
    let request = loop {
        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let request = Request {
            line: head.split(" HTTP/").next().unwrap().to_owned(),
            head: head.to_owned(),
            body: body.to_owned(),
        };
        let length = request.header("content-length").unwrap_or("0");
        if body.len() >= length.parse().unwrap() {
            break request;
        }
    };
    let before = {
        let mut seen = sync::lock(&seen);
        let before = seen
            .iter()
            .filter(|other| other.line == request.line)
            .count();
        seen.push(request.clone());
        before
    };
    let (status, header, body, more) = match script(&request, before) {
        Reply::Response(status, header, body) => (status, header, body, 0),
        Reply::CutOff => (200, "content-type: application/json", "{".to_owned(), 100),
        Reply::Close => return,
        Reply::Stall => return std::future::pending().await,
    };
    let body = body.replace("{base}", &base);
    let length = body.len() + more;
    let response = format!(
        "HTTP/1.1 {status} X\r\n{header}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(response.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// The configuration of a public client at `issuer`.
fn config(issuer: &str) -> OauthConfig {
    OauthConfig {
        preset: None,
        discovery: OauthDiscovery::Issuer(issuer.parse().unwrap()),
        plain_http: false,
        client_id: Some("cli".to_owned()),
        client_auth: config::ClientAuth::None,
        flow: OauthFlow::Browser,
        scopes: vec!["openid".to_owned(), "offline_access".to_owned()],
        resource: None,
        audience: None,
        parameters: BTreeMap::new(),
        token: OauthToken::Access,
        required_claims: BTreeMap::new(),
        groups_claim: None,
        store: StoreKind::Memory,
        redirect_port: None,
        redirect_path: "/callback".to_owned(),
        prompt: OauthPrompt::Login,
        ttl: None,
        network: NetworkConfig::default(),
        timeout: Duration::from_secs(5),
    }
}

fn principal() -> Principal {
    Principal {
        user: "ada".to_owned(),
        host: "laptop".to_owned(),
        home: None,
        variables: ClientVariables::default(),
    }
}

fn clock() -> ManualClock {
    ManualClock::at("2026-01-01T00:00:00Z".parse().unwrap())
}

fn provider(config: &OauthConfig) -> Provider {
    provider_at(config, clock())
}

fn provider_at(config: &OauthConfig, clock: ManualClock) -> Provider {
    Provider::new("sso", config, &principal(), Arc::new(clock)).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// The metadata of `issuer`, as if they were discovered.
pub(super) fn metadata(issuer: &str) -> Metadata {
    Metadata {
        issuer: issuer.to_owned(),
        authorization_endpoint: None,
        token_endpoint: format!("{issuer}/token").parse().unwrap(),
        device_authorization_endpoint: None,
        revocation_endpoint: None,
        registration_endpoint: None,
        jwks_uri: None,
        auth_methods: None,
        signing_algorithms: None,
        sends_issuer: false,
        found_at: issuer.parse().unwrap(),
        advice: Advice::default(),
    }
}
