//! The administrator's configuration, attacked by a user.

use std::fs;

use super::{OWN, config, machine};
use crate::support::namespace::User;

const MANAGED: &str = "/etc/claviger/config.toml";
const COMPANY: &str = "sk-of-the-company";

/// ben owns the managed configuration or can write it or its directory. Result: it is refused by
/// name, and the user's own is not used in its place.
#[test]
fn a_managed_configuration_that_another_user_can_write_is_refused() {
    let cases: [(User, u32, User, u32); 5] = [
        (User::Root, 0o755, User::Ben, 0o644),
        (User::Root, 0o755, User::Root, 0o666),
        (User::Root, 0o755, User::Root, 0o664),
        (User::Ben, 0o755, User::Root, 0o644),
        (User::Root, 0o777, User::Root, 0o644),
    ];
    for (owner, mode, file_owner, file_mode) in cases {
        let machine = machine();
        machine.write_program(MANAGED, file_owner, file_mode, &config(COMPANY));
        machine.directory("/etc/claviger", owner, mode);
        for _ in 0..2 {
            let output = machine.helper(User::Ana, &[]);
            output.failed(2, &["/etc/claviger"]);
        }
        machine.directory("/etc/claviger", User::Root, 0o755);
        fs::remove_file(machine.outside(MANAGED)).unwrap();
        machine.write_program(MANAGED, User::Root, 0o644, &config(COMPANY));
        machine.helper(User::Ana, &[]).printed(COMPANY);
    }
}

/// A link of ben's in the place of the managed configuration. Result: as above.
#[test]
fn a_managed_configuration_that_is_another_users_link_is_refused() {
    let machine = machine();
    machine.write("/home/ben/config.toml", User::Ben, &config("sk-of-ben"));
    machine.link("/home/ben/config.toml", MANAGED, User::Root);
    machine.directory("/home/ben", User::Ben, 0o755);
    let output = machine.helper(User::Ana, &[]);
    assert!(
        output.code != Some(0) && output.stdout.is_empty(),
        "{output:?}"
    );
}

/// The managed configuration, or its whole directory, is gone for a moment, as while an MDM
/// replaces it. Result: the daemon goes on with it, and never reads the user's own.
#[test]
fn a_managed_configuration_that_blinks_stays_in_force() {
    let machine = machine();
    machine.write(MANAGED, User::Root, &config(COMPANY));
    machine.helper(User::Ana, &[]).printed(COMPANY);
    for gone in [MANAGED, "/etc/claviger"] {
        let (place, away) = (machine.outside(gone), machine.outside("/etc/away"));
        for _ in 0..3 {
            fs::rename(&place, &away).unwrap();
            let output = machine.helper(User::Ana, &[]);
            assert!(!output.stdout.contains(OWN), "{output:?}");
            machine.run(User::Ana, "claviger", &["refresh"], &[]);
            let output = machine.helper(User::Ana, &[]);
            assert!(!output.stdout.contains(OWN), "{output:?}");
            fs::rename(&away, &place).unwrap();
            machine.helper(User::Ana, &[]).printed(COMPANY);
        }
    }
}

/// ana sets up a configuration of her own. Result: a message that the managed one is in force, and
/// no file.
#[test]
fn init_writes_no_configuration_that_would_not_be_read() {
    let machine = machine();
    machine.write(MANAGED, User::Root, &config(COMPANY));
    let flags = ["init", "--preset=google", "--yes"];
    let output = machine.run(User::Ana, "claviger", &flags, &[]);
    output.failed(7, &[MANAGED, "hint: write it to another file with --file"]);
}
