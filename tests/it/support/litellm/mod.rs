//! A real LiteLLM as the gateway: one for each test, with keys of its own.
//!
//! A gateway is a front in the test process, which counts the requests, and one of two LiteLLM
//! processes behind it, which all tests share. LiteLLM forwards messages to an embedded gateway,
//! which answers as a model's provider does.

#![expect(clippy::unwrap_used, reason = "tests")]

mod front;
mod keys;
mod process;

use std::sync::{Arc, Mutex};

use claviger::demo::gateway::LoggedRequest;
use tokio::task::JoinHandle;

pub(crate) use self::keys::KeyCheck;
use self::{front::Front, keys::Keys, process::LiteLlmProcess};
use super::{gateway::ScriptedGateway, lock::lock};

/// A gateway that is stopped when it is dropped.
pub(crate) struct LiteLlm {
    front: Arc<Front>,
    port: u16,
    task: JoinHandle<()>,
}

impl LiteLlm {
    /// Starts a gateway that accepts these keys.
    pub(crate) async fn start(check: KeyCheck, keys: &[&str]) -> Self {
        let process = match check {
            KeyCheck::NoDatabase => LiteLlmProcess::with_master_key().await,
            _ => LiteLlmProcess::with_custom_auth().await,
        };
        let front = Arc::new(Front {
            upstream: process.url().to_owned(),
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            keys: Keys::new(check),
            log: Mutex::default(),
        });
        let (task, port) = Arc::clone(&front).listen().await;
        let gateway = Self { front, port, task };
        gateway.set_keys(keys);
        gateway
    }

    /// LiteLLM's own URL, which its discovery documents name.
    pub(crate) fn upstream(&self) -> &str {
        &self.front.upstream
    }
}

impl ScriptedGateway for LiteLlm {
    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn set_keys(&self, keys: &[&str]) {
        self.front.keys.edit(|accepted| {
            *accepted = keys.iter().copied().map(str::to_owned).collect();
        });
    }

    fn accept(&self, key: &str) {
        self.front
            .keys
            .edit(|accepted| accepted.push(key.to_owned()));
    }

    fn revoke(&self, key: &str) {
        self.front
            .keys
            .edit(|accepted| accepted.retain(|accepted| accepted != key));
    }

    fn requests(&self) -> Vec<LoggedRequest> {
        lock(&self.front.log).clone()
    }
}

impl Drop for LiteLlm {
    fn drop(&mut self) {
        self.task.abort();
    }
}
