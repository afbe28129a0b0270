//! The real Claude Code, configured to run claviger-helper for its key.
//!
//! It runs in the home directory of a [`TestEnv`] or of ana in a [`Namespace`], and with an empty
//! environment: its variables, and those of the helper, are in `settings.json`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    fs::{self, File},
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Map, Value, json};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines,
    },
    process::{Child, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};

use super::{
    lock::lock,
    namespace::{Entrance, Namespace, User},
    process::binary,
    test_env::TestEnv,
    tools::tool,
};

/// The limit for each step of the client. Its retries after a failing helper take 2.6 s.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A developer's Claude Code. Several can run at once.
pub(crate) struct ClaudeCode {
    /// The home directory as the client sees it.
    home: PathBuf,
    /// The home directory as this process reaches it.
    files: PathBuf,
    directory: PathBuf,
    /// The namespace and the user; this process's own if it is `None`.
    entrance: Option<Entrance>,
    /// A copy of `/etc` with managed settings, which only the client sees.
    etc: Option<PathBuf>,
    transcript: Transcript,
}

/// All output of the clients so far, to be searched for secrets.
#[derive(Clone, Default)]
struct Transcript(Arc<Mutex<String>>);

/// How a client ended that took one turn.
#[derive(Debug)]
pub(crate) struct ClaudeOutput {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// How a turn of a session ended.
#[derive(Debug)]
pub(crate) struct TurnResult {
    pub(crate) text: String,
    pub(crate) is_error: bool,
}

/// A running client, which keeps its key between turns. It is killed when it is dropped.
pub(crate) struct ClaudeSession {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: JoinHandle<String>,
    transcript: Transcript,
}

impl ClaudeCode {
    /// Writes the settings: the shim as the helper, run without a shell in between; the base URL
    /// `gateway`; and for the client and its helper `variables` in addition to those of `env`.
    pub(crate) fn new(env: &TestEnv, gateway: &str, variables: &[(&str, &str)]) -> Self {
        let [config, state, run] =
            ["config", "state", "run"].map(|name| env.path(name).display().to_string());
        let own = [
            ("XDG_CONFIG_HOME", &*config),
            ("XDG_STATE_HOME", &*state),
            ("XDG_RUNTIME_DIR", &*run),
        ];
        let client = Self {
            home: env.path("home"),
            files: env.path("home"),
            directory: env.path("home"),
            entrance: None,
            etc: None,
            transcript: Transcript::default(),
        };
        let helper = binary("claviger-helper");
        client.write_settings(gateway, &helper, &[&own[..], variables].concat());
        client
    }

    /// [`ClaudeCode::new`] for ana in `machine`, which has the client as its tool.
    pub(crate) fn of_ana(machine: &Namespace, gateway: &str, variables: &[(&str, &str)]) -> Self {
        let home = PathBuf::from("/home/ana");
        let client = Self {
            files: machine.outside("/home/ana"),
            directory: home.clone(),
            home,
            entrance: Some(machine.entrance(User::Ana)),
            etc: None,
            transcript: Transcript::default(),
        };
        let helper = Path::new(Namespace::PROGRAMS).join("claviger-helper");
        client.write_settings(gateway, &helper, variables);
        client
    }

    fn write_settings(&self, gateway: &str, helper: &Path, variables: &[(&str, &str)]) {
        let own = [
            ("ANTHROPIC_BASE_URL", gateway),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
            // Other tests keep the machine busy.
            ("CLAVIGER_TIMEOUT_MS", "30000"),
        ];
        let mut settings = settings_with(&[&own[..], variables].concat());
        settings["apiKeyHelper"] = json!(format!("exec '{}'", helper.display()));
        self.write(".claude/settings.json", &settings);
    }

    /// Writes a file of the user's below the home directory.
    fn write(&self, name: &str, settings: &Value) {
        let file = self.files.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, settings.to_string()).unwrap();
        if self.entrance.is_some() {
            let id = Some(User::Ana.uid());
            for path in file.ancestors().take(name.split('/').count()) {
                chown(path, id, id).unwrap();
            }
        }
    }

    /// Runs `command` as the helper from now on.
    pub(crate) fn set_helper(&self, command: &str) {
        let settings = fs::read(self.settings_file()).unwrap();
        let mut settings: Value = serde_json::from_slice(&settings).unwrap();
        settings["apiKeyHelper"] = json!(command);
        self.write(".claude/settings.json", &settings);
    }

    /// Runs the client from now on in a repository whose `.claude/settings.json` sets `variables`.
    pub(crate) fn enter_project(&mut self, variables: &[(&str, &str)]) {
        self.directory = self.home.join("project");
        self.write("project/.claude/settings.json", &settings_with(variables));
    }

    /// Runs the client from now on in the home directory.
    pub(crate) fn leave_project(&mut self) {
        self.directory.clone_from(&self.home);
    }

    /// Runs the client from now on in a mount namespace in which the administrator's settings set
    /// `variables`.
    pub(crate) fn manage(&mut self, variables: &[(&str, &str)]) {
        let etc = self.files.join("etc");
        let copied = std::process::Command::new("cp")
            .args(["-a", "/etc"])
            .arg(&etc)
            .status();
        assert!(copied.unwrap().success());
        fs::create_dir(etc.join("claude-code")).unwrap();
        let settings = settings_with(variables).to_string();
        fs::write(etc.join("claude-code/managed-settings.json"), settings).unwrap();
        self.etc = Some(etc);
    }

    /// Changes the mtime of the settings, and nothing in them.
    pub(crate) fn touch_settings(&self) {
        let file = File::options()
            .append(true)
            .open(self.settings_file())
            .unwrap();
        let touched = file.metadata().unwrap().modified().unwrap() + Duration::from_secs(1);
        file.set_modified(touched).unwrap();
    }

    /// Takes one turn, by `claude -p PROMPT`.
    ///
    /// # Panics
    ///
    /// Panics if the client takes longer than a minute.
    pub(crate) async fn turn(&self, prompt: &str) -> ClaudeOutput {
        let mut command = self.command(&["-p", prompt]);
        command.stdin(Stdio::null());
        let output = timeout(TIMEOUT, command.output())
            .await
            .expect("the client has not ended within a minute")
            .unwrap();
        let output = ClaudeOutput {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        self.transcript.add(&output.stdout);
        self.transcript.add(&output.stderr);
        output
    }

    /// Starts a client that takes any number of turns.
    pub(crate) fn session(&self) -> ClaudeSession {
        let mut command = self.command(&[
            "-p",
            "--input-format",
            "stream-json",
            "--output-format",
            "stream-json",
            "--verbose",
        ]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        ClaudeSession {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()).lines(),
            stderr: tokio::spawn(collect(stderr, self.transcript.clone())),
            transcript: self.transcript.clone(),
            child,
        }
    }

    /// The output of all turns and sessions so far.
    pub(crate) fn transcript(&self) -> String {
        self.transcript.text()
    }

    fn settings_file(&self) -> PathBuf {
        self.files.join(".claude/settings.json")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = match (&self.entrance, &self.etc) {
            (Some(entrance), _) => entrance.command(Namespace::TOOL, &self.directory).into(),
            (None, None) => Command::new(tool("claude")),
            (None, Some(etc)) => {
                let mut command = Command::new("unshare");
                let script = r#"mount --bind "$0" /etc && exec "$@""#;
                command.args(["--mount", "sh", "-c", script]);
                command.arg(etc).arg(tool("claude"));
                command
            }
        };
        if self.entrance.is_none() {
            command.current_dir(&self.directory);
        }
        command
            .args(args)
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", "/usr/bin:/bin")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// Settings that set these variables for the client and its helper.
fn settings_with(variables: &[(&str, &str)]) -> Value {
    let variables: Map<_, _> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect();
    json!({ "env": variables })
}

impl ClaudeSession {
    /// Sends `prompt` and waits for the end of the turn.
    ///
    /// # Panics
    ///
    /// Panics if that takes longer than a minute or the client ends.
    pub(crate) async fn turn(&mut self, prompt: &str) -> TurnResult {
        let message = json!({
            "type": "user",
            "message": { "role": "user", "content": prompt },
        });
        let line = format!("{message}\n");
        self.stdin.write_all(line.as_bytes()).await.unwrap();
        timeout(TIMEOUT, self.result())
            .await
            .unwrap_or_else(|_| panic!("no result within a minute: {}", self.transcript.text()))
    }

    /// Closes the client's input and waits for its end; returns its status and stderr.
    ///
    /// # Panics
    ///
    /// Panics if that takes longer than a minute.
    pub(crate) async fn end(self) -> (ExitStatus, String) {
        let Self {
            mut child,
            stdin,
            mut stdout,
            stderr,
            transcript,
        } = self;
        drop(stdin);
        timeout(TIMEOUT, async {
            while let Some(line) = stdout.next_line().await.unwrap() {
                transcript.add(&line);
            }
            (child.wait().await.unwrap(), stderr.await.unwrap())
        })
        .await
        .expect("the client has not ended within a minute")
    }

    async fn result(&mut self) -> TurnResult {
        loop {
            let Some(line) = self.stdout.next_line().await.unwrap() else {
                panic!("the client has ended: {}", self.transcript.text());
            };
            self.transcript.add(&line);
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["type"] == "result" {
                return TurnResult {
                    text: event["result"].as_str().unwrap_or_default().to_owned(),
                    is_error: event["is_error"] != false,
                };
            }
        }
    }
}

impl Transcript {
    fn add(&self, text: &str) {
        let mut transcript = lock(&self.0);
        transcript.push_str(text);
        transcript.push('\n');
    }

    fn text(&self) -> String {
        lock(&self.0).clone()
    }
}

async fn collect(mut stream: impl AsyncRead + Unpin, transcript: Transcript) -> String {
    let mut text = String::new();
    // Invalid UTF-8 is not a message of the client.
    let _ = stream.read_to_string(&mut text).await;
    transcript.add(&text);
    text
}
