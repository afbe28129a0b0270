//! The real Claude Code, in a home of its own, told to ask claviger-helper for its key.
//!
//! It is run with an empty environment: what it and its helper know stands in `settings.json`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
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

use crate::support::tools::tool;

/// How long the client may take to anything. Its own retries after a failing helper last 2.6 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client's home and settings. Several can be run in one.
pub(crate) struct Client {
    home: PathBuf,
    heard: Heard,
}

/// All that clients have said, to be searched for what must not be there.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<String>>);

/// How a client ended.
#[derive(Debug)]
pub(crate) struct Output {
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

/// A client that is running and keeps its key between turns. Killed when dropped.
pub(crate) struct Session {
    child: Child,
    stdin: ChildStdin,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: JoinHandle<String>,
    heard: Heard,
}

impl Client {
    /// Writes the settings below `home`: `helper` is run without a shell between, `gateway` is asked, and `env` is
    /// what the client and its helper find in their environment besides.
    pub(crate) fn new(home: &Path, helper: &Path, gateway: &str, env: &[(&str, &str)]) -> Self {
        let mut variables = Map::new();
        for (name, value) in [
            ("ANTHROPIC_BASE_URL", gateway),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("DISABLE_AUTOUPDATER", "1"),
        ]
        .iter()
        .chain(env)
        {
            variables.insert((*name).to_owned(), json!(value));
        }
        let settings = json!({
            "apiKeyHelper": format!("exec '{}'", helper.display()),
            "env": variables,
        });
        let directory = home.join(".claude");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("settings.json"), settings.to_string()).unwrap();
        Self {
            home: home.to_owned(),
            heard: Heard::default(),
        }
    }

    /// One turn, as `claude -p PROMPT` has it.
    ///
    /// # Panics
    ///
    /// Where the client takes longer than a minute.
    pub(crate) async fn turn(&self, prompt: &str) -> Output {
        let mut command = self.command(&["-p", prompt]);
        command.stdin(Stdio::null());
        let output = timeout(PATIENCE, command.output())
            .await
            .expect("the client has not ended within a minute")
            .unwrap();
        let output = Output {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        self.heard.add(&output.stdout);
        self.heard.add(&output.stderr);
        output
    }

    /// Starts a client that takes one turn after the other.
    pub(crate) fn session(&self) -> Session {
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
        Session {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()).lines(),
            stderr: tokio::spawn(collect(stderr, self.heard.clone())),
            heard: self.heard.clone(),
            child,
        }
    }

    /// What all turns and sessions so far have said.
    pub(crate) fn heard(&self) -> String {
        self.heard.text()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(tool("claude"));
        command
            .args(args)
            .current_dir(&self.home)
            .env_clear()
            .env("HOME", &self.home)
            .env("PATH", "/usr/bin:/bin")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

impl Session {
    /// Says `prompt` and waits for the turn's end.
    ///
    /// # Panics
    ///
    /// Where that takes longer than a minute, or the client ends.
    pub(crate) async fn turn(&mut self, prompt: &str) -> TurnResult {
        let message = json!({
            "type": "user",
            "message": { "role": "user", "content": prompt },
        });
        let line = format!("{message}\n");
        self.stdin.write_all(line.as_bytes()).await.unwrap();
        timeout(PATIENCE, self.result())
            .await
            .unwrap_or_else(|_| panic!("no result within a minute: {}", self.heard.text()))
    }

    /// Closes its input and waits for its end; what it said on stderr.
    ///
    /// # Panics
    ///
    /// Where that takes longer than a minute.
    pub(crate) async fn end(self) -> (ExitStatus, String) {
        let Self {
            mut child,
            stdin,
            mut stdout,
            stderr,
            heard,
        } = self;
        drop(stdin);
        timeout(PATIENCE, async {
            while let Some(line) = stdout.next_line().await.unwrap() {
                heard.add(&line);
            }
            (child.wait().await.unwrap(), stderr.await.unwrap())
        })
        .await
        .expect("the client has not ended within a minute")
    }

    async fn result(&mut self) -> TurnResult {
        loop {
            let Some(line) = self.stdout.next_line().await.unwrap() else {
                panic!("the client has ended: {}", self.heard.text());
            };
            self.heard.add(&line);
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

impl Heard {
    fn add(&self, text: &str) {
        let mut heard = self.lock();
        heard.push_str(text);
        heard.push('\n');
    }

    fn text(&self) -> String {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn collect(mut from: impl AsyncRead + Unpin, heard: Heard) -> String {
    let mut text = String::new();
    // What is no text is no message of the client's.
    let _ = from.read_to_string(&mut text).await;
    heard.add(&text);
    text
}
