//! `claviger demo`: it is alone on its machine, and leaves nothing, however it ends.

mod alone;
mod endings;

use std::{fs, path::PathBuf, process::Stdio};

use rustix::process::Pid;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::support::{
    TestEnv,
    poll::{SOON, until},
    process::is_alive,
    test_env::{ProgramOutput, set_mode},
};

/// What the demo prints when it has ended by itself.
const LAST: &str = "the daemon and the gateway have ended and all files are removed";

/// What it prints when it has printed its settings with `--keep`.
const KEPT: &str = "\n}\n";

/// A place for temporary files of its own, which shows what a demo makes and leaves.
struct Temp(TempDir);

impl Temp {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// `claviger demo`, with its temporary files here.
    fn demo(&self, env: &TestEnv, args: &[&str]) -> Command {
        let args = [&["demo"], args].concat();
        let mut command = env.command("claviger", &args);
        command.env("TMPDIR", self.0.path());
        command
    }

    /// Starts a demo whose output goes to a file, which is polled without a reader's thread.
    fn start(&self, env: &TestEnv, args: &[&str]) -> Child {
        let output = fs::File::create(self.output()).unwrap();
        let mut command = self.demo(env, args);
        command.stdout(Stdio::from(output)).spawn().unwrap()
    }

    fn output(&self) -> PathBuf {
        self.0.path().join("output")
    }

    fn printed(&self) -> String {
        fs::read_to_string(self.output()).unwrap()
    }

    /// The directories of demos.
    fn directories(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.is_dir()).collect()
    }

    /// The processes whose command line names this place: daemons and shims of demos.
    fn processes(&self) -> Vec<Pid> {
        let name = self.0.path().to_str().unwrap();
        let entries = fs::read_dir("/proc").unwrap();
        let pids = entries.filter_map(|entry| {
            let entry = entry.unwrap();
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let pid = entry.file_name().to_str()?.parse().ok()?;
            String::from_utf8_lossy(&line)
                .contains(name)
                .then_some(Pid::from_raw(pid)?)
        });
        pids.filter(|pid| is_alive(*pid)).collect()
    }

    /// Asserts that no demo has left anything.
    #[track_caller]
    fn is_clean(&self, context: &str) {
        assert_eq!(self.directories(), [""; 0].map(PathBuf::from), "{context}");
        assert_eq!(self.processes(), [], "{context}");
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap()
}

async fn end(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), stderr)
}

#[tokio::test]
async fn it_shows_every_step_and_leaves_nothing() {
    let (env, temp) = (TestEnv::new(), Temp::new());
    let output = temp.demo(&env, &[]).output().await.unwrap();
    let output = ProgramOutput::from(output);
    let text = output.succeeded();
    for part in [
        "the gateway listens on http://127.0.0.1:",
        "the gateway answers 200 to a request with that key",
        "from the daemon's cache",
        "the daemon has asked the gateway",
        "the signing key was rotated",
        "the gateway answers 401 to the old key",
        LAST,
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    temp.is_clean(text);
}

#[tokio::test]
async fn the_settings_of_one_that_is_kept_lead_to_its_daemon_alone() {
    let (env, temp) = (
        TestEnv::with_script("echo sk-of-the-users-daemon"),
        Temp::new(),
    );
    let demo = temp.start(&env, &["--keep"]);
    until("kept", SOON, async || temp.printed().ends_with(KEPT)).await;
    let printed = temp.printed();
    let start = printed.find("\n{").unwrap();
    let settings: serde_json::Value = serde_json::from_str(&printed[start..]).unwrap();
    let helper = settings["apiKeyHelper"].as_str().unwrap();
    let run = async || {
        // The environment of a client with a configuration of its own.
        let like = env.command("claviger-helper", &[]);
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", helper]).env_clear();
        for (name, value) in like.as_std().get_envs() {
            shell.env(name, value.unwrap());
        }
        shell.env("CLAVIGER_PROFILE", "another");
        for (name, value) in settings["env"].as_object().unwrap() {
            shell.env(name, value.as_str().unwrap());
        }
        ProgramOutput::from(shell.output().await.unwrap())
    };
    let key = run().await;
    // A JWT.
    assert!(key.succeeded().starts_with("eyJ"), "{key:?}");

    let (_, socket) = helper.rsplit_once(" --socket ").unwrap();
    let socket = socket.trim_matches('\'');
    let status = env
        .claviger(&["status", "--json", "--socket", socket])
        .await;
    let status: serde_json::Value = serde_json::from_str(status.succeeded()).unwrap();
    assert_eq!(status["profiles"][0]["source"], "demo");
    assert_eq!(status["daemon"]["socket"], socket);
    // The user's own daemon was not started.
    assert_eq!(env.daemon_pid(), None);

    let stopped = env.claviger(&["stop", "--socket", socket]).await;
    assert_eq!(stopped.succeeded(), "the daemon has ended\n");
    assert_eq!(end(demo).await.0, Some(8));
    temp.is_clean("stopped");
    run()
        .await
        .failed(8, &["no daemon listens on", "claviger demo --keep"]);
    assert_eq!(env.daemon_pid(), None);
}

#[tokio::test]
async fn the_daemon_makes_its_directory_and_removes_no_other() {
    let (env, temp) = (TestEnv::new(), Temp::new());
    let existing = temp.0.path().join("existing");
    fs::create_dir(&existing).unwrap();
    set_mode(&existing, 0o700);
    fs::write(existing.join("file"), "").unwrap();
    let shared = temp.0.path().join("shared");
    fs::create_dir(&shared).unwrap();
    set_mode(&shared, 0o777);
    let in_shared = shared.join("demo");
    for (directory, problem) in [
        (existing.to_str().unwrap(), "cannot create the directory"),
        (in_shared.to_str().unwrap(), "is writable by others"),
        ("relative", "expected an absolute path"),
    ] {
        let args = ["daemon", "--demo", directory, "--gateway-port", "9"];
        let output = env.claviger(&args).await;
        assert_ne!(output.code, Some(0));
        assert!(output.stderr.contains(problem), "{output:?}");
    }
    assert!(existing.join("file").exists() && !in_shared.exists());
    // Its configuration is fixed, and both facts are needed.
    for args in [
        &[
            "daemon",
            "--demo",
            "/tmp/x",
            "--gateway-port",
            "9",
            "--config",
            "/x",
        ][..],
        &["daemon", "--demo", "/tmp/x"],
        &["daemon", "--gateway-port", "9"],
    ] {
        assert_eq!(env.claviger(args).await.code, Some(2), "{args:?}");
    }
}
