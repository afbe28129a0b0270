//! KV engines and their secrets.

use reqwest::Method;
use serde_json::{Value, json};

use super::Bao;
use crate::support::poll::{SOON, until};

impl Bao {
    /// Writes a version of a secret of the KV v2 engine at `secret`.
    pub(crate) async fn put(&self, path: &str, data: Value) {
        self.write(&format!("secret/data/{path}"), json!({"data": data}))
            .await;
    }

    /// Mounts a KV v1 engine at `kv1`.
    pub(crate) async fn mount_kv1(&self) {
        self.write("sys/mounts/kv1", json!({"type": "kv"})).await;
    }

    /// Mounts a KV v2 engine.
    pub(crate) async fn mount_kv2(&self, mount: &str) {
        let engine = json!({"type": "kv", "options": {"version": "2"}});
        self.write(&format!("sys/mounts/{mount}"), engine).await;
        self.until_versioned(mount).await;
    }

    /// Waits until a new KV v2 engine is ready: it answers 400 while it is being upgraded.
    pub(crate) async fn until_versioned(&self, mount: &str) {
        let config = format!("{mount}/config");
        until("the engine is ready", SOON, async || {
            self.api(Method::GET, &config, Value::Null).await.0 == 200
        })
        .await;
    }

    /// Marks a version as deleted.
    pub(crate) async fn delete_version(&self, path: &str, version: u64) {
        let versions = json!({"versions": [version]});
        self.write(&format!("secret/delete/{path}"), versions).await;
    }

    /// Destroys a version.
    pub(crate) async fn destroy_version(&self, path: &str, version: u64) {
        let versions = json!({"versions": [version]});
        self.write(&format!("secret/destroy/{path}"), versions)
            .await;
    }
}
