//! A second real OpenID provider: Glewlwyd. It has nothing in common with oidc-provider.

mod admin;
mod process;

use std::{process::Child, thread};

use serde_json::json;
use tempfile::TempDir;

use super::{
    identity_provider::{PUBLIC_CLIENT, ProviderFront},
    tls::Ca,
    tools::free_port,
};

/// How the provider behaves. Times are in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GlewlwydOptions {
    pub(crate) access_token_ttl: u32,
    pub(crate) device_code_ttl: u32,
    /// The least time between two polls of the device flow; a faster client gets `slow_down`.
    pub(crate) device_interval: u32,
    /// Each refresh brings a new refresh token.
    pub(crate) rotation: bool,
}

impl Default for GlewlwydOptions {
    fn default() -> Self {
        Self {
            access_token_ttl: 300,
            device_code_ttl: 600,
            device_interval: 1,
            rotation: true,
        }
    }
}

/// A provider behind a front. It is killed when it is dropped.
pub(crate) struct Glewlwyd {
    pub(crate) front: ProviderFront,
    directory: TempDir,
    port: u16,
    child: Child,
    client: reqwest::Client,
}

impl Glewlwyd {
    /// A provider with the default options.
    pub(crate) async fn start() -> Self {
        Self::start_with(GlewlwydOptions::default(), None).await
    }

    /// A provider with these options; with `ca`, its issuer is an HTTPS URL.
    pub(crate) async fn start_with(options: GlewlwydOptions, ca: Option<&Ca>) -> Self {
        let port = free_port();
        let front = ProviderFront::start(port, ca).await;
        let directory = TempDir::new().unwrap();
        process::create_database(directory.path());
        let mut glewlwyd = Self {
            child: process::spawn(directory.path(), port, &front.url()),
            front,
            directory,
            port,
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
        };
        glewlwyd.until_ready().await;
        glewlwyd.set_up(options).await;
        glewlwyd
    }

    /// The issuer, as in the discovery document.
    pub(crate) fn issuer(&self) -> String {
        format!("{}/api/oidc", self.front.url())
    }

    /// Lets the client [`PUBLIC_CLIENT`] redirect to this URL, and to no other.
    pub(crate) async fn allow_redirect(&self, url: &str) {
        let path = format!("client/{PUBLIC_CLIENT}");
        self.put(&path, &admin::client(&json!([url]))).await;
    }
}

impl Drop for Glewlwyd {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("Glewlwyd's log:\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
