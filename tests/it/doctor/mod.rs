//! `claviger doctor`: each test creates a cause, and sees what is found.

mod bundle;
mod client_managed;
mod client_user;
mod command;
mod family;
mod gateway;
mod machine_daemon;
mod machine_files;
mod machine_programs;
mod machine_users;
mod network;
mod source;

use serde_json::Value;
use tokio::process::Command;

use crate::support::{TestEnv, test_env::ProgramOutput};

/// What `claviger doctor --json` has found.
#[derive(Debug)]
pub(super) struct Diagnosis(Value);

impl Diagnosis {
    /// Runs the command with these arguments.
    pub(super) async fn of(env: &TestEnv, args: &[&str]) -> Self {
        let args = [&["doctor", "--json"], args].concat();
        Self::new(&env.claviger(&args).await)
    }

    /// Parses an output, whose exit code must be that of its findings.
    #[track_caller]
    pub(super) fn new(output: &ProgramOutput) -> Self {
        let report: Value = serde_json::from_str(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {output:?}"));
        let diagnosis = Self(report);
        let is_fatal = diagnosis.severities().any(|severity| severity == "fatal");
        assert_eq!(output.code, Some(i32::from(is_fatal)), "{output:?}");
        assert_eq!(output.stderr, "", "{output:?}");
        diagnosis
    }

    /// The finding with this id, whose evidence contains `parts`.
    #[track_caller]
    pub(super) fn has(&self, id: &str, parts: &[&str]) -> &Value {
        let found = self.find(id);
        let found = found.unwrap_or_else(|| panic!("{id} is not found: {:#}", self.0));
        let text = found.to_string();
        for part in parts {
            assert!(text.contains(part), "{part:?} is not in {found:#}");
        }
        let checked = self.0["checked"].as_array().unwrap();
        assert!(checked.iter().any(|known| known == id), "{id}");
        found
    }

    /// Asserts that the report lacks this finding.
    #[track_caller]
    pub(super) fn lacks(&self, id: &str) {
        assert_eq!(self.find(id), None);
    }

    pub(super) fn find(&self, id: &str) -> Option<&Value> {
        self.findings().find(|finding| finding["id"] == id)
    }

    pub(super) fn findings(&self) -> impl Iterator<Item = &Value> {
        self.0["findings"].as_array().unwrap().iter()
    }

    fn severities(&self) -> impl Iterator<Item = &str> {
        self.findings()
            .map(|finding| finding["severity"].as_str().unwrap())
    }
}

/// Runs a shell script whose `$0` is the command line's program.
async fn in_shell(env: &TestEnv, script: &str) -> ProgramOutput {
    let like = env.command("claviger", &[]);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script]).arg(like.as_std().get_program());
    with_environment(shell, &like).await
}

/// Runs `command` in the environment of `like`.
async fn with_environment(mut command: Command, like: &Command) -> ProgramOutput {
    command.env_clear();
    for (name, value) in like.as_std().get_envs() {
        command.env(name, value.unwrap());
    }
    command.output().await.unwrap().into()
}

/// The ids of what is found about clients, without notes.
fn above_note(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis
        .findings()
        .filter(|finding| finding["family"] == "client" && finding["severity"] != "note")
        .map(|finding| finding["id"].as_str().unwrap())
        .collect()
}
