//! A real OpenID provider: oidc-provider, which is certified.

mod options;

use std::{
    fs::{self, File},
    process::Child,
    thread,
};

use reqwest::Method;
use tempfile::TempDir;

pub(crate) use self::options::{
    OidcProviderOptions, RefreshTokens, confidential_client, exact_client, private_key_client,
    public_client,
};
use super::{
    identity_provider::ProviderFront,
    node::node,
    poll::{SOON, until},
    tls::Ca,
    tools::free_port,
};

/// The server's program.
const SCRIPTS: [(&str, &str); 4] = [
    ("server.mjs", include_str!("server/server.mjs")),
    ("provider.mjs", include_str!("server/provider.mjs")),
    ("login.mjs", include_str!("server/login.mjs")),
    ("store.mjs", include_str!("server/store.mjs")),
];

/// A provider behind a front. It is killed when it is dropped.
pub(crate) struct OidcProvider {
    pub(crate) front: ProviderFront,
    directory: TempDir,
    options: OidcProviderOptions,
    port: u16,
    child: Child,
    client: reqwest::Client,
}

impl OidcProvider {
    /// A provider with the default options.
    pub(crate) async fn start() -> Self {
        Self::start_with(OidcProviderOptions::default()).await
    }

    pub(crate) async fn start_with(options: OidcProviderOptions) -> Self {
        Self::launch(options, None).await
    }

    /// A provider whose issuer is an HTTPS URL; the certificate is signed by `ca`.
    pub(crate) async fn start_with_tls(options: OidcProviderOptions, ca: &Ca) -> Self {
        Self::launch(options, Some(ca)).await
    }

    async fn launch(mut options: OidcProviderOptions, ca: Option<&Ca>) -> Self {
        let port = free_port();
        let front = ProviderFront::start(port, ca).await;
        options.issuer = format!("{}{}", front.url(), options.issuer_path);
        let directory = TempDir::new().unwrap();
        let child = spawn(&directory, port, &options);
        let mut provider = Self {
            front,
            directory,
            options,
            port,
            child,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        };
        provider.until_ready().await;
        provider
    }

    /// The issuer, as in the discovery document.
    pub(crate) fn issuer(&self) -> &str {
        &self.options.issuer
    }

    /// Changes the options of the running server. Its sessions and tokens stay.
    pub(crate) async fn configure(&mut self, edit: impl FnOnce(&mut OidcProviderOptions)) {
        edit(&mut self.options);
        let options = serde_json::to_string(&self.options).unwrap();
        self.admin(Method::PUT, "options", options).await;
    }

    /// Replaces the keys that sign tokens. The old ones are not in the key set any more.
    pub(crate) async fn rotate_keys(&self) {
        self.admin(Method::POST, "keys", String::new()).await;
    }

    /// Revokes all that `user` has granted: codes and tokens of all kinds.
    pub(crate) async fn revoke(&self, user: &str) {
        self.admin(Method::POST, "revoke", user.to_owned()).await;
    }

    async fn admin(&self, method: Method, path: &str, body: String) {
        let url = format!("http://127.0.0.1:{}/admin/{path}", self.port);
        let request = self.client.request(method, &url).body(body);
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{url}: {response:?}");
    }

    async fn until_ready(&mut self) {
        // Not through the front, which would count it.
        let discovery = format!(
            "http://127.0.0.1:{}{}/.well-known/openid-configuration",
            self.port,
            self.options.issuer_path.trim_end_matches('/')
        );
        until("oidc-provider is up", SOON, async || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "oidc-provider has ended: {}", self.log());
            let response = self.client.get(&discovery).send().await;
            response.is_ok_and(|response| response.status().is_success())
        })
        .await;
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("oidc-provider's log:\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(directory: &TempDir, port: u16, options: &OidcProviderOptions) -> Child {
    let directory = directory.path();
    for (name, text) in SCRIPTS {
        fs::write(directory.join(name), text).unwrap();
    }
    let log = File::create(directory.join("log")).unwrap();
    node(directory)
        .arg("server.mjs")
        .arg(port.to_string())
        .arg(serde_json::to_string(options).unwrap())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}
