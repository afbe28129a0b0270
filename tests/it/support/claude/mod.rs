//! The real Claude Code, configured to run claviger-helper for its key.
//!
//! It runs in the home directory of a [`TestEnv`] or of ana in a [`Namespace`], and with an empty
//! environment: its variables, and those of the helper, are in `settings.json`.

mod session;
mod settings;

use std::{
    fs::{self, File},
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{process::Command, time::timeout};

pub(crate) use self::session::{ClaudeSession, TurnResult};
use super::{
    lock::lock,
    namespace::{Entrance, Namespace, User},
    process::binary,
    test_env::TestEnv,
    tools::tool,
};

/// The limit for each step of the client. Its retries after a failing helper take 2.6 s.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The pinned client as a [`tool`]. Other versions have their number behind it.
const PINNED: &str = "claude";

/// The user's settings, in the home directory.
const USER_SETTINGS: &str = ".claude/settings.json";

/// A developer's Claude Code. Several can run at once.
pub(crate) struct ClaudeCode {
    /// Its name as a [`tool`].
    program: String,
    /// The home directory as the client sees it.
    home: PathBuf,
    /// The home directory as this process reaches it.
    files: PathBuf,
    directory: PathBuf,
    /// The namespace and the user; this process's own if it is `None`.
    entrance: Option<Entrance>,
    /// A copy of `/etc` with managed settings, which only the client sees.
    etc: Option<PathBuf>,
    /// The content of the user's `settings.json`.
    settings: Value,
    /// The variables of the shell that the client is started from, beside the usual ones.
    shell: Vec<(String, String)>,
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
        let helper = binary("claviger-helper");
        let client = Self {
            program: PINNED.to_owned(),
            home: env.path("home"),
            files: env.path("home"),
            directory: env.path("home"),
            entrance: None,
            etc: None,
            settings: settings::user(gateway, &helper, &[&own[..], variables].concat()),
            shell: Vec::new(),
            transcript: Transcript::default(),
        };
        client.write_settings();
        client
    }

    /// [`ClaudeCode::new`] for ana in `machine`, which has the client as its tool.
    pub(crate) fn of_ana(machine: &Namespace, gateway: &str, variables: &[(&str, &str)]) -> Self {
        let home = PathBuf::from("/home/ana");
        let helper = Path::new(Namespace::PROGRAMS).join("claviger-helper");
        let client = Self {
            program: PINNED.to_owned(),
            files: machine.outside("/home/ana"),
            directory: home.clone(),
            home,
            entrance: Some(machine.entrance(User::Ana)),
            etc: None,
            settings: settings::user(gateway, &helper, variables),
            shell: Vec::new(),
            transcript: Transcript::default(),
        };
        client.write_settings();
        client
    }

    /// Runs this version of the client instead of the pinned one; see `tests/tools`.
    pub(crate) fn with_version(mut self, version: &str) -> Self {
        assert!(
            self.entrance.is_none(),
            "the namespace has the client that it was made with"
        );
        self.program = format!("{PINNED}-{version}");
        self
    }

    /// Sets the command of the `apiKeyHelper`, which the client runs in `/bin/sh`. By default it is
    /// `exec` and the shim.
    pub(crate) fn set_helper(&mut self, command: &str) {
        self.add_settings(&json!({ "apiKeyHelper": command }));
    }

    /// Starts the client from now on from a shell with this variable.
    pub(crate) fn set_shell_variable(&mut self, name: &str, value: &str) {
        self.shell.push((name.to_owned(), value.to_owned()));
    }

    /// Adds the keys of the object `more` to the user's settings. Objects such as `env` are merged,
    /// other values are replaced.
    pub(crate) fn add_settings(&mut self, more: &Value) {
        settings::merge(&mut self.settings, more);
        self.write_settings();
    }

    /// Configures an MCP server at `url` for the user. The client runs `headers_helper` when it
    /// connects, in `/bin/sh`; it must print a JSON object of headers.
    pub(crate) fn add_mcp_server(&self, name: &str, url: &str, headers_helper: &str) {
        let server = json!({ "type": "http", "url": url, "headersHelper": headers_helper });
        self.write(".claude.json", &json!({ "mcpServers": { name: server } }));
    }

    fn write_settings(&self) {
        self.write(USER_SETTINGS, &self.settings);
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

    /// Runs the client from now on in a repository whose `.claude/settings.json` sets `variables`.
    pub(crate) fn enter_project(&mut self, variables: &[(&str, &str)]) {
        self.directory = self.home.join("project");
        self.write(
            "project/.claude/settings.json",
            &settings::with_variables(variables),
        );
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
        let settings = settings::with_variables(variables).to_string();
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
        self.turn_with(&[], prompt).await
    }

    /// [`ClaudeCode::turn`] with these arguments.
    pub(crate) async fn turn_with(&self, args: &[&str], prompt: &str) -> ClaudeOutput {
        let mut command = self.command(&[args, &["-p", prompt]].concat());
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
        ClaudeSession::start(command.stdin(Stdio::piped()), self.transcript.clone())
    }

    /// The output of all turns and sessions so far.
    pub(crate) fn transcript(&self) -> String {
        self.transcript.text()
    }

    fn settings_file(&self) -> PathBuf {
        self.files.join(USER_SETTINGS)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = match (&self.entrance, &self.etc) {
            (Some(entrance), _) => entrance.command(Namespace::TOOL, &self.directory).into(),
            (None, None) => Command::new(tool(&self.program)),
            (None, Some(etc)) => {
                let mut command = Command::new("unshare");
                let script = r#"mount --bind "$0" /etc && exec "$@""#;
                command.args(["--mount", "sh", "-c", script]);
                command.arg(etc).arg(tool(&self.program));
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
            .envs(self.shell.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
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
