//! What is on the machine does not matter to the demo, unless it cannot run at all.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

use super::{LAST, Temp};
use crate::support::{
    TestEnv,
    namespace::{Namespace, User},
    process::binary,
    program_file,
    test_env::ProgramOutput,
};

/// A copy of claviger outside its source tree, beside a helper or not.
fn installed(directory: &TempDir, with_helper: bool) -> PathBuf {
    for program in ["claviger", "claviger-helper"] {
        if program == "claviger" || with_helper {
            program_file::copy(&binary(program), &directory.path().join(program));
        }
    }
    directory.path().join("claviger")
}

#[tokio::test]
async fn an_installed_one_runs_no_cargo() {
    let env = TestEnv::new();
    for with_helper in [true, false] {
        let (temp, bin) = (Temp::new(), TempDir::new().unwrap());
        // The form of a target directory alone is not enough.
        let bin = TempDir::with_prefix_in("debug", bin.path()).unwrap();
        let program = installed(&bin, with_helper);
        let cargo = env.write_program("cargo", "touch \"$0.ran\"");
        let like = temp.demo(&env, &[]);
        let mut command = Command::new(program);
        // As in a terminal that cargo has opened.
        let tree = env!("CARGO_MANIFEST_DIR");
        command.arg("demo").env_clear();
        command.env("CARGO", &cargo).env("CARGO_MANIFEST_DIR", tree);
        for (name, value) in like.as_std().get_envs() {
            command.env(name, value.unwrap());
        }
        let output = ProgramOutput::from(command.output().await.unwrap());
        assert!(!PathBuf::from(format!("{cargo}.ran")).exists());
        if with_helper {
            assert!(output.succeeded().contains(LAST));
        } else {
            let directory = bin.path().to_str().unwrap();
            let parts = ["claviger-helper' not found", "beside claviger", directory];
            output.failed(8, &parts);
        }
        temp.is_clean("installed");
    }
}

#[tokio::test]
async fn a_failure_of_the_machine_has_a_hint_of_its_own() {
    let env = TestEnv::new();
    let temp = Temp::new();
    let missing = temp.0.path().join("missing");
    let shared = temp.0.path().join("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
    for (directory, problem) in [
        (missing, "cannot create the directory"),
        (shared, "is writable by others"),
        (temp.0.path().join("x".repeat(90)), "more than the limit"),
    ] {
        let mut command = temp.demo(&env, &[]);
        command.env("TMPDIR", &directory);
        let output = ProgramOutput::from(command.output().await.unwrap());
        assert!(output.stderr.contains(problem), "{output:?}");
        assert!(output.stderr.contains("hint: set TMPDIR"), "{output:?}");
        assert!(!output.stderr.contains("report"), "{output:?}");
        assert_ne!(output.code, Some(0));
    }
}

#[test]
fn on_a_managed_machine_it_is_alone() {
    let machine = Namespace::new();
    // The company's source says that it was asked.
    machine.directory("/mnt/asked", User::Ana, 0o777);
    machine.write(
        "/etc/claviger/config.toml",
        User::Root,
        "version = 1\n[profile.default]\nsource = \"s\"\n[source.s]\ntype = \"exec\"\n\
         command = [\"/mnt/bin/sh\", \"-c\", \"echo x >/mnt/asked/it; echo sk-of-the-company\"]\n",
    );
    let hostile = [
        ("CLAVIGER_CONFIG", "/nowhere"),
        ("CLAVIGER_SOCKET", "relative"),
        ("CLAVIGER_PROFILE", "another"),
        ("XDG_RUNTIME_DIR", "/root"),
        ("ANTHROPIC_BASE_URL", "https://llm.example.com"),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("HOME", "/home/ana"),
    ];
    for user in [User::Ana, User::Unknown] {
        let output = machine.run(user, "claviger", &["demo"], &hostile);
        assert!(output.succeeded().contains(LAST), "{user:?}: {output:?}");
    }
    assert!(!machine.outside("/mnt/asked/it").exists());
    // The same configuration does answer the user's own helper.
    machine.helper(User::Ana, &[]).printed("sk-of-the-company");
    assert!(machine.outside("/mnt/asked/it").exists());
}
