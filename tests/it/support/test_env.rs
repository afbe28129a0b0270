//! A developer's machine of a test's own: directories, an environment, the real programs.

use std::{
    collections::HashMap,
    fs::{self, Permissions},
    os::{
        fd::AsFd as _,
        unix::{fs::PermissionsExt as _, net::UnixStream},
    },
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{Bao, poll::until_blocking};

/// The key of most tests; long enough to be found where it must not be.
pub(crate) const KEY: &str = "sk-canary-5f3a9c";

/// How long a daemon may take to end: its own farewell is 2 s.
const FAREWELL: Duration = Duration::from_secs(5);

/// When it is dropped, the daemon that was started on it ends, and the test fails where a secret is anywhere that it
/// must not be: see [`TestEnv::secret`].
pub(crate) struct TestEnv {
    /// Short enough a path for a socket.
    root: TempDir,
    variables: Mutex<HashMap<String, String>>,
    canary: Mutex<Canary>,
}

#[derive(Default)]
struct Canary {
    secrets: Vec<String>,
    /// What came out, and out of what.
    heard: Vec<(String, String)>,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestEnv {
    /// Nothing is configured.
    pub(crate) fn new() -> Self {
        let root = TempDir::new().unwrap();
        let env = Self {
            root,
            variables: Mutex::default(),
            canary: Mutex::default(),
        };
        for directory in ["home", "config/claviger", "state", "run", "secrets"] {
            fs::create_dir_all(env.path(directory)).unwrap();
            set_mode(&env.path(directory), 0o700);
        }
        env
    }

    /// One with this configuration; `version = 1` is put before it.
    pub(crate) fn configured(toml: &str) -> Self {
        let env = Self::new();
        env.config(toml);
        env
    }

    /// One whose only key is the field `api_key` at `path` of a Vault, for which it has a token of the policy `reader`;
    /// `more` are further lines of the source's table.
    pub(crate) async fn with_token(bao: &Bao, path: &str, more: &str) -> Self {
        let env = Self::new();
        env.secret(KEY);
        let token = env.secret_file("token", &bao.token(json!({})).await);
        let auth = format!("method = \"token\", token_file = \"{token}\"");
        env.config(&vault(&bao.url(), path, more, &auth));
        env
    }

    /// As [`TestEnv::with_token`], with a role of approle's whose tokens are as `parameters` say.
    pub(crate) async fn with_approle(bao: &Bao, path: &str, parameters: Value) -> Self {
        let env = Self::new();
        env.secret(KEY);
        let role = bao.approle(parameters).await;
        let secret_id = env.secret_file("secret-id", &role.secret_id);
        let auth = approle(&role.role_id, &secret_id);
        env.config(&vault(&bao.url(), path, "", &auth));
        env
    }

    /// One whose only source runs this script of sh's, which has a secret of its own: [`KEY`].
    pub(crate) fn scripted(script: &str) -> Self {
        let env = Self::new();
        env.secret(KEY);
        let program = env.program("corp-key", script);
        env.config(&format!(
            "[profile.default]\nsource = \"corp\"\n[source.corp]\ntype = \"exec\"\ncommand = [\"{program}\"]\n"
        ));
        env
    }

    /// One whose only source prints [`KEY`].
    pub(crate) fn printing() -> Self {
        Self::scripted(&format!("echo {KEY}"))
    }

    /// A file or directory of this machine.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/claviger/agent.sock")
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.path("state/claviger")
    }

    /// What the daemon logged; empty where it has not.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.state_dir().join("daemon.log")).unwrap_or_default()
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.path("config/claviger/config.toml")
    }

    /// Writes the user's configuration as an editor does, by a rename; `version = 1` is put before it.
    pub(crate) fn config(&self, toml: &str) {
        self.raw_config(&format!("version = 1\n{toml}"));
    }

    /// Writes the user's configuration as it stands.
    pub(crate) fn raw_config(&self, text: &str) {
        let new = self.path("config/claviger/new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.config_file()).unwrap();
    }

    /// Writes a file that is the user's alone, and gives its path. Its content is a secret.
    pub(crate) fn secret_file(&self, name: &str, content: &str) -> String {
        self.secret(content);
        self.file(name, content)
    }

    /// Writes a file that is the user's alone, and gives its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.path("secrets").join(name);
        fs::write(&path, content).unwrap();
        set_mode(&path, 0o600);
        path.to_str().unwrap().to_owned()
    }

    /// Writes a program, and gives its path.
    pub(crate) fn program(&self, name: &str, script: &str) -> String {
        let path = self.file(name, &format!("#!/bin/sh\n{script}\n"));
        set_mode(Path::new(&path), 0o700);
        path
    }

    /// Sets a variable in the environment of what is started from now on.
    pub(crate) fn set(&self, name: &str, value: &str) {
        let mut variables = lock(&self.variables);
        variables.insert(name.to_owned(), value.to_owned());
    }

    /// `value` must from now on be nowhere but in the shim's stdout: not in other output, not in the state directory,
    /// not in the daemon's command line and environment.
    pub(crate) fn secret(&self, value: &str) {
        let value = value.trim();
        // The root token and other short words are found everywhere.
        if value.len() >= 8 {
            lock(&self.canary).secrets.push(value.to_owned());
        }
    }

    /// Runs the shim.
    pub(crate) async fn helper(&self) -> Output {
        self.helper_with(&[], &[]).await
    }

    /// Runs the shim with these arguments and, for this run, these variables.
    pub(crate) async fn helper_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = self.command("claviger-helper", args);
        command.envs(variables.iter().copied());
        let output = run(command).await;
        self.heard("claviger-helper's stderr", &output.stderr);
        assert!(
            output.code == Some(0) || output.stdout.is_empty(),
            "the shim failed and printed"
        );
        output
    }

    /// Runs this many shims at once.
    pub(crate) async fn helpers(&self, count: usize) -> Vec<Output> {
        let mut shims = Vec::with_capacity(count);
        for _ in 0..count {
            let child = spawn(self.command("claviger-helper", &[]));
            shims.push(tokio::spawn(child.wait_with_output()));
        }
        let mut outputs = Vec::with_capacity(count);
        for shim in shims {
            let output = Output::from(shim.await.unwrap().unwrap());
            self.heard("claviger-helper's stderr", &output.stderr);
            outputs.push(output);
        }
        outputs
    }

    /// Runs the command line.
    pub(crate) async fn claviger(&self, args: &[&str]) -> Output {
        let output = run(self.command("claviger", args)).await;
        self.heard(&format!("the stdout of {args:?}"), &output.stdout);
        self.heard(&format!("the stderr of {args:?}"), &output.stderr);
        output
    }

    /// `claviger status --json`.
    pub(crate) async fn status(&self) -> Value {
        let output = self.claviger(&["status", "--json"]).await;
        assert_eq!(output.code, Some(0), "{output:?}");
        serde_json::from_str(&output.stdout).unwrap()
    }

    /// Starts a daemon in the foreground, with its stderr for whoever waits for it; killed when dropped.
    pub(crate) fn daemon(&self, args: &[&str]) -> Child {
        spawn(self.command("claviger", &[&["daemon"], args].concat()))
    }

    /// Who listens on the socket; `None` where nobody does.
    pub(crate) fn daemon_pid(&self) -> Option<Pid> {
        let stream = UnixStream::connect(self.socket()).ok()?;
        let peer = rustix::net::sockopt::socket_peercred(stream.as_fd()).ok()?;
        Some(peer.pid)
    }

    /// Kills the daemon with `signal` and waits until it is gone.
    pub(crate) fn kill_daemon(&self, signal: Signal) {
        let pid = self.daemon_pid().expect("a daemon");
        rustix::process::kill_process(pid, signal).unwrap();
        assert!(
            until_blocking(FAREWELL, || !is_alive(pid)),
            "the daemon outlives {signal:?}"
        );
    }

    /// The shim or the command line, with nothing of the test's own environment.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(binary(program));
        command
            .args(args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            // For a machine that is busy with other tests.
            .env("CLAVIGER_TIMEOUT_MS", "30000")
            .envs(lock(&self.variables).iter())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// `text` came out of `what`.
    pub(crate) fn heard(&self, what: &str, text: &str) {
        let mut canary = lock(&self.canary);
        canary.heard.push((what.to_owned(), text.to_owned()));
    }

    /// Ends the daemon, and says where a secret is that must not be there.
    fn leaks(&self) -> Vec<String> {
        if let Some(pid) = self.daemon_pid() {
            let proc = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
            for file in ["cmdline", "environ"] {
                // A hardened process shows it to nobody: as well.
                if let Ok(bytes) = fs::read(proc.join(file)) {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    self.heard(
                        &format!("the daemon's {file}"),
                        &self.without_variables(text),
                    );
                }
            }
            let _ = rustix::process::kill_process(pid, Signal::TERM);
            if !until_blocking(FAREWELL, || !is_alive(pid)) {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
        }
        for directory in [self.state_dir(), self.path("run")] {
            for (path, text) in files_in(&directory) {
                self.heard(&path.display().to_string(), &text);
            }
        }
        let canary = lock(&self.canary);
        let mut leaks = Vec::new();
        for (what, text) in &canary.heard {
            for secret in &canary.secrets {
                if text.contains(secret) {
                    leaks.push(format!("{what}: {:?}", text.replace(secret, "<SECRET>")));
                }
            }
        }
        leaks
    }

    /// What the test itself put into the environment is no leak.
    fn without_variables(&self, environ: String) -> String {
        let variables = lock(&self.variables);
        variables
            .values()
            .filter(|value| !value.is_empty())
            .fold(environ, |environ, value| environ.replace(value, ""))
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        let leaks = self.leaks();
        if std::thread::panicking() {
            println!("the daemon's log:\n{}", self.log());
        } else {
            assert!(leaks.is_empty(), "a secret leaked: {leaks:#?}");
        }
    }
}

impl Output {
    /// The shim printed this key and said nothing.
    #[track_caller]
    pub(crate) fn printed(&self, key: &str) {
        let expected = Self {
            code: Some(0),
            stdout: format!("{key}\n"),
            stderr: String::new(),
        };
        assert_eq!(self, &expected);
    }

    /// It failed as the contract has it: this code, nothing on stdout, at most two lines and 400 characters on stderr, with
    /// all of `parts` in them.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, parts: &[&str]) {
        assert_eq!(
            (self.code, self.stdout.as_str()),
            (Some(code), ""),
            "{self:?}"
        );
        let lines: Vec<_> = self.stderr.lines().collect();
        assert!(
            lines[0].starts_with("claviger: ")
                && lines.len() <= 2
                && lines[1..].iter().all(|line| line.starts_with("hint: "))
                && self.stderr.ends_with('\n')
                && self.stderr.chars().count() <= 400,
            "{self:?}"
        );
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is not in {self:?}");
        }
    }

    /// It did what it was told to.
    #[track_caller]
    pub(crate) fn succeeded(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        &self.stdout
    }
}

impl From<std::process::Output> for Output {
    fn from(output: std::process::Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A configuration whose only profile has the field `api_key` at `path` of the Vault at `address`; `more` are further
/// lines of the source's table, `auth` what is in its table `auth`.
pub(crate) fn vault(address: &str, path: &str, more: &str, auth: &str) -> String {
    format!(
        "[profile.default]\nsource = \"vault\"\n{}",
        source("vault", address, path, more, auth)
    )
}

/// The source `name` of such a configuration.
pub(crate) fn source(name: &str, address: &str, path: &str, more: &str, auth: &str) -> String {
    format!(
        r#"
[source.{name}]
type = "vault"
address = "{address}"
path = "{path}"
field = "api_key"
{more}
auth = {{ {auth} }}
"#
    )
}

/// An `auth` table's inside.
pub(crate) fn approle(role_id: &str, secret_id_file: &str) -> String {
    format!("method = \"approle\", role_id = \"{role_id}\", secret_id_file = \"{secret_id_file}\"")
}

/// One of the programs, where `cargo build --workspace` puts it.
///
/// # Panics
///
/// Where it is not there.
pub(crate) fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let directory = test.parent().and_then(Path::parent).unwrap();
    let binary = directory.join(name);
    assert!(
        binary.exists(),
        "{} is not there: run tests/run, or cargo build --workspace first",
        binary.display()
    );
    binary
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Whether a process is there and not a zombie.
pub(crate) fn is_alive(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// Runs it to its end.
pub(crate) async fn run(command: Command) -> Output {
    spawn(command).wait_with_output().await.unwrap().into()
}

fn spawn(mut command: Command) -> Child {
    command.spawn().unwrap()
}

/// All files under `directory`.
fn files_in(directory: &Path) -> Vec<(PathBuf, String)> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files.extend(files_in(&entry.path()));
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap();
            files.push((entry.path(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    files
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
