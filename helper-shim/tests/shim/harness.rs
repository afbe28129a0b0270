//! Directories of its own for every test, and the result of a run of the shim.

use std::{
    fs::{self, Permissions},
    io::{Read as _, Write as _},
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::{self, JoinHandle},
    time::Duration,
};

use claviger_wire::{Acquire, HEADER_LEN, Request, Response, Token, body_len};
use tempfile::TempDir;

/// The key, which only the stdout of a successful run may contain.
pub(crate) const SECRET: &str = "sk-canary-5f3a9c";

/// The id of a user other than root.
pub(crate) const OTHER_USER: u32 = 65_534;

/// Directories that are removed when this is dropped.
pub(crate) struct TestEnv {
    /// The user's files, at a path that is short enough for a socket.
    dir: TempDir,
    /// The installed programs.
    bin: TempDir,
}

impl TestEnv {
    /// An environment without a daemon.
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let bin = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir(dir.path().join("run")).unwrap();
        set_mode(&dir.path().join("run"), 0o700);
        // Linked, not copied: a file that another test's fork holds open for writing cannot run.
        fs::hard_link(
            env!("CARGO_BIN_EXE_claviger-helper"),
            bin.path().join("claviger-helper"),
        )
        .unwrap();
        Self { dir, bin }
    }

    /// An environment with the script `fake-daemon.sh` as the daemon, which behaves as `fake` says.
    pub(crate) fn with_fake_daemon(fake: &str) -> Self {
        let env = Self::new();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shim/fake-daemon.sh");
        symlink(script, env.bin.path().join("claviger")).unwrap();
        fs::write(
            env.bin.path().join("fake-dir"),
            env.dir.path().to_str().unwrap(),
        )
        .unwrap();
        env.fake(fake);
        env
    }

    /// Sets the behaviour of the fake daemon.
    pub(crate) fn fake(&self, fake: &str) {
        fs::write(self.path("fake"), fake).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/agent.sock")
    }

    pub(crate) fn helper(&self) -> PathBuf {
        self.bin.path().join("claviger-helper")
    }

    /// The shim, without the variables of the test's own environment.
    pub(crate) fn shim(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.helper());
        self.isolate(command.args(args));
        command
    }

    /// The shim through a link of this name in another directory, with the client's own deadline.
    pub(crate) fn linked(&self, name: &str, args: &[&str]) -> Command {
        let link = self.path(name);
        if !link.exists() {
            symlink(self.helper(), &link).unwrap();
        }
        let mut command = Command::new(link);
        self.isolate(command.args(args));
        command.env_remove("CLAVIGER_TIMEOUT_MS");
        command
    }

    pub(crate) fn isolate(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.dir.path())
            .env("CLAVIGER_SOCKET", self.socket())
            .env("CLAVIGER_STATE_DIR", self.path("state"))
            .env("CLAVIGER_TIMEOUT_MS", "60000")
            .stdin(Stdio::null());
    }

    /// Answers one connection after another with the bytes of `answers`, and returns the requests.
    pub(crate) fn serve(&self, answers: Vec<Vec<u8>>) -> JoinHandle<Vec<Acquire>> {
        let listener = UnixListener::bind(self.socket()).unwrap();
        thread::spawn(move || {
            let answer = |bytes: Vec<u8>| {
                let (mut stream, _) = listener.accept().unwrap();
                let request = read_request(&mut stream);
                stream.write_all(&bytes).unwrap();
                request
            };
            answers.into_iter().map(answer).collect()
        })
    }

    /// Runs the shim against a daemon that answers once with `bytes`.
    pub(crate) fn answered(&self, args: &[&str], bytes: &[u8]) -> Run {
        let daemon = self.serve(vec![bytes.to_vec()]);
        let run = run(&mut self.shim(args));
        daemon.join().unwrap();
        run
    }
}

/// The result of a run of the shim.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Asserts that it printed exactly this and succeeded.
    pub(crate) fn printed(&self, stdout: &str) {
        assert_eq!(
            (self.code, self.stdout.as_str(), self.stderr.as_str()),
            (Some(0), stdout, "")
        );
    }

    /// Asserts that it failed as the contract demands: nothing on stdout, at most two lines and 400
    /// characters on stderr, a full stop at the end of the first line, and no secret.
    pub(crate) fn failed(&self, code: i32, parts: &[&str]) {
        assert_eq!(
            (self.code, self.stdout.as_str()),
            (Some(code), ""),
            "{self:?}"
        );
        assert!(
            self.stderr.starts_with("claviger: ") && self.stderr.ends_with('\n'),
            "{self:?}"
        );
        let problem = self.stderr.lines().next().unwrap();
        assert!(problem.ends_with(['.', '?', '!', '…']), "{self:?}");
        assert!(
            self.stderr.lines().count() <= 2 && self.stderr.chars().count() <= 400,
            "{self:?}"
        );
        assert!(
            self.stderr
                .lines()
                .skip(1)
                .all(|line| line.starts_with("hint: ")),
            "{self:?}"
        );
        assert!(!self.stderr.contains(SECRET), "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is not in {self:?}");
        }
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn run(command: &mut Command) -> Run {
    command.output().unwrap().into()
}

pub(crate) fn credential(key: &str) -> Vec<u8> {
    let token = Token::new(key.as_bytes().to_vec());
    let expires_at = Some("2026-11-21T08:13:05Z".to_owned());
    let expires_in = Some(3_599);
    Response::Credential {
        token,
        expires_at,
        expires_in,
    }
    .encode()
}

pub(crate) fn read_request(stream: &mut UnixStream) -> Acquire {
    let mut header = [0; HEADER_LEN];
    stream.read_exact(&mut header).unwrap();
    let mut body = vec![0; body_len(header).unwrap()];
    stream.read_exact(&mut body).unwrap();
    match Request::decode(&body).unwrap() {
        Request::Acquire(acquire) => acquire,
        other => panic!("the shim requested {other:?}"),
    }
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Polls until `is_done`, at most half a minute: the machine may be busy.
pub(crate) fn wait_until(condition: &str, is_done: impl Fn() -> bool) {
    for _ in 0..6000 {
        if is_done() {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("still not true: {condition}");
}
