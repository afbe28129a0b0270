//! The packaged units: their syntax, and the sandboxing that holds for them.

use super::fixed;
use crate::support::{
    KEY,
    process::binary,
    user_manager::{UserManager, packaged},
};

#[test]
fn systemd_finds_nothing_wrong_with_them() {
    let manager = UserManager::logged_in(&fixed());
    let mut command = manager.command("/usr/bin/systemd-analyze");
    // The page is the package's.
    command.args([
        "--user",
        "verify",
        "--man=no",
        "claviger.socket",
        "claviger.service",
    ]);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let about: Vec<_> = text
        .lines()
        .filter(|line| line.contains("claviger"))
        .collect();
    assert!(output.status.success() && about.is_empty(), "{text}");
}

#[test]
fn systemd_finds_nothing_wrong_with_the_metrics_timer() {
    let directory = tempfile::tempdir().unwrap();
    let units = ["claviger-metrics.service", "claviger-metrics.timer"].map(|name| {
        let text = packaged(&format!("system/{name}"));
        let program = binary("claviger");
        let text = text.replace("/usr/bin/claviger", program.to_str().unwrap());
        let unit = directory.path().join(name);
        std::fs::write(&unit, text).unwrap();
        unit
    });
    let mut command = std::process::Command::new("systemd-analyze");
    command.args(["verify", "--man=no"]).args(units);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let is_clean = !text.lines().any(|line| line.contains("claviger"));
    assert!(output.status.success() && is_clean, "{text}");
}

#[test]
fn the_service_serves_with_the_hardening_that_is_offered() {
    let manager = UserManager::logged_in(&fixed());
    manager.write_drop_in("claviger.service", &packaged("hardening.conf"));
    manager.helper().printed(KEY);
    let pid = manager
        .service_pid()
        .expect("the service, not a daemon of the shim");
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    for expected in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(expected), "{status}");
    }
}

/// The reason why sandboxing with a user namespace is left out: files of root have no owner there
/// whom the daemon could trust.
#[test]
fn in_a_user_namespace_the_daemon_trusts_no_place() {
    let manager = UserManager::logged_in(&fixed());
    manager.write_drop_in("claviger.service", "[Service]\nPrivateUsers=yes\n");
    let started = manager.systemctl(&["start", "claviger.service"]);
    assert_eq!(started.code, Some(1), "{started:?}");
    manager.assert_logged("is owned by uid 65534; expected your uid 4242 or root", 1);
}
