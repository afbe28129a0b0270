//! A real OpenBao server.

mod agent;
mod api;
mod audit;
mod auth;
mod kv;
mod oidc;
mod server;

use std::{fs, path::PathBuf, process::Child, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

pub(crate) use self::{agent::BaoAgent, auth::AppRoleCredentials};
use super::{
    canary::issued,
    tls::{Ca, IssuedCertificate},
    tools::free_port,
};

/// How a server is started.
#[derive(Default)]
pub(crate) struct BaoOptions {
    /// The state outlives [`Bao::restart`].
    pub(crate) persistent: bool,
    /// Listens for TLS as well, with this certificate, and accepts clients' certificates.
    pub(crate) tls: Option<IssuedCertificate>,
    /// Listens on a unix socket as well.
    pub(crate) unix: bool,
}

/// A server that is killed when it is dropped.
pub(crate) struct Bao {
    directory: TempDir,
    options: BaoOptions,
    port: u16,
    tls_port: u16,
    child: Option<Child>,
    client: reqwest::Client,
}

impl Bao {
    /// Starts a server in memory with plain HTTP, a KV v2 engine at `secret`, and the policy
    /// `reader`, which may read it.
    pub(crate) async fn start() -> Self {
        Self::start_with(BaoOptions::default()).await
    }

    /// [`Bao::start`], with `key` in the field `api_key` of the secret at `secret/PATH`.
    pub(crate) async fn start_with_key(path: &str, key: &str) -> Self {
        let bao = Self::start().await;
        bao.put(path, json!({"api_key": key})).await;
        bao
    }

    /// [`Bao::start`], listening for TLS as well, with a certificate signed by `ca`.
    pub(crate) async fn start_with_tls(ca: &Ca) -> Self {
        Self::start_with(BaoOptions {
            tls: Some(ca.server(&["127.0.0.1", "localhost"])),
            ..BaoOptions::default()
        })
        .await
    }

    pub(crate) async fn start_with(options: BaoOptions) -> Self {
        let mut bao = Self {
            directory: TempDir::new().unwrap(),
            options,
            port: 0,
            tls_port: 0,
            child: None,
            client: reqwest::Client::builder()
                .no_proxy()
                .timeout(Duration::from_secs(10))
                .build()
                .unwrap(),
        };
        if let Some(certificate) = &bao.options.tls {
            fs::write(bao.path("cert.pem"), &certificate.cert).unwrap();
            fs::write(bao.path("key.pem"), &certificate.key).unwrap();
        }
        // Another process may use a port between its choice and its use.
        for _ in 0..3 {
            (bao.port, bao.tls_port) = (free_port(), free_port());
            if bao.launch().await {
                issued::add_audit_log(&bao.path("audit.log"));
                bao.set_up().await;
                return bao;
            }
        }
        panic!("OpenBao does not start: {}", bao.log());
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.host())
    }

    /// `127.0.0.1:PORT`, as in messages.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port of plain HTTP.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `https://127.0.0.1:PORT`.
    pub(crate) fn tls_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.tls_port)
    }

    /// `https://NAME:PORT`, for a client that knows this machine by that name.
    pub(crate) fn tls_url_of(&self, name: &str) -> String {
        format!("https://{name}:{}", self.tls_port)
    }

    /// `http://NAME:PORT`, as [`Bao::tls_url_of`].
    pub(crate) fn url_of(&self, name: &str) -> String {
        format!("http://{name}:{}", self.port)
    }

    /// `unix:///…`.
    pub(crate) fn unix_url(&self) -> String {
        format!("unix://{}", self.path("bao.sock").display())
    }

    /// Stops the process: the kernel still accepts connections, and nothing answers.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Ends the process: connections are refused.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // SIGKILL ends a stopped process, too.
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts the server again, on the same ports.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        assert!(
            self.launch().await,
            "OpenBao does not start again: {}",
            self.log()
        );
    }

    async fn set_up(&self) {
        if self.options.persistent {
            self.mount_kv2("secret").await;
        }
        let rules = [
            ("secret/data/*", "read"),
            ("secret/metadata/*", "read"),
            ("kv1/*", "read"),
        ];
        self.set_policy("reader", &rules).await;
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn signal(&self, signal: Signal) {
        if let Some(child) = &self.child {
            kill_process(Pid::from_child(child), signal).unwrap();
        }
    }
}

impl Drop for Bao {
    fn drop(&mut self) {
        self.kill();
        issued::read_audit_log(&self.path("audit.log"));
    }
}
