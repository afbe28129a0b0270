//! The demo's own corner of the machine: a directory, an environment, and the real programs run in it.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use tempfile::TempDir;
use tokio::process::Command;

use super::{Failed, issuer};
use crate::secret::Secret;

/// The demo's own corner of the machine. What is in it goes with it.
pub(super) struct Sandbox {
    directory: TempDir,
    helper: PathBuf,
    gateway: String,
    socket: PathBuf,
}

impl Sandbox {
    /// Makes the directory, with the signing key and a configuration in it.
    pub(super) fn new(helper: PathBuf, gateway: &str, signing_key: Secret) -> Result<Self, Failed> {
        // Short, because a socket's path has to be.
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

    /// The issuer has a new key.
    pub(super) fn write_signing_key(&self, key: Secret) -> Result<(), Failed> {
        let mut options = fs::OpenOptions::new();
        options.create(true).write(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(self.path("signing.pem"))?;
        file.write_all(key.expose().as_bytes())?;
        Ok(())
    }

    /// What claviger-helper prints.
    pub(super) async fn key(&self) -> Result<Secret, Failed> {
        let output = self.run(&self.helper, &[]).await?;
        Ok(Secret::trimmed(String::from_utf8(output.stdout)?))
    }

    /// The status that the gateway answers a request of the client's kind with.
    pub(super) async fn request(&self, key: &Secret) -> Result<u16, Failed> {
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

    /// Ends the daemon and removes the directory.
    pub(super) async fn clear(self) -> Result<(), Failed> {
        self.run(&env::current_exe()?, &["stop"]).await?;
        fs::remove_dir_all(self.directory.path())?;
        Ok(())
    }

    /// What sets this corner apart from the rest of the machine.
    pub(super) fn variables(&self) -> [(&'static str, String); 3] {
        let text = |path: &Path| path.display().to_string();
        [
            ("CLAVIGER_CONFIG", text(&self.path("config.toml"))),
            ("CLAVIGER_SOCKET", text(&self.socket)),
            ("CLAVIGER_STATE_DIR", text(&self.path("state"))),
        ]
    }

    /// What apiKeyHelper is to be. With `exec` the shell makes way, which saves a process.
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

    /// Runs one of the programs as the client would, with the demo's environment.
    async fn run(&self, program: &Path, arguments: &[&str]) -> Result<Output, Failed> {
        let output = Command::new(program)
            .args(arguments)
            .envs(self.variables())
            .env("ANTHROPIC_BASE_URL", &self.gateway)
            .env_remove("CLAVIGER_PROFILE")
            .stdin(Stdio::null())
            .output()
            .await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr)
                .trim()
                .replace('\n', "; ");
            let program = program.file_name().unwrap_or_default().display();
            return Err(format!("{program} ended with {}: {said}", output.status).into());
        }
        Ok(output)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // A demo that failed half-way: nothing of it may go on. Where all went well there is no daemon any more.
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

/// The claviger-helper that lies beside this program. Under `cargo run`, which builds this program alone, cargo is asked
/// to build it first.
pub(super) async fn helper() -> Result<PathBuf, Failed> {
    let own = env::current_exe()?;
    let directory = own.parent().ok_or("this program is in no directory")?;
    let helper = directory
        .join("claviger-helper")
        .with_extension(env::consts::EXE_EXTENSION);
    if let (Some(cargo), Some(target)) = (env::var_os("CARGO"), directory.parent()) {
        if !helper.exists() {
            writeln!(
                io::stdout(),
                "building claviger-helper, which cargo run does not, ..."
            )?;
        }
        let mut build = Command::new(cargo);
        build.args([
            "build",
            "--quiet",
            "--locked",
            "--package",
            "claviger-helper",
        ]);
        build.args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ]);
        build.arg("--target-dir").arg(target);
        if directory.ends_with("release") {
            build.arg("--release");
        }
        let status = build.stdin(Stdio::null()).status().await?;
        if !status.success() {
            return Err("cargo could not build claviger-helper".into());
        }
    }
    if helper.exists() {
        Ok(helper)
    } else {
        Err(format!("there is no '{}'", helper.display()).into())
    }
}
