//! `allowed_callers` of a policy, on a machine whose managed configuration restricts no caller.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::Path,
};

use super::Publisher;
use crate::support::{
    namespace::{Namespace, User},
    program_file,
    test_env::ProgramOutput,
};

const CA: &str = "/etc/claviger/policy-ca.pem";
const CLIENT: &str = "/mnt/opt/claude/claude";
const HELPER: &str = "/mnt/bin/claviger-helper";
const KEY: &str = "sk-of-ana-herself";

/// Runs the shim by `program`, a copy of the shell, which does not replace itself by it.
fn run(machine: &Namespace, program: &str) -> ProgramOutput {
    let script = format!("{HELPER}; exit $?");
    let mut command = machine.command(User::Ana, program, &["-c", &script]);
    command.output().unwrap().into()
}

fn copy_of_the_shell(machine: &Namespace, path: &str, owner: User) {
    let path = machine.outside(path);
    program_file::copy(Path::new("/bin/sh"), &path);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    chown(&path, Some(owner.uid()), Some(owner.uid())).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_programs_of_the_policy_get_a_key() {
    let publisher = Publisher::start().await;
    let machine = Namespace::new();
    machine.directory("/run/user/4242", User::Ana, 0o700);
    machine.directory("/etc/claviger", User::Root, 0o755);
    machine.write(CA, User::Root, &publisher.ca.pem);
    let config = format!(
        "version = 1\n[profile.default]\nsource = 's'\n[source.s]\ntype = 'exec'\n\
         command = ['/bin/echo', '{KEY}']\n{}",
        publisher.table(CA)
    );
    machine.write("/etc/claviger/config.toml", User::Root, &config);
    for directory in ["/mnt/opt", "/mnt/opt/claude"] {
        machine.directory(directory, User::Root, 0o755);
    }
    copy_of_the_shell(&machine, CLIENT, User::Root);
    copy_of_the_shell(&machine, "/home/ana/claude", User::Ana);
    // Paths of other systems are for their machines.
    let rule = format!(
        "[rule.clients]\nallowed_callers = ['C:\\Program Files\\Claude\\claude.exe', '{CLIENT}']\n"
    );
    publisher.publish(&rule).await;

    run(&machine, CLIENT).printed(KEY);
    let other = run(&machine, "/home/ana/claude");
    let denied = "profile 'default' is for the programs of rule 'clients' of the company's policy \
                  only: the client is";
    other.failed(7, &[denied, "/home/ana/claude", "\nhint: ask"]);
    // No ancestor in this namespace: nothing is known.
    let unknown = machine.helper(User::Ana, &[]);
    unknown.failed(7, &["rule 'clients'", "is not known"]);
    // Her own program in the allowed place.
    chown(machine.outside(CLIENT), Some(User::Ana.uid()), None).unwrap();
    run(&machine, CLIENT).failed(7, &["rule 'clients'", "is owned by uid 4242"]);
}
