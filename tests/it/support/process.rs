//! The programs under test, and processes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::process::Pid;

/// The path of a program in the directory in which `cargo build --workspace` puts it.
///
/// # Panics
///
/// Panics if it was not built.
pub(crate) fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let directory = test.parent().and_then(Path::parent).unwrap();
    let binary = directory.join(name);
    assert!(
        binary.exists(),
        "{} not found: run tests/run, or cargo build --workspace first",
        binary.display()
    );
    binary
}

/// Whether a process exists and is not a zombie.
pub(crate) fn is_alive(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

/// The resident memory of a process, in KiB.
pub(crate) fn resident_memory(pid: Pid) -> usize {
    let path = format!("/proc/{}/status", pid.as_raw_nonzero());
    let status = fs::read_to_string(path).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.unwrap().trim().split(' ').next();
    number.unwrap().parse().unwrap()
}

/// Fails a test that needs further users or mounts of its own, and does not run as root.
///
/// # Panics
///
/// Panics unless this process is root's.
#[track_caller]
pub(crate) fn require_root() {
    assert!(
        rustix::process::geteuid().is_root(),
        "this test makes further users or mounts, in namespaces: run it as root (sudo)"
    );
}
