//! `claviger login`, step by step.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout},
    time::timeout,
};
use url::Url;

use super::{
    TestEnv,
    identity_provider::{Page, Person},
    poll::SOON,
};

/// A running `claviger login --json`. It is killed when it is dropped.
pub(crate) struct LoginCommand<'e> {
    env: &'e TestEnv,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// How the command ended.
#[derive(Debug)]
pub(crate) struct LoginEnd {
    pub(crate) code: Option<i32>,
    /// The last event.
    pub(crate) event: Value,
    pub(crate) stderr: String,
}

impl<'e> LoginCommand<'e> {
    /// Starts `claviger login --json` with further arguments.
    pub(crate) fn start(env: &'e TestEnv, args: &[&str]) -> Self {
        let args = [&["login", "--json"], args].concat();
        let mut command = env.command("claviger", &args);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        Self {
            env,
            child,
            lines: BufReader::new(stdout).lines(),
        }
    }

    /// Waits for the next event of this name, and skips others.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let event = self.next().await;
            let event = event.unwrap_or_else(|| panic!("ended before the event {name:?}"));
            if event["event"] == name {
                return event;
            }
            assert_ne!(event["event"], "failed", "before {name:?}: {event}");
        }
    }

    /// The page that a browser must open.
    pub(crate) async fn page(&mut self) -> String {
        let event = self.event("browser").await;
        event["url"].as_str().unwrap().to_owned()
    }

    /// Sends the signal of Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::INT).unwrap();
    }

    /// Waits for the end of the command.
    pub(crate) async fn end(mut self) -> LoginEnd {
        let mut last = Value::Null;
        while let Some(event) = self.next().await {
            last = event;
        }
        let mut stderr = String::new();
        let pipe = self.child.stderr.as_mut().unwrap();
        pipe.read_to_string(&mut stderr).await.unwrap();
        self.env.record_output("claviger login's stderr", &stderr);
        LoginEnd {
            code: self.child.wait().await.unwrap().code(),
            event: last,
            stderr,
        }
    }

    async fn next(&mut self) -> Option<Value> {
        let line = timeout(SOON, self.lines.next_line()).await;
        let line = line.expect("an event in time").unwrap()?;
        self.env.record_output("claviger login's stdout", &line);
        Some(serde_json::from_str(&line).unwrap())
    }
}

impl LoginEnd {
    /// Asserts that the user is signed in; returns the last event.
    #[track_caller]
    pub(crate) fn signed_in(&self) -> &Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        assert_eq!(self.event["event"], "signed-in", "{self:?}");
        &self.event
    }

    /// Asserts a failure with this code and all of `parts` on stderr.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is not in {self:?}");
        }
    }
}

/// A parameter of an authorization URL.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let mut pairs = url.query_pairs();
    let (_, value) = pairs.find(|(own, _)| own == name)?;
    Some(value.into_owned())
}

/// Signs in by a browser without scripts; returns the last page and the command's end.
pub(crate) async fn sign_in(env: &TestEnv, args: &[&str]) -> (Page, LoginEnd) {
    sign_in_as(Person::new(), env, args).await
}

/// [`sign_in`] of this person.
pub(crate) async fn sign_in_as(
    mut person: Person,
    env: &TestEnv,
    args: &[&str],
) -> (Page, LoginEnd) {
    let mut login = LoginCommand::start(env, &[&["--no-browser"], args].concat());
    let url = login.page().await;
    let page = person.sign_in(&url).await;
    (page, login.end().await)
}

/// Signs in with a device's code.
pub(crate) async fn sign_in_by_device(env: &TestEnv) -> LoginEnd {
    let mut login = LoginCommand::start(env, &["--device"]);
    let event = login.event("device").await;
    let url = event["verification_uri_complete"].as_str().unwrap();
    Person::new().approve_device(url).await;
    login.end().await
}
