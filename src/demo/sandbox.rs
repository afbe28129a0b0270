//! A temporary directory, an environment and the real programs.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use tempfile::TempDir;
use tokio::process::Command;

use super::{error::DemoError, issuer};
use crate::secret::Secret;

/// A temporary directory with the configuration and the daemon's files, and the environment in
/// which the real programs use it. Dropping it stops the daemon and removes the directory.
pub(super) struct Sandbox {
    directory: TempDir,
    helper: PathBuf,
    gateway: String,
    socket: PathBuf,
}

impl Sandbox {
    /// Creates the directory and writes the signing key and the configuration to it.
    pub(super) fn new(
        helper: PathBuf,
        gateway: &str,
        signing_key: Secret,
    ) -> Result<Self, DemoError> {
        // The path is short, because the length of a socket's path is limited.
        let directory = tempfile::Builder::new()
            .prefix("claviger-demo-")
            .tempdir()?;
        let socket = if cfg!(windows) {
            PathBuf::from(format!(r"\\.\pipe\claviger-demo-{}", std::process::id()))
        } else {
            directory.path().join("run/agent.sock")
        };
        let sandbox = Self {
            directory,
            helper,
            gateway: gateway.to_owned(),
            socket,
        };
        sandbox.write_signing_key(signing_key)?;
        fs::write(sandbox.path("config.toml"), sandbox.configuration())?;
        Ok(sandbox)
    }

    /// Writes the issuer's signing key, over the one before.
    pub(super) fn write_signing_key(&self, key: Secret) -> Result<(), DemoError> {
        let mut options = fs::OpenOptions::new();
        options.create(true).write(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(self.path("signing.pem"))?;
        file.write_all(key.expose().as_bytes())?;
        Ok(())
    }

    /// Runs claviger-helper and returns the key that it printed.
    pub(super) async fn key(&self) -> Result<Secret, DemoError> {
        let output = self.run(&self.helper, &[]).await?;
        Ok(Secret::trimmed(String::from_utf8(output.stdout)?))
    }

    /// Sends a request like the client's, with the key in both headers, and returns the status.
    pub(super) async fn request(&self, key: &Secret) -> Result<u16, DemoError> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let response = client
            .post(format!("{}/v1/messages?beta=true", self.gateway))
            .bearer_auth(key.expose())
            .header("x-api-key", key.expose())
            .json(&serde_json::json!({
                "model": "claude-sonnet-4-5",
                "max_tokens": 16,
                "messages": [{"role": "user", "content": "Hello"}],
            }))
            .send()
            .await?;
        Ok(response.status().as_u16())
    }

    /// Stops the daemon and removes the directory.
    pub(super) async fn clear(self) -> Result<(), DemoError> {
        self.run(&env::current_exe()?, &["stop"]).await?;
        fs::remove_dir_all(self.directory.path())?;
        Ok(())
    }

    /// The variables that point the programs at this directory.
    pub(super) fn variables(&self) -> [(&'static str, String); 3] {
        let text = |path: &Path| path.display().to_string();
        [
            ("CLAVIGER_CONFIG", text(&self.path("config.toml"))),
            ("CLAVIGER_SOCKET", text(&self.socket)),
            ("CLAVIGER_STATE_DIR", text(&self.path("state"))),
        ]
    }

    /// The value of `apiKeyHelper`. `exec` replaces the shell, which saves a process.
    pub(super) fn helper_command(&self) -> String {
        let exec = if cfg!(windows) { "" } else { "exec " };
        format!("{exec}\"{}\"", self.helper.display())
    }

    fn configuration(&self) -> String {
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        format!(
            "version = 1\n\
             \n\
             [profile.default]\n\
             gateway = {gateway}\n\
             source  = \"demo\"\n\
             \n\
             [source.demo]\n\
             type      = \"jwt\"\n\
             algorithm = \"EdDSA\"\n\
             key_file  = {key_file}\n\
             issuer    = \"claviger-demo\"\n\
             subject   = \"demo\"\n\
             audience  = {audience}\n\
             ttl       = \"1h\"\n",
            gateway = quoted(&self.gateway),
            key_file = quoted(&self.path("signing.pem").display().to_string()),
            audience = quoted(issuer::AUDIENCE),
        )
    }

    /// Runs one of the programs as the client would, in the sandbox's environment.
    async fn run(&self, program: &Path, arguments: &[&str]) -> Result<Output, DemoError> {
        let output = Command::new(program)
            .args(arguments)
            .envs(self.variables())
            .env("ANTHROPIC_BASE_URL", &self.gateway)
            .env_remove("CLAVIGER_PROFILE")
            .stdin(Stdio::null())
            .output()
            .await?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr)
                .trim()
                .replace('\n', "; ");
            let program = program.file_name().unwrap_or_default().display();
            return Err(format!("{program} failed with {}: {message}", output.status).into());
        }
        Ok(output)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Stops the daemon of a demo that failed. After `clear` there is none.
        if let Ok(own) = env::current_exe() {
            let mut stop = std::process::Command::new(own);
            let _ = stop
                .arg("stop")
                .envs(self.variables())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}
