//! The socket is there from the login on, and the first call starts the service.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, thread};

use rustix::process::Signal;
use serde_json::Value;

use super::fixed;
use crate::support::{
    KEY,
    namespace::User,
    poll::{SOON, until_blocking},
    test_env::ProgramOutput,
    user_manager::{CONFIG, SOCKET, UserManager, config},
};

/// As many shims as fifty sessions of Claude Code start at once.
const CROWD: usize = 50;

#[test]
fn the_preset_brings_the_socket_at_login_and_a_call_the_service() {
    let manager = UserManager::logged_in(&fixed());
    assert_eq!(manager.property("claviger.socket", "SubState"), "listening");
    assert_eq!(
        manager.property("claviger.service", "ActiveState"),
        "inactive"
    );
    assert_eq!(
        manager.property("claviger.service", "UnitFileState"),
        "static"
    );
    for (path, mode) in [(SOCKET, 0o600), ("/run/user/4242/claviger", 0o700)] {
        let found = fs::metadata(manager.machine.outside(path)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, mode, "{path}");
    }

    manager.helper().printed(KEY);
    assert_eq!(manager.property("claviger.service", "SubState"), "running");
    let status = manager
        .machine
        .run(User::Ana, "claviger", &["status", "--json"], &[]);
    let status: Value = serde_json::from_str(status.succeeded()).unwrap();
    let pid = manager.property("claviger.service", "MainPID");
    assert_eq!(status["daemon"]["pid"].to_string(), pid);
    assert_eq!(status["daemon"]["socket"], SOCKET);
    let text = manager.property("claviger.service", "StatusText");
    assert!(text.contains("claviger status"), "{text}");
}

#[test]
fn the_log_is_in_the_journal_with_its_levels() {
    let manager = UserManager::logged_in(&fixed());
    manager.helper().printed(KEY);
    let broken = "version = ";
    manager.machine.write(CONFIG, User::Ana, broken);
    manager.helper().printed(KEY);
    let has = |text: &str, level: &str| {
        manager.journal().iter().any(|entry| {
            let message = entry["MESSAGE"].as_str().unwrap_or_default();
            message.contains(text) && !message.starts_with('<') && entry["PRIORITY"] == level
        })
    };
    for (text, level) in [("listening", "6"), ("invalid configuration", "3")] {
        let is_logged = until_blocking(SOON, || has(text, level));
        assert!(is_logged, "{text}: {:?}", manager.journal());
    }
    let state = manager.machine.outside("/home/ana/.local/state/claviger");
    assert!(!state.join("daemon.log").exists());
    // The journal records the time of each line itself.
    let entries = manager.journal();
    let messages = entries.iter().filter_map(|entry| entry["MESSAGE"].as_str());
    let listening = messages.filter(|message| message.contains("listening"));
    assert!(
        listening
            .clone()
            .all(|message| message.trim_start().starts_with("INFO "))
    );
    // The journal of this machine is not ana's to read at first.
    let root = manager.machine.entrance(User::Root);
    let mut chmod = root.command("/usr/bin/chmod", Path::new("/"));
    let changed = chmod.args(["-R", "a+rX", "/run/log/journal"]).status();
    assert!(changed.unwrap().success());
    let logs = manager.command("/mnt/bin/claviger").arg("logs").output();
    let logs = ProgramOutput::from(logs.unwrap());
    assert!(
        logs.succeeded().contains("event=\"daemon-started\""),
        "{logs:?}"
    );
}

#[test]
fn fifty_calls_at_once_start_one_daemon() {
    let manager = UserManager::logged_in(&fixed());
    thread::scope(|scope| {
        for _ in 0..CROWD {
            scope.spawn(|| manager.helper().printed(KEY));
        }
    });
    manager.assert_logged("listening", 1);
    assert_eq!(manager.daemons(), [manager.service_pid().unwrap()]);
}

#[test]
fn after_a_crash_the_next_call_starts_another_one() {
    let manager = UserManager::logged_in(&fixed());
    for _ in 0..3 {
        manager.helper().printed(KEY);
        let first = manager.service_pid();
        manager.kill_service(Signal::KILL);
        manager.helper().printed(KEY);
        assert_ne!(manager.service_pid(), first);
    }
    assert_eq!(manager.daemons().len(), 1);
}

#[test]
fn variables_of_the_login_do_not_choose_the_configuration() {
    // The manager of these tests has CLAVIGER_CONFIG; a desktop copies all of its variables.
    let manager = UserManager::logged_in(&fixed());
    for variable in [
        "CLAVIGER_SOCKET=/home/ana/other.sock",
        "XDG_CONFIG_HOME=/home/ana/repository",
    ] {
        manager
            .systemctl(&["set-environment", variable])
            .succeeded();
    }
    manager.machine.write(
        "/home/ana/repository/claviger/config.toml",
        User::Ana,
        "version = ",
    );
    manager.helper().printed(KEY);
    assert_eq!(manager.property("claviger.service", "SubState"), "running");
}

#[test]
fn a_reload_reads_the_configuration_again() {
    let manager = UserManager::logged_in(&fixed());
    manager.helper().printed(KEY);
    let pid = manager.service_pid();
    manager.assert_logged("loaded the configuration", 1);
    manager.machine.write(
        CONFIG,
        User::Ana,
        &config("[daemon]\nexit_when_idle = \"1h\""),
    );
    manager
        .systemctl(&["reload", "claviger.service"])
        .succeeded();
    manager.assert_logged("loaded the configuration", 2);
    manager.machine.write(CONFIG, User::Ana, "version = ");
    manager
        .systemctl(&["reload", "claviger.service"])
        .succeeded();
    manager.assert_logged("invalid configuration", 1);
    manager.helper().printed(KEY);
    assert_eq!(manager.property("claviger.service", "SubState"), "running");
    assert_eq!(manager.service_pid(), pid);
}
