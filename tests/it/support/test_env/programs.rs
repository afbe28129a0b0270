//! Running the programs, and what they print.

use std::{
    os::{fd::AsFd as _, unix::net::UnixStream},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};

use super::TestEnv;
use crate::support::{
    canary::issued,
    lock::lock,
    poll::{SOON, until, until_blocking},
    process::{binary, is_alive},
};

/// How long a daemon may take to end: it waits for pending requests for up to 2 s.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProgramOutput {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestEnv {
    /// Runs the shim.
    pub(crate) async fn helper(&self) -> ProgramOutput {
        self.helper_with(&[], &[]).await
    }

    /// Runs the shim with these arguments and these additional variables.
    pub(crate) async fn helper_with(
        &self,
        args: &[&str],
        variables: &[(&str, &str)],
    ) -> ProgramOutput {
        let mut command = self.command("claviger-helper", args);
        command.envs(variables.iter().copied());
        let output = run(command).await;
        self.record_shim(&output);
        assert!(
            output.code == Some(0) || output.stdout.is_empty(),
            "the shim failed and printed"
        );
        output
    }

    /// Runs this many shims at once.
    pub(crate) async fn helpers(&self, count: usize) -> Vec<ProgramOutput> {
        let mut shims = Vec::with_capacity(count);
        for _ in 0..count {
            let child = self.command("claviger-helper", &[]).spawn().unwrap();
            shims.push(tokio::spawn(child.wait_with_output()));
        }
        let mut outputs = Vec::with_capacity(count);
        for shim in shims {
            let output = ProgramOutput::from(shim.await.unwrap().unwrap());
            self.record_shim(&output);
            outputs.push(output);
        }
        outputs
    }

    /// What the shim prints is a secret from now on.
    fn record_shim(&self, output: &ProgramOutput) {
        if output.code == Some(0) {
            issued::add_printed(&output.stdout);
        }
        self.record_daemons();
    }

    /// Runs the command line.
    pub(crate) async fn claviger(&self, args: &[&str]) -> ProgramOutput {
        let output = run(self.command("claviger", args)).await;
        self.record_output(&format!("the stdout of {args:?}"), &output.stdout);
        self.record_daemons();
        output
    }

    /// Runs `claviger status --json`, which must succeed; returns the report.
    pub(crate) async fn status(&self) -> Value {
        let output = self.claviger(&["status", "--json"]).await;
        assert_eq!(output.code, Some(0), "{output:?}");
        serde_json::from_str(&output.stdout).unwrap()
    }

    /// Starts a daemon in the foreground. It is killed when it is dropped.
    pub(crate) fn spawn_daemon(&self) -> Child {
        self.command("claviger", &["daemon"]).spawn().unwrap()
    }

    /// Starts a daemon whose session bus is at this machine's `run/bus`. It is given its places, as
    /// by a client that starts one, and therefore keeps the environment of the test. It is killed
    /// when it is dropped.
    pub(crate) async fn start_daemon(&self) -> Child {
        let mut command = self.command("claviger", &["daemon"]);
        for (flag, path) in [
            ("--socket", self.socket()),
            ("--state-dir", self.state_dir()),
            ("--user-config", self.config_file()),
        ] {
            command.arg(flag).arg(path);
        }
        let daemon = command.spawn().unwrap();
        until("the daemon listens", SOON, async || {
            self.daemon_pid().is_some()
        })
        .await;
        daemon
    }

    /// The process that listens on the socket, if there is one. The test's own process, which may
    /// listen in a daemon's place, is not a daemon.
    pub(crate) fn daemon_pid(&self) -> Option<Pid> {
        let stream = UnixStream::connect(self.socket()).ok()?;
        let peer = rustix::net::sockopt::socket_peercred(stream.as_fd()).ok()?;
        Some(peer.pid).filter(|pid| *pid != rustix::process::getpid())
    }

    /// Sends `signal` to the daemon and waits until it has ended.
    pub(crate) fn kill_daemon(&self, signal: Signal) {
        let pid = self.daemon_pid().expect("a daemon");
        kill_process(pid, signal).unwrap();
        assert!(
            until_blocking(SHUTDOWN_TIMEOUT, || !is_alive(pid)),
            "the daemon outlives {signal:?}"
        );
    }

    /// The shim or the command line, with none of the test's own environment.
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
            .env("TMPDIR", self.path("tmp"))
            // Whatever is logged at any level must not contain a secret.
            .env("CLAVIGER_LOG", "trace")
            // Other tests keep the machine busy.
            .env("CLAVIGER_TIMEOUT_MS", "30000")
            .envs(lock(&self.variables).iter())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Ends the daemon, by force if it does not end in time.
    pub(super) fn stop_daemon(&self, pid: Pid) {
        let _ = kill_process(pid, Signal::TERM);
        if !until_blocking(SHUTDOWN_TIMEOUT, || !is_alive(pid)) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

impl ProgramOutput {
    /// Asserts that the shim printed this key and nothing else.
    #[track_caller]
    pub(crate) fn printed(&self, key: &str) {
        let expected = Self {
            code: Some(0),
            stdout: format!("{key}\n"),
            stderr: String::new(),
        };
        assert_eq!(self, &expected);
    }

    /// Asserts a failure in the contract's form, with this code and all of `parts` on stderr:
    /// nothing on stdout, at most two lines and 400 characters on stderr.
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
                && lines[0].ends_with(['.', '?', '!', '…'])
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

    /// Asserts that the program succeeded with nothing on stderr; returns its stdout.
    #[track_caller]
    pub(crate) fn succeeded(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        &self.stdout
    }
}

impl From<std::process::Output> for ProgramOutput {
    fn from(output: std::process::Output) -> Self {
        let stderr = String::from_utf8(output.stderr).unwrap();
        issued::record("a program's stderr", &stderr);
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr,
        }
    }
}

async fn run(mut command: Command) -> ProgramOutput {
    let child = command.spawn().unwrap();
    child.wait_with_output().await.unwrap().into()
}
