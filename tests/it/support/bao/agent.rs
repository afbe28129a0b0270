//! A real `bao agent`.

use std::{
    fs::{self, File},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{AppRoleCredentials, Bao};
use crate::support::{
    poll::{SOON, until},
    tools::{free_port, tool},
};

/// An agent that logs in with a role and adds its token to the requests that it forwards. It is
/// killed when it is dropped.
pub(crate) struct BaoAgent {
    directory: TempDir,
    port: u16,
    pub(crate) child: Child,
}

impl BaoAgent {
    /// Starts an agent and waits until it has logged in.
    pub(crate) async fn start(bao: &Bao, role: &AppRoleCredentials) -> Self {
        let directory = TempDir::new().unwrap();
        let port = free_port();
        let at = directory.path().display().to_string();
        fs::write(directory.path().join("role-id"), &role.role_id).unwrap();
        fs::write(directory.path().join("secret-id"), &role.secret_id).unwrap();
        let config = format!(
            r#"
vault {{ address = "{url}" }}
auto_auth {{
  method "approle" {{
    config = {{
      role_id_file_path = "{at}/role-id"
      secret_id_file_path = "{at}/secret-id"
    }}
  }}
}}
api_proxy {{ use_auto_auth_token = true }}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  tls_disable = true
}}
listener "unix" {{
  address = "{at}/agent.sock"
  tls_disable = true
}}
"#,
            url = bao.url()
        );
        fs::write(directory.path().join("agent.hcl"), config).unwrap();
        let log = File::create(directory.path().join("log")).unwrap();
        let child = Command::new(tool("bao"))
            .arg("agent")
            .arg(format!("-config={at}/agent.hcl"))
            .env_clear()
            .env("HOME", directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let agent = Self {
            directory,
            port,
            child,
        };
        let own = format!("{}/v1/auth/token/lookup-self", agent.url());
        until("the agent is logged in", SOON, async || {
            let response = bao.client.get(&own).send().await;
            response.is_ok_and(|response| response.status().is_success())
        })
        .await;
        agent
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// `unix:///…`.
    pub(crate) fn unix_url(&self) -> String {
        format!("unix://{}/agent.sock", self.directory.path().display())
    }
}

impl Drop for BaoAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
