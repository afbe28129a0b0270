//! A machine with several users: managed configurations, and `--all-users`.

use std::fs;

use serde_json::Value;

use super::Diagnosis;
use crate::support::{
    namespace::{Namespace, User},
    test_env::ProgramOutput,
};

const MANAGED: &str = "/etc/claviger/config.toml";
const HELPER: &str = "/mnt/bin/claviger-helper";

fn config(more: &str) -> String {
    format!(
        "version = 1\n{more}[profile.default]\nsource = \"s\"\n[source.s]\ntype = \"exec\"\n\
         command = [\"/bin/echo\", \"sk-0123456789\"]\n"
    )
}

/// A machine on which ana and ben have a configuration each.
fn machine() -> Namespace {
    let machine = Namespace::new();
    for (user, name) in [(User::Ana, "ana"), (User::Ben, "ben")] {
        let runtime = format!("/run/user/{}", user.uid());
        machine.directory(&runtime, user, 0o700);
        let file = format!("/home/{name}/.config/claviger/config.toml");
        machine.write(&file, user, &config(""));
    }
    machine
}

fn doctor(machine: &Namespace, user: User, args: &[&str]) -> ProgramOutput {
    let args = [&["doctor", "--no-start", "--no-message"], args].concat();
    machine.run(user, "claviger", &args, &[])
}

fn diagnosis(machine: &Namespace, user: User) -> Diagnosis {
    Diagnosis::new(&doctor(machine, user, &["--json"]))
}

#[test]
fn a_managed_configuration_hides_or_allows_the_users_own() {
    let machine = machine();
    machine.write_program(MANAGED, User::Root, 0o644, &config(""));
    let found = diagnosis(&machine, User::Ana);
    found.has("machine.user-config-ignored", &["/home/ana/.config"]);
    let variable = [("CLAVIGER_CONFIG", "/home/ana/other.toml")];
    let args = ["doctor", "--no-start", "--no-message", "--json"];
    let found = machine.run(User::Ana, "claviger", &args, &variable);
    Diagnosis::new(&found).has("machine.variable-ignored", &["CLAVIGER_CONFIG"]);

    fs::remove_file(machine.outside(MANAGED)).unwrap();
    machine.write_program(
        MANAGED,
        User::Root,
        0o644,
        &config("allow_user_config = true\n"),
    );
    let found = diagnosis(&machine, User::Ana);
    found.has("machine.user-config-allowed", &[MANAGED]);
    found.lacks("machine.user-config-ignored");

    machine.directory("/etc/claviger", User::Root, 0o777);
    let found = diagnosis(&machine, User::Ana);
    found.has(
        "machine.config-untrusted",
        &["'/etc/claviger' is writable by others"],
    );
}

#[test]
fn users_without_a_directory_an_entry_or_a_right() {
    let machine = machine();
    diagnosis(&machine, User::Ana).lacks("machine.runtime-dir-missing");
    fs::remove_dir(machine.outside("/run/user/4242")).unwrap();
    let found = diagnosis(&machine, User::Ana);
    found.has("machine.runtime-dir-missing", &["/home/ana/.local/state"]);
    let unknown = doctor(&machine, User::Unknown, &["--json"]);
    Diagnosis::new(&unknown).has("machine.user-unknown", &[]);

    machine.write("/home/ana/.local/state/claviger/x", User::Ana, "");
    machine.directory("/home/ana/.local/state/claviger", User::Ana, 0o777);
    let found = diagnosis(&machine, User::Ana);
    found.has("machine.state-unsafe", &["writable by others (mode 0777)"]);
    fs::remove_dir_all(machine.outside("/home/ana/.local")).unwrap();
    machine.directory("/home/ana", User::Root, 0o755);
    let found = diagnosis(&machine, User::Ana);
    found.has("machine.state-unwritable", &["/home/ana"]);
}

#[test]
fn file_systems_that_are_full_or_run_nothing() {
    let machine = machine();
    let shell = |script: &str| {
        let mut command = machine
            .entrance(User::Root)
            .command("/bin/sh", "/".as_ref());
        let output = command.args(["-c", script]).output().unwrap();
        ProgramOutput::from(output).succeeded();
    };
    shell(&format!(
        "mount --bind {HELPER} {HELPER} && mount -o remount,bind,noexec {HELPER}"
    ));
    let found = diagnosis(&machine, User::Ana);
    found.has("machine.program-noexec", &["claviger-helper"]);
    found.lacks("machine.disk-full");
    shell(
        "mkdir -p /home/ana/.local/state && mount -t tmpfs -o size=64k,mode=755 full /home/ana/.local/state \
         && chown 4242:4242 /home/ana/.local /home/ana/.local/state",
    );
    diagnosis(&machine, User::Ana).has("machine.disk-full", &["KiB are free"]);
}

#[test]
fn root_sees_every_user_with_that_users_rights() {
    let machine = machine();
    machine.helper(User::Ana, &[]).printed("sk-0123456789");
    // ben's file is a link to what only root can read: it is ben who cannot read it.
    let bens = "/home/ben/.config/claviger/config.toml";
    fs::remove_file(machine.outside(bens)).unwrap();
    machine.write_program("/root/secret.toml", User::Root, 0o600, &config(""));
    machine.link("/root/secret.toml", bens, User::Ben);

    let output = doctor(&machine, User::Root, &["--all-users", "--json"]);
    assert_eq!(output.code, Some(1), "{output:?}");
    let all: Value = serde_json::from_str(&output.stdout).unwrap();
    let users = all["users"].as_array().unwrap();
    let names: Vec<_> = users.iter().map(|user| &user["user"]).collect();
    assert_eq!(names, ["ana", "ben"]);
    let ids = |user: &Value| user["report"]["findings"].to_string();
    assert!(!ids(&users[0]).contains("\"fatal\""), "{:#}", users[0]);
    assert!(
        ids(&users[1]).contains("machine.config-unreadable"),
        "{:#}",
        users[1]
    );
    assert!(
        ids(&users[1]).contains("machine.daemon-not-running"),
        "{:#}",
        users[1]
    );

    let text = doctor(&machine, User::Root, &["--all-users"]).stdout;
    for part in ["user ana (uid 4242):\n", "user ben (uid 4243):\n"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let denied = doctor(&machine, User::Ana, &["--all-users"]);
    denied.failed(7, &["only root"]);
}
