//! A service that cannot start: calls are answered within their deadline all the same.

use std::time::Duration;

use super::fixed;
use crate::support::{
    KEY,
    namespace::User,
    poll::timed,
    user_manager::{CONFIG, SOCKET, UserManager, config},
};

/// A call for whose daemon systemd gives up must not take longer than a client's patience.
const DEADLINE: Duration = Duration::from_secs(8);

#[tokio::test]
async fn a_service_that_fails_leaves_the_call_to_a_daemon_of_the_shims() {
    let manager = UserManager::logged_in(&fixed());
    let broken = "[Service]\nExecStart=\nExecStart=/bin/false\n";
    manager.write_drop_in("claviger.service", broken);
    let (output, took) = timed(async { manager.helper() }).await;
    output.printed(KEY);
    assert!(took < DEADLINE, "{took:?}");
    assert_eq!(
        manager.property("claviger.socket", "Result"),
        "service-start-limit-hit"
    );
    manager.helper().printed(KEY);
    assert_eq!(manager.daemons().len(), 1);
}

#[tokio::test]
async fn a_socket_at_another_path_is_refused_by_name() {
    let manager = UserManager::logged_in(&fixed());
    let moved = "[Socket]\nListenStream=\nListenStream=%t/claviger/other.sock\n";
    manager.systemctl(&["stop", "claviger.socket"]).succeeded();
    manager.write_drop_in("claviger.socket", moved);
    manager.helper().printed(KEY);
    let started = manager.systemctl(&["start", "claviger.service"]);
    assert_eq!(started.code, Some(1), "{started:?}");
    let problem = format!(
        "the service manager has passed a socket at '/run/user/4242/claviger/other.sock'; \
         expected a listening Unix stream socket at '{SOCKET}'"
    );
    manager.assert_logged(&problem, 1);
    manager.helper().printed(KEY);
}

#[tokio::test]
async fn a_service_that_hangs_costs_the_deadline_and_the_hint_names_the_journal() {
    let manager = UserManager::logged_in(&fixed());
    let hangs = "[Service]\nExecStart=\nExecStart=/bin/sleep 600\n";
    manager.write_drop_in("claviger.service", hangs);
    let variables = [("CLAVIGER_TIMEOUT_MS", "1500")];
    let call = async { manager.machine.helper(User::Ana, &variables) };
    let (output, took) = timed(call).await;
    output.failed(
        8,
        &[
            "did not answer within 1500 ms",
            "journalctl --user -u claviger",
        ],
    );
    assert!(took < DEADLINE, "{took:?}");
}

#[tokio::test]
async fn a_broken_configuration_is_served_as_an_error() {
    let manager = UserManager::logged_in(&fixed());
    manager.machine.write(CONFIG, User::Ana, "version = ");
    for _ in 0..8 {
        manager.helper().failed(2, &[CONFIG]);
    }
    assert_eq!(manager.property("claviger.service", "SubState"), "running");
    assert_eq!(manager.property("claviger.service", "NRestarts"), "0");
    manager.machine.write(CONFIG, User::Ana, &config(""));
    manager.helper().printed(KEY);
    manager.assert_logged("listening", 1);
}
