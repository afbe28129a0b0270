//! The daemon of the demo, and the real programs that ask it.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    io::{self, Write as _},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use claviger_wire::client::handshake;
use tokio::{
    io::AsyncReadExt as _,
    process::{Child, ChildStdin, Command},
};

use super::{configuration::PROFILE, error::DemoError, places::DemoPlaces};
use crate::{secret::Secret, shell_word::shell_word};

/// The longest wait for the daemon's end: it gives requests under way 2 s.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// Variables with these beginnings choose what a client asks for, and are not of the demo.
const FOREIGN: [&str; 4] = ["ANTHROPIC_", "CLAUDE_", "CLAVIGER_", "XDG_"];

/// A daemon of its own, in a directory of its own. The daemon ends, and removes the directory, when
/// this process is gone in whatever way: its stdin is a pipe from here.
pub(super) struct Sandbox {
    daemon: Child,
    /// Not in `daemon`, whose stdin is closed if it is waited for.
    stdin: Option<ChildStdin>,
    places: DemoPlaces,
    helper: PathBuf,
    gateway: String,
}

impl Sandbox {
    /// Starts the daemon, for the gateway on the port `port` of 127.0.0.1. It does not listen yet.
    pub(super) fn start(helper: PathBuf, port: u16) -> Result<Self, DemoError> {
        let cannot = |action: &str, error: &io::Error| {
            let hint = "check the limits of this session, such as with ulimit -a";
            DemoError::machine(format!("cannot {action}: {error}"), hint)
        };
        let places = DemoPlaces::random()
            .map_err(|error| cannot("determine the working directory", &error))?;
        let own = env::current_exe().map_err(|error| cannot("find this program", &error))?;
        let mut command = Command::new(own);
        command
            .args(["daemon", "--demo"])
            .arg(places.directory())
            .args(["--gateway-port", &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        // Its end is that of its stdin: Ctrl-C at the terminal is for the demo alone.
        #[cfg(unix)]
        command
            .process_group(0)
            .env_clear()
            .envs(crate::environment::build(None, None, None, env::vars_os()));
        #[cfg(windows)]
        {
            /// See `CreateProcessW`.
            const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
            command
                .creation_flags(CREATE_NEW_PROCESS_GROUP)
                .env_clear()
                .envs(own_variables());
        }
        let mut daemon = command
            .spawn()
            .map_err(|error| cannot("start the daemon", &error))?;
        Ok(Self {
            stdin: daemon.stdin.take(),
            daemon,
            places,
            helper,
            gateway: format!("http://127.0.0.1:{port}"),
        })
    }

    /// Waits until the daemon listens.
    pub(super) async fn ready(&mut self) -> Result<(), DemoError> {
        let mut report = Vec::new();
        if let Some(stdout) = &mut self.daemon.stdout {
            // Half a report is none.
            let _ = stdout.read_to_end(&mut report).await;
        }
        match handshake::read(report.as_slice()) {
            Some(Ok(_)) => Ok(()),
            Some(Err(failure)) => {
                let hint = failure.hint.unwrap_or_default();
                Err(DemoError::machine(failure.message, hint))
            }
            None => Err(self.daemon_is_gone()),
        }
    }

    /// Waits for the end of a daemon that nothing has asked to end.
    pub(super) async fn ended(&mut self) -> DemoError {
        // It fails only if the process has been waited for.
        let _ = self.daemon.wait().await;
        self.daemon_is_gone()
    }

    /// Writes the issuer's signing key, over the one before.
    pub(super) fn write_signing_key(&self, key: &Secret) -> Result<(), DemoError> {
        let path = self.places.signing_key();
        let mut options = fs::OpenOptions::new();
        options.create(true).write(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options
            .open(&path)
            .and_then(|mut file| file.write_all(key.expose().as_bytes()));
        written.map_err(|error| {
            let problem = format!("cannot write '{}': {error}", path.display());
            DemoError::machine(problem, "check that its file system has free space")
        })
    }

    /// Runs claviger-helper as the client would, and returns the key that it printed.
    pub(super) async fn key(&self) -> Result<Secret, DemoError> {
        let output = Command::new(&self.helper)
            .args(self.helper_arguments())
            .env_clear()
            .envs(own_variables())
            .env("ANTHROPIC_BASE_URL", &self.gateway)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await;
        let output = output.map_err(|error| {
            let problem = format!("cannot run '{}': {error}", self.helper.display());
            DemoError::machine(problem, "install claviger-helper again")
        })?;
        if !output.status.success() {
            return Err(helper_failed(&String::from_utf8_lossy(&output.stderr)));
        }
        let key = String::from_utf8(output.stdout);
        let key = key.map_err(|_| DemoError::bug("claviger-helper printed a key in no text"))?;
        Ok(Secret::trimmed(key))
    }

    /// Sends a request like the client's, with the key in both headers, and returns the status.
    pub(super) async fn request(&self, key: &Secret) -> Result<u16, DemoError> {
        let send = async {
            // The gateway speaks plain HTTP; a container may have no CA certificates.
            let client = reqwest::Client::builder()
                .no_proxy()
                .tls_certs_only([])
                .build()?;
            client
                .post(format!("{}/v1/messages?beta=true", self.gateway))
                .bearer_auth(key.expose())
                .header("x-api-key", key.expose())
                .json(&serde_json::json!({
                    "model": "claude-sonnet-4-5",
                    "max_tokens": 16,
                    "messages": [{"role": "user", "content": "Hello"}],
                }))
                .send()
                .await
        };
        let response = send.await.map_err(|error| {
            let problem = format!("no response from the gateway: {error}");
            DemoError::machine(problem, "allow programs to connect to 127.0.0.1")
        })?;
        Ok(response.status().as_u16())
    }

    /// Ends the daemon and waits until it has ended and the directory is removed.
    pub(super) async fn clear(mut self) -> Result<(), DemoError> {
        drop(self.stdin.take());
        let end = tokio::time::timeout(END_TIMEOUT, self.daemon.wait());
        if end.await.is_err() {
            // It fails only if the daemon has ended by now.
            let _ = self.daemon.kill().await;
        }
        // The daemon leaves it only if it was killed.
        let directory = self.places.directory();
        match fs::remove_dir_all(directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let path = directory.display();
                let problem = format!("cannot remove the directory '{path}': {error}");
                Err(DemoError::machine(problem, format!("remove '{path}'")))
            }
            _ => Ok(()),
        }
    }

    /// The value of `ANTHROPIC_BASE_URL`.
    pub(super) fn gateway(&self) -> &str {
        &self.gateway
    }

    /// The value of `apiKeyHelper`. `exec` replaces the shell, which saves a process.
    pub(super) fn helper_command(&self) -> String {
        let exec = if cfg!(windows) { "" } else { "exec " };
        let helper = shell_word(&self.helper.display().to_string());
        let [profile_option, profile, socket_option, socket] = self.helper_arguments();
        let (profile_option, profile) = (profile_option.display(), profile.display());
        let socket = shell_word(&socket.display().to_string());
        let socket_option = socket_option.display();
        format!("{exec}{helper} {profile_option} {profile} {socket_option} {socket}")
    }

    /// Both are named, so the client's environment does not choose them.
    fn helper_arguments(&self) -> [OsString; 4] {
        let socket = self.places.socket().into();
        [
            "--profile".into(),
            PROFILE.into(),
            "--socket".into(),
            socket,
        ]
    }

    fn daemon_is_gone(&self) -> DemoError {
        let hint = "run claviger demo again, and leave its daemon running";
        DemoError::machine("its daemon has ended", hint)
    }
}

/// The variables of this process, apart from those that choose another key.
fn own_variables() -> impl Iterator<Item = (OsString, OsString)> {
    env::vars_os().filter(|(name, _)| !is_foreign(name))
}

fn is_foreign(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    FOREIGN.iter().any(|foreign| name.starts_with(foreign))
}

/// The failure that claviger-helper has reported on stderr.
fn helper_failed(stderr: &str) -> DemoError {
    let mut lines = stderr.lines();
    let line = lines.next().unwrap_or_default();
    let problem = line.strip_prefix("claviger: ").unwrap_or(line);
    let problem = format!("claviger-helper failed: {}", problem.trim_end_matches('.'));
    match lines.next().and_then(|line| line.strip_prefix("hint: ")) {
        Some(hint) => DemoError::machine(problem, hint),
        None => DemoError::bug(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_choose_a_key_are_foreign() {
        for (name, expected) in [
            ("CLAVIGER_SOCKET", true),
            ("claviger_profile", true),
            ("XDG_RUNTIME_DIR", true),
            ("ANTHROPIC_BASE_URL", true),
            ("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", true),
            ("PATH", false),
            ("MY_XDG_DIR", false),
        ] {
            assert_eq!(is_foreign(OsStr::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn the_helpers_failure_keeps_its_hint() {
        let DemoError::Step { problem, hint } = helper_failed("claviger: no key.\nhint: do this\n")
        else {
            panic!("no failure");
        };
        assert_eq!(problem, "claviger-helper failed: no key");
        assert_eq!(hint, "do this");
    }
}
