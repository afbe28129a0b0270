//! What ends the service: `stop`, systemd, idleness, a new program. The socket stays.

use std::{fs, thread};

use rustix::process::{Pid, Signal};

use super::{fixed, gated};
use crate::support::{
    KEY,
    namespace::User,
    poll::{SOON, until_blocking},
    process::{binary, is_alive},
    program_file,
    user_manager::{CONFIG, SOCKET, UserManager, config},
};

fn has_ended(pid: Pid) {
    assert!(until_blocking(SOON, || !is_alive(pid)), "it does not end");
}

/// Asserts that the next call starts a daemon other than `before`, over the same socket.
fn starts_another(manager: &UserManager, before: Pid, identity: u64) {
    assert_eq!(
        inode(manager),
        identity,
        "the socket's file is the manager's"
    );
    manager.helper().printed(KEY);
    let now = manager.service_pid().expect("a running service");
    assert_ne!(now, before);
    assert_eq!(manager.daemons(), [now]);
}

fn inode(manager: &UserManager) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(manager.machine.outside(SOCKET)).unwrap().ino()
}

#[test]
fn the_stop_command_ends_the_daemon_and_leaves_the_socket() {
    let manager = UserManager::logged_in(&fixed());
    manager.helper().printed(KEY);
    let (pid, identity) = (manager.service_pid().unwrap(), inode(&manager));
    let stopped = manager.machine.run(User::Ana, "claviger", &["stop"], &[]);
    assert_eq!(stopped.succeeded(), "the daemon has ended\n");
    let is_inactive = until_blocking(SOON, || {
        manager.property("claviger.service", "ActiveState") == "inactive"
    });
    assert!(is_inactive);
    starts_another(&manager, pid, identity);
}

#[test]
fn a_call_under_way_is_answered_before_the_service_ends() {
    for args in [
        &["stop", "claviger.service"][..],
        &["restart", "claviger.service"],
    ] {
        let manager = UserManager::logged_in(&gated());
        let at = |name: &str| manager.machine.outside(&format!("/home/ana/{name}"));
        thread::scope(|scope| {
            let call = scope.spawn(|| manager.helper());
            assert!(until_blocking(SOON, || at("started").exists()));
            let stop = scope.spawn(|| manager.systemctl(args));
            let state = || manager.property("claviger.service", "ActiveState");
            assert!(until_blocking(SOON, || state() == "deactivating"));
            // It has said so itself: systemd does not know the text.
            let text = manager.property("claviger.service", "StatusText");
            assert_eq!(text, "Answers its last clients");
            fs::write(at("go"), "").unwrap();
            call.join().unwrap().printed(KEY);
            stop.join().unwrap().succeeded();
        });
        assert_eq!(manager.property("claviger.service", "Result"), "success");
    }
}

#[test]
fn an_idle_service_ends_and_a_call_starts_it_again() {
    let manager = UserManager::logged_in(&fixed());
    let idle = config("[daemon]\nexit_when_idle = \"1s\"");
    manager.machine.write(CONFIG, User::Ana, &idle);
    manager.helper().printed(KEY);
    let (pid, identity) = (manager.service_pid().unwrap(), inode(&manager));
    has_ended(pid);
    starts_another(&manager, pid, identity);
}

#[test]
fn no_call_fails_while_the_program_is_replaced() {
    let manager = UserManager::logged_in(&fixed());
    manager.helper().printed(KEY);
    let (pid, identity) = (manager.service_pid().unwrap(), inode(&manager));
    let bin = manager.machine.outside("/mnt/bin");
    thread::scope(|scope| {
        let calls = scope.spawn(|| {
            while is_alive(pid) {
                manager.helper().printed(KEY);
            }
        });
        // As a package manager does it. Calls make the daemon look.
        program_file::copy(&binary("claviger"), &bin.join("new"));
        fs::rename(bin.join("new"), bin.join("claviger")).unwrap();
        has_ended(pid);
        calls.join().unwrap();
    });
    manager.assert_logged("the program was replaced or removed", 1);
    starts_another(&manager, pid, identity);
}

#[test]
fn a_daemon_whose_socket_was_removed_ends() {
    let manager = UserManager::logged_in(&fixed());
    manager.helper().printed(KEY);
    let pid = manager.service_pid().unwrap();
    fs::remove_file(manager.machine.outside(SOCKET)).unwrap();
    manager.kill_service(Signal::HUP);
    has_ended(pid);
    manager.assert_logged("the socket was removed or replaced", 1);
    // The manager does not notice: without a file the shim starts a daemon of its own.
    manager.helper().printed(KEY);
    assert_eq!(manager.daemons().len(), 1);
}
