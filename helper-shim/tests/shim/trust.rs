//! To whom the shim talks, and to whom it shows a key.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
#[cfg(target_os = "linux")]
use std::process::Command;

#[cfg(target_os = "linux")]
use crate::harness::read_request;
use crate::harness::{Place, SECRET, credential, run, set_mode};

/// Some user, other than root.
const NOBODY: u32 = 65_534;

#[test]
fn a_directory_that_is_open_to_others_is_refused() {
    let place = Place::new();
    let _daemon = UnixListener::bind(place.socket()).unwrap();
    let dir = place.path("run");
    for mode in [0o755, 0o710, 0o701, 0o770] {
        set_mode(&dir, mode);
        let fix = format!("hint: run chmod 700 \"{}\"", dir.display());
        run(&mut place.shim(&[])).failed(7, &["must not be open to others", &fix]);
    }
}

#[test]
fn a_directory_that_is_a_link_is_refused() {
    let place = Place::new();
    let _daemon = UnixListener::bind(place.socket()).unwrap();
    symlink(place.path("run"), place.path("link")).unwrap();
    let socket = place.path("link/agent.sock");
    run(place.shim(&[]).env("CLAVIGER_SOCKET", socket)).failed(7, &["a directory and no link"]);
}

#[test]
fn the_directory_is_checked_before_a_daemon_is_started() {
    let place = Place::with_daemon();
    set_mode(&place.path("run"), 0o777);
    run(place.shim(&[]).env("FAKE", "nothing")).failed(7, &["must not be open to others"]);
    assert!(!place.path("started").exists());
}

#[test]
fn another_users_directory_or_process_is_refused() {
    let place = Place::new();
    let dir = place.path("run");
    if fs::metadata(&dir).unwrap().uid() != 0 {
        // Only root has another user's.
        return;
    }
    let listener = UnixListener::bind(place.socket()).unwrap();
    chown(&dir, Some(NOBODY), None).unwrap();
    run(&mut place.shim(&[])).failed(7, &["must be the user's own"]);

    // The directory is the shim's user's, and the listener root's.
    set_mode(&place.path(""), 0o755);
    set_mode(&place.socket(), 0o777);
    run(place.shim(&[]).uid(NOBODY)).failed(7, &["another user's process"]);
    listener.set_nonblocking(true).unwrap();
    let (mut asked, _) = listener.accept().unwrap();
    let mut nothing = Vec::new();
    std::io::Read::read_to_end(&mut asked, &mut nothing).unwrap();
    assert_eq!(nothing, b"");
}

#[test]
fn a_socket_path_that_is_too_long_is_refused() {
    let place = Place::new();
    let long = format!("/{}/agent.sock", "x".repeat(120));
    let parts = ["132 bytes", "limit of", "set CLAVIGER_SOCKET"];
    run(place.shim(&[]).env("CLAVIGER_SOCKET", long)).failed(2, &parts);
}

#[test]
fn a_relative_socket_path_is_the_working_directorys() {
    let place = Place::new();
    let daemon = place.serve(vec![credential(SECRET)]);
    let mut shim = place.shim(&[]);
    shim.env("CLAVIGER_SOCKET", "run/agent.sock")
        .current_dir(place.path(""));
    run(&mut shim).printed(&format!("{SECRET}\n"));
    daemon.join().unwrap();
}

/// Runs the shim on a terminal of its own.
#[cfg(target_os = "linux")]
fn on_terminal(place: &Place, args: &str) -> crate::harness::Run {
    let mut script = Command::new("script");
    let command = format!("{} {args}", place.helper().display());
    script.args(["-qec", &command, "/dev/null"]);
    place.isolate(&mut script);
    run(&mut script)
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_shown_no_key() {
    let place = Place::with_daemon();
    let listener = UnixListener::bind(place.socket()).unwrap();
    let refused = on_terminal(&place, "");
    assert_eq!(refused.code, Some(7), "{refused:?}");
    assert!(
        refused
            .stdout
            .starts_with("claviger: the key is not shown on a terminal"),
        "{refused:?}"
    );
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "the daemon was asked");
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_is_shown_a_key_when_the_daemon_agrees() {
    let place = Place::new();
    let listener = UnixListener::bind(place.socket()).unwrap();
    let daemon = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let asked = read_request(&mut stream);
        std::io::Write::write_all(&mut stream, &credential(SECRET)).unwrap();
        asked
    });
    let shown = on_terminal(&place, "--reveal");
    assert_eq!(
        (shown.code, shown.stdout.trim_end()),
        (Some(0), SECRET),
        "{shown:?}"
    );
    assert!(daemon.join().unwrap().reveal);
}
