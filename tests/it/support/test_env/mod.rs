//! A developer's machine for one test: directories, an environment and the real programs.

mod programs;

use std::{
    collections::HashMap,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, Once},
    thread,
    time::Duration,
};

use rustix::process::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use self::programs::ProgramOutput;
use super::{
    bao::Bao,
    canary::{Canary, Inputs, issued},
    lock::lock,
    program_file,
    vault_config::{approle_auth, token_auth, vault_config},
};

/// The key of most tests; long enough that a search for it finds nothing else.
pub(crate) const KEY: &str = "sk-canary-5f3a9c";

/// A machine whose daemon is stopped when it is dropped. The test fails then if a secret is in a
/// place from [`TestEnv::add_secret`].
pub(crate) struct TestEnv {
    /// Its path is short enough for a socket below it.
    root: TempDir,
    variables: Mutex<HashMap<String, String>>,
    canary: Mutex<Canary>,
    /// What the test wrote: the configuration, the files below `secrets`.
    inputs: Mutex<Inputs>,
}

impl TestEnv {
    /// A machine without a configuration.
    pub(crate) fn new() -> Self {
        outgrow_wrappers();
        let root = TempDir::new().unwrap();
        let env = Self {
            root,
            variables: Mutex::default(),
            canary: Mutex::default(),
            inputs: Mutex::default(),
        };
        for directory in [
            "home",
            "config/claviger",
            "state",
            "run",
            "secrets",
            "tmp",
            "observed",
        ] {
            fs::create_dir_all(env.path(directory)).unwrap();
            set_mode(&env.path(directory), 0o700);
        }
        env
    }

    /// A machine with this configuration; see [`TestEnv::write_config`].
    pub(crate) fn with_config(toml: &str) -> Self {
        let env = Self::new();
        env.write_config(toml);
        env
    }

    /// A machine whose only key is the field `api_key` at `path` of a Vault, for which it has a
    /// token of the policy `reader`; `more` are further lines of the source's table.
    pub(crate) async fn with_token(bao: &Bao, path: &str, more: &str) -> Self {
        let env = Self::new();
        env.add_secret(KEY);
        let token = env.write_secret_file("token", &bao.create_token(json!({})).await);
        env.write_config(&vault_config(&bao.url(), path, more, &token_auth(&token)));
        env
    }

    /// [`TestEnv::with_token`], with an approle instead of a token; `parameters` are those of the
    /// role.
    pub(crate) async fn with_approle(bao: &Bao, path: &str, parameters: Value) -> Self {
        let env = Self::new();
        env.add_secret(KEY);
        let role = bao.enable_approle(parameters).await;
        let secret_id = env.write_secret_file("secret-id", &role.secret_id);
        let auth = approle_auth(&role.role_id, &secret_id);
        env.write_config(&vault_config(&bao.url(), path, "", &auth));
        env
    }

    /// A machine whose only source runs this shell script. [`KEY`] is a secret.
    pub(crate) fn with_script(script: &str) -> Self {
        let env = Self::new();
        env.add_secret(KEY);
        let program = env.write_program("corp-key", script);
        env.write_config(&format!(
            "[profile.default]\nsource = \"corp\"\n[source.corp]\ntype = \"exec\"\ncommand = [\"{program}\"]\n"
        ));
        env
    }

    /// A machine whose only source prints [`KEY`].
    pub(crate) fn with_fixed_key() -> Self {
        Self::with_script(&format!("echo {KEY}"))
    }

    /// The path of a file or directory of this machine.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/claviger/agent.sock")
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.path("state/claviger")
    }

    /// The daemon's log; empty if there is none.
    pub(crate) fn log(&self) -> String {
        let file = self.state_dir().join("daemon.log");
        // Reading a FIFO would wait for its writer.
        if !file.is_file() {
            return String::new();
        }
        fs::read_to_string(file).unwrap_or_default()
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.path("config/claviger/config.toml")
    }

    /// Writes the user's configuration; `version = 1` is put before it.
    pub(crate) fn write_config(&self, toml: &str) {
        self.write_raw_config(&format!("version = 1\n{toml}"));
    }

    /// Writes the user's configuration verbatim, by a rename, as an editor does.
    pub(crate) fn write_raw_config(&self, text: &str) {
        let new = self.path("config/claviger/new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.config_file()).unwrap();
        self.declare_input(&self.config_file());
    }

    /// Replaces the user's configuration by what `edit` makes of it.
    pub(crate) fn edit_config(&self, edit: impl FnOnce(String) -> String) {
        let config = fs::read_to_string(self.config_file()).unwrap();
        self.write_raw_config(&edit(config));
    }

    /// Writes a file that only the user can read; returns its path. Its content is a secret.
    pub(crate) fn write_secret_file(&self, name: &str, content: &str) -> String {
        self.add_secret(content);
        self.write_file(name, content)
    }

    /// Writes a file that only the user can read; returns its path.
    pub(crate) fn write_file(&self, name: &str, content: &str) -> String {
        let path = self.path("secrets").join(name);
        fs::write(&path, content).unwrap();
        set_mode(&path, 0o600);
        self.declare_input(&path);
        path.to_str().unwrap().to_owned()
    }

    /// Writes a shell script as a program; returns its path. It records its arguments and its
    /// environment, which must not contain a secret.
    pub(crate) fn write_program(&self, name: &str, script: &str) -> String {
        let observed = self.path("observed").join(name);
        let record = format!(
            r#"{{ export -p; printf '%s\n' "$0" "$@"; }} 2>/dev/null >>'{}'"#,
            observed.display()
        );
        self.write_unobserved_program(name, &format!("{record}\n{script}"))
    }

    /// [`TestEnv::write_program`], for one that is given a secret: what `claviger exec` runs.
    pub(crate) fn write_unobserved_program(&self, name: &str, script: &str) -> String {
        let path = self.path("secrets").join(name);
        program_file::write(&path, &format!("#!/bin/sh\n{script}\n"));
        set_mode(&path, 0o700);
        self.declare_input(&path);
        path.to_str().unwrap().to_owned()
    }

    /// Writes a file of the user's, which may contain secrets as long as nothing changes it.
    pub(crate) fn write_input(&self, path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self.declare_input(path);
    }

    /// Declares a file that the test has written, which may contain secrets as long as nothing
    /// changes it.
    pub(crate) fn declare_input(&self, path: &Path) {
        let content = fs::read(path).unwrap();
        lock(&self.inputs).insert(path.to_owned(), content);
    }

    /// Sets a variable in the environment of the programs that are started from now on.
    pub(crate) fn set_variable(&self, name: &str, value: &str) {
        let mut variables = lock(&self.variables);
        variables.insert(name.to_owned(), value.to_owned());
    }

    /// Declares a secret. Only the shim may print it: it must be in no place that
    /// [`canary`](super::canary) lists.
    pub(crate) fn add_secret(&self, value: &str) {
        lock(&self.canary).add_secret(value);
    }

    /// Records `text`, which came from `origin`, to be searched for secrets.
    pub(crate) fn record_output(&self, origin: &str, text: &str) {
        lock(&self.canary).record(origin, text);
    }

    /// Stops the daemon and returns every place that contains a secret.
    fn stop_and_find_leaks(&self) -> Vec<String> {
        self.record_daemons();
        let mut canary = lock(&self.canary);
        if let Some(pid) = self.daemon_pid() {
            canary.record_process(pid, &lock(&self.variables));
            self.stop_daemon(pid);
        }
        canary.record_files(self.root.path(), &lock(&self.inputs));
        issued::add_to(&mut canary);
        canary.leaks()
    }

    /// Records the command lines and environments of the daemons that have logged and run.
    fn record_daemons(&self) {
        for line in self
            .log()
            .lines()
            .filter(|line| line.contains(" listening "))
        {
            let pid = line
                .split_once("pid=")
                .and_then(|(_, rest)| rest.split(' ').next());
            if let Some(pid) = pid.and_then(|pid| Pid::from_raw(pid.parse().ok()?)) {
                lock(&self.canary).record_process(pid, &lock(&self.variables));
            }
        }
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        let leaks = self.stop_and_find_leaks();
        if thread::panicking() {
            println!("the daemon's log:\n{}", self.log());
        } else {
            assert!(leaks.is_empty(), "a secret leaked: {leaks:#?}");
        }
    }
}

/// Lets this process, the client of the shims that it runs, grow older than a wrapper: the daemon
/// takes a program for one that runs a shim within 200 ms of its own start.
fn outgrow_wrappers() {
    static DONE: Once = Once::new();
    DONE.call_once(|| thread::sleep(Duration::from_millis(250)));
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}
