//! The unit and shims in every order: no call fails, and one daemon is left.

use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
};

use rustix::process::{Signal, kill_process};

use super::fixed;
use crate::support::{
    KEY,
    poll::{SOON, until_blocking},
    process::is_alive,
    user_manager::{SOCKET, UserManager},
};

/// How many shims run at the same time.
const CALLERS: usize = 4;

/// Runs shims, each of which must print the key, until `work` is done, which sees how many have.
fn meanwhile(manager: &UserManager, work: impl FnOnce(&AtomicUsize)) {
    let is_done = AtomicBool::new(false);
    let calls = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                while !is_done.load(SeqCst) {
                    manager.helper().printed(KEY);
                    calls.fetch_add(1, SeqCst);
                }
            });
        }
        // Also if `work` panics: the scope waits for the callers.
        let _done = Done(&is_done);
        work(&calls);
    });
}

/// Is true when this is dropped.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// A daemon of the shim is there when the unit comes, as when the package is installed.
#[test]
fn a_unit_that_starts_after_a_shim_takes_over() {
    let mut manager = UserManager::new(&fixed());
    manager.log_in();
    manager.helper().printed(KEY);
    let [first] = manager.daemons()[..] else {
        panic!("{:?}", manager.daemons());
    };
    meanwhile(&manager, |_| {
        manager.systemctl(&["start", "claviger.socket"]).succeeded();
        assert!(until_blocking(SOON, || manager.service_pid().is_some()));
        // It looks within a minute; a hangup makes it look now.
        kill_process(first, Signal::HUP).unwrap();
        assert!(until_blocking(SOON, || !is_alive(first)));
    });
    manager.helper().printed(KEY);
    assert_eq!(manager.daemons(), [manager.service_pid().unwrap()]);
}

#[test]
fn a_unit_that_comes_and_goes_fails_no_call() {
    let manager = UserManager::logged_in(&fixed());
    meanwhile(&manager, |calls| {
        // systemd gives up a service that is started more than five times in ten seconds.
        for verb in ["stop", "start", "restart", "stop", "start"] {
            // So many calls that some have begun after the last change.
            let enough = calls.load(SeqCst) + 3 * CALLERS;
            assert!(until_blocking(SOON, || calls.load(SeqCst) >= enough));
            manager.systemctl(&[verb, "claviger.socket"]).succeeded();
        }
    });
    assert_eq!(manager.property("claviger.socket", "ActiveState"), "active");
    manager.helper().printed(KEY);
    let service = manager.service_pid().unwrap();
    for daemon in manager.daemons() {
        // It looks within a minute; a hangup makes it look now.
        kill_process(daemon, Signal::HUP).unwrap();
        let ends = daemon != service;
        assert!(until_blocking(SOON, || is_alive(daemon) != ends));
    }
}

#[test]
fn without_the_unit_the_shim_starts_a_daemon_and_leaves_no_trace_of_it() {
    let manager = UserManager::logged_in(&fixed());
    manager.systemctl(&["stop", "claviger.socket"]).succeeded();
    assert!(!manager.machine.outside(SOCKET).exists());
    manager.helper().printed(KEY);
    assert_eq!(manager.service_pid(), None);
    let [shims] = manager.daemons()[..] else {
        panic!("{:?}", manager.daemons());
    };
    // The service alone cannot be started without the socket, which takes the path.
    manager
        .systemctl(&["start", "claviger.service"])
        .succeeded();
    kill_process(shims, Signal::HUP).unwrap();
    assert!(until_blocking(SOON, || !is_alive(shims)));
    assert!(fs::exists(manager.machine.outside(SOCKET)).unwrap());
    manager.helper().printed(KEY);
    assert_eq!(manager.daemons(), [manager.service_pid().unwrap()]);
}
