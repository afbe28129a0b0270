//! The server's process: its configuration, its start, and when it is ready.

use std::{
    fmt::Write as _,
    fs::{self, File},
    process::{Command, Stdio},
};

use serde_json::json;

use super::{Bao, api::ROOT_TOKEN};
use crate::support::{
    poll::{SOON, until},
    tools::tool,
};

impl Bao {
    /// Starts the process and waits until it is ready. Returns false if it has ended instead.
    pub(super) async fn launch(&mut self) -> bool {
        let log = File::create(self.path("log")).unwrap();
        fs::write(self.path("config.hcl"), self.config()).unwrap();
        let mut command = Command::new(tool("bao"));
        command
            .arg("server")
            .arg(format!("-config={}", self.path("config.hcl").display()))
            .env_clear()
            .env("HOME", self.directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        if !self.options.persistent {
            command
                .args(["-dev", "-dev-no-store-token"])
                .arg(format!("-dev-root-token-id={ROOT_TOKEN}"))
                .arg(format!("-dev-listen-address={}", self.host()));
        }
        self.child = Some(command.spawn().unwrap());
        let mut is_up = false;
        until("OpenBao is up", SOON, async || {
            let child = self.child.as_mut().unwrap();
            if child.try_wait().unwrap().is_some() {
                return true;
            }
            is_up = self.is_ready().await;
            is_up
        })
        .await;
        is_up
    }

    pub(super) async fn until_ready(&self) {
        until("OpenBao is ready", SOON, async || self.is_ready().await).await;
    }

    /// Whether the root token works and, for a server in memory, the engine at `secret` exists:
    /// both are created after unsealing.
    async fn is_ready(&self) -> bool {
        let request = if self.options.persistent {
            // The only node of a cluster answers reads before it has elected itself and accepts
            // writes.
            let write = self
                .client
                .post(format!("{}/v1/cubbyhole/ready", self.url()));
            write.json(&json!({"is": "ready"}))
        } else {
            self.client.get(format!("{}/v1/secret/config", self.url()))
        };
        let request = request.header("X-Vault-Token", ROOT_TOKEN);
        request
            .send()
            .await
            .is_ok_and(|response| response.status().is_success())
    }

    fn config(&self) -> String {
        let directory = self.directory.path().display();
        let mut config = format!(
            "audit \"file\" \"file\" {{ options {{ file_path = \"{directory}/audit.log\", log_raw = \"true\" }} }}\n"
        );
        if self.options.tls.is_some() {
            let _ = writeln!(
                config,
                "listener \"tcp\" {{\n address = \"127.0.0.1:{}\"\n tls_cert_file = \"{directory}/cert.pem\"\n \
                 tls_key_file = \"{directory}/key.pem\"\n}}",
                self.tls_port
            );
        }
        if self.options.unix {
            let _ = writeln!(
                config,
                "listener \"unix\" {{ address = \"{directory}/bao.sock\" }}"
            );
        }
        if self.options.persistent {
            config.push_str(&self.persistent_config());
        }
        config
    }

    /// A cluster of one node that keeps its state in files and unseals without help.
    fn persistent_config(&self) -> String {
        let directory = self.directory.path().display();
        let key = self.path("seal.key");
        if !key.exists() {
            fs::write(&key, [7; 32]).unwrap();
            fs::create_dir(self.path("raft")).unwrap();
        }
        format!(
            r#"
disable_mlock = true
api_addr = "http://{host}"
cluster_addr = "http://127.0.0.1:{cluster_port}"
listener "tcp" {{
  address = "{host}"
  cluster_address = "127.0.0.1:{cluster_port}"
  tls_disable = true
}}
storage "raft" {{
  path = "{directory}/raft"
  node_id = "it"
  performance_multiplier = "1"
}}
seal "static" {{
  current_key_id = "it"
  current_key = "file://{directory}/seal.key"
}}
initialize "root" {{
  request "token" {{
    operation = "update"
    path = "auth/token/create"
    data = {{ id = "{ROOT_TOKEN}", policies = ["root"], no_parent = true }}
  }}
}}
"#,
            host = self.host(),
            // A persistent server does not listen for TLS: the port is free.
            cluster_port = self.tls_port,
        )
    }
}
