//! Programs that another user owns or can write.

use super::{CONFIG, OWN, config, machine};
use crate::support::{
    namespace::{Namespace, User},
    program_file,
};

/// A daemon of ben's, which says that it ran.
const HOSTILE: &str = "#!/bin/sh\ntouch /tmp/ran\nsleep 1\n";

/// A copy of the shim in `directory`, which exists.
fn shim(machine: &Namespace, directory: &str) -> String {
    let shim = format!("{directory}/claviger-helper");
    let installed = machine.outside("/mnt/bin/claviger-helper");
    program_file::copy(&installed, &machine.outside(&shim));
    shim
}

/// The `claviger` beside the shim, or the directory of both, is ben's or writable by him, or a link
/// leads to such a file. Result: the shim names the file and the rule, and starts nothing.
#[test]
fn a_program_of_another_user_is_not_started() {
    let cases: [(User, u32, User, u32); 5] = [
        (User::Root, 0o755, User::Ben, 0o755),
        (User::Root, 0o755, User::Root, 0o777),
        (User::Ana, 0o755, User::Ana, 0o775),
        (User::Ben, 0o755, User::Root, 0o755),
        (User::Root, 0o777, User::Root, 0o755),
    ];
    for (owner, mode, file_owner, file_mode) in cases {
        let machine = machine();
        machine.directory("/tmp/bin", owner, mode);
        machine.write_program("/tmp/bin/claviger", file_owner, file_mode, HOSTILE);
        let shim = shim(&machine, "/tmp/bin");
        let output = machine.run(User::Ana, &shim, &[], &[]);
        output.failed(7, &["not started", "/tmp/bin"]);
        assert!(!machine.outside("/tmp/ran").exists());
    }
    let machine = machine();
    machine.directory("/tmp/bin", User::Root, 0o755);
    machine.directory("/tmp/bens", User::Ben, 0o755);
    machine.write_program("/tmp/bens/claviger", User::Ben, 0o755, HOSTILE);
    machine.link("/tmp/bens/claviger", "/tmp/bin/claviger", User::Root);
    let shim = shim(&machine, "/tmp/bin");
    let output = machine.run(User::Ana, &shim, &[], &[]);
    output.failed(7, &["not started", "/tmp/bens"]);
    assert!(!machine.outside("/tmp/ran").exists());
}

/// ana's configuration names a program that ben owns or can write. Result: it does not run.
#[test]
fn a_sources_program_of_another_user_is_not_run() {
    for (owner, mode) in [(User::Ben, 0o755), (User::Ana, 0o777)] {
        let machine = machine();
        machine.write_program(
            "/tmp/key",
            owner,
            mode,
            "#!/bin/sh\ntouch /tmp/ran\necho sk-x\n",
        );
        let text = config(OWN).replace("\"/bin/echo\"", "\"/tmp/key\"");
        machine.write(CONFIG, User::Ana, &text);
        let output = machine.helper(User::Ana, &[]);
        assert_ne!(output.code, Some(0), "{output:?}");
        assert!(output.stderr.contains("/tmp/key"), "{output:?}");
        assert!(!machine.outside("/tmp/ran").exists(), "{owner:?} {mode:o}");
    }
}
