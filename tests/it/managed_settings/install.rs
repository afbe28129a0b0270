//! The script that installs Claviger's own configuration.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

use super::fleet::{KEY, config};
use crate::support::{
    namespace::{Namespace, User},
    test_env::ProgramOutput,
};

const NEW: &str = "/root/new.toml";
const SCRIPT: &str = "/mnt/install.sh";
const DIRECTORY: &str = "/etc/claviger";
const FILE: &str = "/etc/claviger/config.toml";
const BACKUP: &str = "/etc/claviger/config.toml.backup";

/// Prints the script for `configuration` and runs it.
fn install(machine: &Namespace, user: User, configuration: &str) -> ProgramOutput {
    machine.write(NEW, User::Root, configuration);
    let args = ["managed-settings", "--for=claviger", "--file", NEW];
    let script = machine.run(User::Root, "claviger", &args, &[]);
    machine.write_program(SCRIPT, User::Root, 0o755, script.succeeded());
    let mut command = machine.entrance(user).command(SCRIPT, Path::new("/"));
    command.env_clear().env("PATH", "/usr/bin:/bin");
    command.output().unwrap().into()
}

fn text(machine: &Namespace, path: &str) -> String {
    fs::read_to_string(machine.outside(path)).unwrap()
}

#[test]
fn the_configuration_is_installed_as_the_daemon_demands_it() {
    let machine = Namespace::new();
    machine.directory("/run/user/4242", User::Ana, 0o700);
    machine.directory(DIRECTORY, User::Ben, 0o777);
    machine.write("/etc/claviger/ca.pem", User::Root, "a certificate");
    let first = config("https://gw.example.com") + "# $HOME `id` 'é'\n";
    install(&machine, User::Root, &first).succeeded();
    assert_eq!(text(&machine, FILE), first);
    let metadata = fs::metadata(machine.outside(FILE)).unwrap();
    assert_eq!((metadata.uid(), metadata.mode() & 0o777), (0, 0o644));
    let directory = fs::metadata(machine.outside(DIRECTORY)).unwrap();
    assert_eq!((directory.uid(), directory.mode() & 0o777), (0, 0o755));
    machine.helper(User::Ana, &[]).printed(KEY);

    // Again: the file is the same one.
    let again = install(&machine, User::Root, &first);
    assert!(again.succeeded().contains("is in place"), "{again:?}");
    let inode = fs::metadata(machine.outside(FILE)).unwrap().ino();
    assert_eq!(inode, metadata.ino());
    assert!(!machine.outside(BACKUP).exists());

    // Another one: the former is kept, and so is what else is there.
    let second = config("https://other.example.com");
    install(&machine, User::Root, &second).succeeded();
    assert_eq!(text(&machine, FILE), second);
    assert_eq!(text(&machine, BACKUP), first);
    assert_eq!(text(&machine, "/etc/claviger/ca.pem"), "a certificate");
    let names = fs::read_dir(machine.outside(DIRECTORY)).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["ca.pem", "config.toml", "config.toml.backup"]);
}

#[test]
fn what_is_not_installed_is_reported() {
    let machine = Namespace::new();
    let configuration = config("https://gw.example.com");
    let output = install(&machine, User::Ana, &configuration);
    output.failed(2, &["root is required"]);
    assert!(!machine.outside(FILE).exists());

    machine.directory(FILE, User::Root, 0o755);
    let output = install(&machine, User::Root, &configuration);
    output.failed(1, &["is a directory"]);
}

/// A link in the place of the file is replaced, and its target is not written.
#[test]
fn a_link_is_replaced() {
    let machine = Namespace::new();
    machine.write("/home/ana/file", User::Ana, "hers");
    machine.link("/home/ana/file", FILE, User::Root);
    let configuration = config("https://gw.example.com");
    install(&machine, User::Root, &configuration).succeeded();
    assert_eq!(text(&machine, "/home/ana/file"), "hers");
    assert!(
        fs::symlink_metadata(machine.outside(FILE))
            .unwrap()
            .is_file()
    );
    assert_eq!(text(&machine, FILE), configuration);
}
