//! The Ansible role, which runs in a root as on a developer's machine.

use std::{fs, path::Path};

use super::{
    CLAVIGER,
    package::{Format, Version},
    root::{PACKAGES, Root},
};
use crate::support::{namespace::User, test_env::ProgramOutput, tools::tool};

/// Ansible's Python packages, the roles, and the playbook.
const ANSIBLE: &str = "/srv/ansible";
const ROLES: &str = "/srv/roles";
const PLAYBOOK: &str = "/srv/playbook.yml";

/// Runs `ansible-playbook` with these arguments on the root itself.
fn playbook(root: &Root, args: &[&str]) -> ProgramOutput {
    let own = ["-m", "ansible", "playbook", "--inventory", "localhost,"];
    let args = [&own, &["--connection", "local", PLAYBOOK][..], args].concat();
    let mut command = root.command(User::Root, "/usr/bin/python3", &args);
    command
        .env("HOME", "/root")
        .env("LANG", "C.UTF-8")
        .env("PYTHONPATH", ANSIBLE)
        .env("ANSIBLE_ROLES_PATH", ROLES)
        .env("ANSIBLE_PYTHON_INTERPRETER", "/usr/bin/python3");
    command.output().unwrap().into()
}

/// A root with Ansible, and a playbook with the role for the .deb and the example configuration.
fn prepared() -> Root {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let root = Root::debian();
    let libraries = tool("../ansible/lib/python3.11/site-packages");
    root.bind(&libraries, ANSIBLE);
    root.bind(&top.join("ansible/roles"), ROLES);
    let package = Format::Deb.file(Version::Own);
    let package = package.file_name().unwrap().to_str().unwrap();
    let config = fs::read_to_string(top.join("examples/config.toml")).unwrap();
    // JSON is YAML.
    let play = serde_json::json!([{
        "hosts": "all",
        "gather_facts": false,
        "roles": [{
            "role": "claviger",
            "claviger_package": format!("{PACKAGES}/{package}"),
            "claviger_config": config,
        }],
    }]);
    root.write(PLAYBOOK, User::Root, &play.to_string());
    root
}

/// Result: the first run installs the package and both configurations, the second changes nothing.
#[test]
fn the_second_run_of_the_role_changes_nothing() {
    let root = prepared();
    let checked = playbook(&root, &["--syntax-check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let first = playbook(&root, &[]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert!(!first.stdout.contains("changed=0 "), "{first:?}");
    let config = root.run(User::Ana, CLAVIGER, &["config", "check"]);
    assert_eq!(config.code, Some(0), "{config:?}");
    let settings = root.outside("/etc/claude-code/managed-settings.d/50-claviger.json");
    let settings = fs::read_to_string(settings).unwrap();
    assert!(
        settings.contains("https://llm-gateway.example.com"),
        "{settings}"
    );

    let files = root.files();
    let second = playbook(&root, &[]);
    assert_eq!(second.code, Some(0), "{second:?}");
    assert!(second.stdout.contains("changed=0 "), "{second:?}");
    assert_eq!(root.files(), files);
}
