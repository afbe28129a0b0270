//! Where a company's policy is published: a server for files behind TLS, which can be replaced.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::super::{Engineer, openssl};
use crate::support::{
    TestEnv, Upstream,
    file_server::FileServer,
    tls::{Ca, IssuedCertificate},
    tls_front::TlsFront,
    tools::free_port,
    upstream::UpstreamReply,
};

/// The name of the policy's file.
const FILE: &str = "policy.jws";

/// A security engineer, and the server for the policy.
pub(super) struct Publisher {
    engineer: Engineer,
    public_key: String,
    pub(super) ca: Ca,
    certificate: IssuedCertificate,
    files: FileServer,
    port: u16,
    /// `None` while the server is down.
    front: Option<TlsFront>,
    /// What answers in the server's place.
    other: Option<Upstream>,
    counter: AtomicU64,
}

impl Publisher {
    /// Starts the server, on which there is no policy yet.
    pub(super) async fn start() -> Self {
        Self::start_as(&["127.0.0.1"]).await
    }

    /// [`Publisher::start`] with a certificate for these host names or addresses.
    pub(super) async fn start_as(names: &[&str]) -> Self {
        let engineer = Engineer::new();
        let public_key = engineer.public_key(&engineer.key).await;
        let ca = Ca::new("corp");
        let certificate = ca.server(names);
        let mut publisher = Self {
            engineer,
            public_key,
            ca,
            certificate,
            files: FileServer::start().await,
            port: free_port(),
            front: None,
            other: None,
            counter: AtomicU64::new(0),
        };
        publisher.start_again().await;
        publisher
    }

    /// Where the policy is published.
    pub(super) fn url(&self) -> String {
        let path = self.files.url_path(FILE);
        format!("https://127.0.0.1:{}{path}", self.port)
    }

    /// The lines of a configuration that pin the key.
    pub(super) fn pin(&self) -> String {
        format!("[policy]\npublic_keys = [\"{}\"]\n", self.public_key)
    }

    /// The table `policy` of a configuration with this file for the CA.
    pub(super) fn table(&self, ca_file: &str) -> String {
        format!(
            "{}url = \"{}\"\nca_file = \"{ca_file}\"\n",
            self.pin(),
            self.url()
        )
    }

    /// Adds the policy to the configuration of `env`, with further lines of its table.
    pub(super) fn configure(&self, env: &TestEnv, more: &str) {
        let ca_file = env.write_file("policy-ca.pem", &self.ca.pem);
        let table = self.table(&ca_file);
        env.edit_config(|config| format!("{config}\n{table}{more}"));
    }

    /// Publishes the next policy, which is looked for each 10 s; returns its text. `more` are its
    /// lines after `watch`.
    pub(super) async fn publish(&self, more: &str) -> String {
        let text = self.sign(more).await;
        self.replace(text.as_bytes());
        text
    }

    /// [`Publisher::publish`] without publishing it.
    pub(super) async fn sign(&self, more: &str) -> String {
        let counter = self.counter.fetch_add(1, Ordering::Relaxed) + 1;
        self.sign_as(counter, more).await
    }

    /// [`Publisher::sign`] with this counter.
    pub(super) async fn sign_as(&self, counter: u64, more: &str) -> String {
        let policy = format!("version = 1\ncounter = {counter}\nwatch = \"10s\"\n{more}");
        let file = self.engineer.file("next.toml", &policy);
        self.engineer.signed(&file).await
    }

    /// A policy with a key that only a newer version of the program knows; `claviger policy sign`
    /// makes none.
    pub(super) async fn sign_with_unknown_key(&self, counter: u64) -> String {
        let text = self.sign_as(counter, "").await;
        let parts: Vec<_> = text.trim().split('.').collect();
        let mut payload: Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
        payload["forbidden"] = json!(["everything"]);
        let payload = URL_SAFE_NO_PAD.encode(payload.to_string());
        let input = format!("{}.{payload}", parts[0]);
        let file = self.engineer.file("input", &input);
        let key = ["pkeyutl", "-sign", "-inkey", &self.engineer.key];
        let signature = openssl(&[&key[..], &["-rawin", "-in", &file]].concat());
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Replaces what is published.
    pub(super) fn replace(&self, content: &[u8]) {
        self.files.write(FILE, content);
    }

    /// The statuses of the server's answers so far.
    pub(super) fn statuses(&self) -> Vec<u16> {
        self.files.statuses(FILE)
    }

    /// Stops the server: connections are refused.
    pub(super) async fn stop(&mut self) {
        if let Some(front) = self.front.take() {
            front.stop().await;
        }
    }

    /// Starts the server, at the same URL.
    pub(super) async fn start_again(&mut self) {
        self.stop().await;
        self.other = None;
        let server = self.files.port();
        let front = TlsFront::start_at(self.port, &self.certificate, None, server).await;
        self.front = Some(front);
    }

    /// From now on, every request is answered so.
    pub(super) async fn answer(&mut self, reply: UpstreamReply) {
        let other = Upstream::start(reply).await;
        self.front.as_ref().unwrap().forward_to(other.port());
        self.other = Some(other);
    }

    /// The requests since [`Publisher::answer`].
    pub(super) fn requests(&self) -> Vec<String> {
        self.other.as_ref().unwrap().requests()
    }
}

/// The files in which the daemons of `env` keep the last good policy. Their names depend on the
/// sockets.
pub(super) fn files(env: &TestEnv) -> Vec<PathBuf> {
    let files = fs::read_dir(env.state_dir()).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("policy") && name.ends_with(".json")
    });
    files
}

/// The only one of [`files`].
pub(super) fn file(env: &TestEnv) -> PathBuf {
    let files = files(env);
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

/// What is in [`file`].
pub(super) fn stored(env: &TestEnv) -> Value {
    serde_json::from_slice(&fs::read(file(env)).unwrap()).unwrap()
}
