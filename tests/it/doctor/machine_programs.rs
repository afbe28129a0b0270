//! The installed programs.

use std::{fs, path::PathBuf};

use tokio::process::Command;

use super::{Diagnosis, with_environment};
use crate::support::{
    KEY, TestEnv,
    poll::{SOON, until},
    process::binary,
    program_file,
    test_env::{ProgramOutput, set_mode},
};

/// The programs in a directory of the test's own.
struct Installation<'a> {
    env: &'a TestEnv,
    directory: PathBuf,
}

impl<'a> Installation<'a> {
    fn new(env: &'a TestEnv) -> Self {
        let directory = env.path("bin");
        program_file::install(&directory);
        Self { env, directory }
    }

    fn helper(&self) -> PathBuf {
        self.directory.join("claviger-helper")
    }

    async fn diagnosis(&self) -> Diagnosis {
        let mut command = Command::new(self.directory.join("claviger"));
        command.args(["doctor", "--json", "--no-start", "--no-message"]);
        Diagnosis::new(&self.run(command).await)
    }

    async fn run(&self, command: Command) -> ProgramOutput {
        with_environment(command, &self.env.command("claviger", &[])).await
    }
}

#[tokio::test]
async fn a_shim_that_is_missing_or_cannot_run() {
    let env = TestEnv::with_fixed_key();
    let installed = Installation::new(&env);
    let sound = installed.diagnosis().await;
    for id in [
        "helper-missing",
        "program-not-executable",
        "program-unsafe",
        "helper-version",
    ] {
        sound.lacks(&format!("machine.{id}"));
    }
    set_mode(&installed.helper(), 0o644);
    installed
        .diagnosis()
        .await
        .has("machine.program-not-executable", &["claviger-helper"]);
    set_mode(&installed.helper(), 0o757);
    installed
        .diagnosis()
        .await
        .has("machine.program-unsafe", &["mode 0757"]);
    fs::remove_file(installed.helper()).unwrap();
    installed
        .diagnosis()
        .await
        .has("machine.helper-missing", &["bin/claviger-helper"]);
}

#[tokio::test]
async fn a_shim_of_another_version() {
    let env = TestEnv::with_fixed_key();
    let installed = Installation::new(&env);
    fs::remove_file(installed.helper()).unwrap();
    program_file::write(
        &installed.helper(),
        "#!/bin/sh\necho claviger-helper 0.0.1\n",
    );
    set_mode(&installed.helper(), 0o755);
    installed
        .diagnosis()
        .await
        .has("machine.helper-version", &["0.0.1"]);
}

#[tokio::test]
async fn a_second_copy_on_the_path() {
    let env = TestEnv::with_fixed_key();
    let installed = Installation::new(&env);
    let id = "machine.program-copies";
    let other = env.path("other");
    fs::create_dir(&other).unwrap();
    env.set_variable("PATH", &format!("{}:/usr/bin", other.display()));
    let copy = other.join("claviger");
    // A link to the program itself is not a copy.
    std::os::unix::fs::symlink(installed.directory.join("claviger"), &copy).unwrap();
    let found = installed.diagnosis().await;
    let is_named = |found: &Diagnosis| {
        let found = found.find(id).map(ToString::to_string).unwrap_or_default();
        found.contains(copy.to_str().unwrap())
    };
    assert!(!is_named(&found));
    fs::remove_file(&copy).unwrap();
    program_file::copy(&binary("claviger"), &copy);
    assert!(is_named(&installed.diagnosis().await));
}

#[tokio::test]
async fn a_daemon_whose_program_was_replaced() {
    let env = TestEnv::with_fixed_key();
    let installed = Installation::new(&env);
    let helper = Command::new(installed.helper());
    installed.run(helper).await.printed(KEY);
    let found = installed.diagnosis().await;
    found.lacks("machine.daemon-version");
    until("the program is newer than the daemon", SOON, async || {
        let new = installed.directory.join("new");
        program_file::copy(&binary("claviger"), &new);
        fs::rename(new, installed.directory.join("claviger")).unwrap();
        let found = installed.diagnosis().await;
        found.find("machine.daemon-replaced").is_some()
    })
    .await;
}
