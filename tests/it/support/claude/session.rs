//! A running Claude Code that takes any number of turns.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::process::ExitStatus;

use serde_json::{Value, json};
use tokio::{
    io::{
        AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines,
    },
    process::{Child, ChildStdin, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};

use super::{TIMEOUT, Transcript};

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

impl ClaudeSession {
    /// Starts a client whose standard streams are pipes.
    pub(super) fn start(command: &mut Command, transcript: Transcript) -> Self {
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        Self {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()).lines(),
            stderr: tokio::spawn(collect(stderr, transcript.clone())),
            transcript,
            child,
        }
    }

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

async fn collect(mut stream: impl AsyncRead + Unpin, transcript: Transcript) -> String {
    let mut text = String::new();
    // Invalid UTF-8 is not a message of the client.
    let _ = stream.read_to_string(&mut text).await;
    transcript.add(&text);
    text
}
