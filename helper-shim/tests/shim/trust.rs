//! Which daemons the shim trusts, and whether it shows a key.

#[cfg(target_os = "linux")]
use std::process::Command;
use std::{
    fs,
    io::Read as _,
    os::unix::{
        fs::{MetadataExt as _, chown, symlink},
        net::UnixListener,
        process::CommandExt as _,
    },
};

#[cfg(target_os = "linux")]
use crate::harness::read_request;
use crate::harness::{SECRET, TestEnv, credential, run, set_mode};

/// The user id of a user other than root.
const OTHER_USER: u32 = 65_534;

#[test]
fn a_directory_that_is_accessible_to_others_is_denied() {
    let env = TestEnv::new();
    let _daemon = UnixListener::bind(env.socket()).unwrap();
    for mode in [0o755, 0o710, 0o701, 0o770] {
        set_mode(&env.path("run"), mode);
        // The user chose the directory: its mode may be on purpose.
        let hint = "hint: set CLAVIGER_SOCKET to a path in a directory of your own with mode 0700";
        let run = run(&mut env.shim(&[]));
        run.failed(7, &["is accessible to others (mode ", hint]);
    }
}

#[test]
fn the_mode_of_the_default_directory_is_to_be_corrected() {
    let env = TestEnv::new();
    let directory = env.path("run/claviger");
    fs::create_dir(&directory).unwrap();
    set_mode(&directory, 0o755);
    let mut shim = env.shim(&[]);
    shim.env_remove("CLAVIGER_SOCKET")
        .env("XDG_RUNTIME_DIR", env.path("run"));
    let hint = format!("hint: run chmod 700 '{}'", directory.display());
    run(&mut shim).failed(7, &["is accessible to others (mode ", &hint]);
}

#[test]
fn a_directory_that_is_a_link_is_denied() {
    let env = TestEnv::new();
    let _daemon = UnixListener::bind(env.socket()).unwrap();
    symlink(env.path("run"), env.path("link")).unwrap();
    let socket = env.path("link/agent.sock");
    run(env.shim(&[]).env("CLAVIGER_SOCKET", socket))
        .failed(7, &["is a symbolic link; expected a directory"]);
}

#[test]
fn the_directory_is_checked_before_a_daemon_is_started() {
    let env = TestEnv::with_fake_daemon();
    set_mode(&env.path("run"), 0o777);
    run(env.shim(&[]).env("FAKE", "nothing")).failed(7, &["is accessible to others (mode "]);
    assert!(!env.path("started").exists());
}

#[test]
fn a_directory_or_process_of_another_user_is_denied() {
    let env = TestEnv::new();
    let dir = env.path("run");
    if fs::metadata(&dir).unwrap().uid() != 0 {
        // Only root can give a directory to another user.
        return;
    }
    let listener = UnixListener::bind(env.socket()).unwrap();
    chown(&dir, Some(OTHER_USER), None).unwrap();
    run(&mut env.shim(&[])).failed(7, &["is owned by uid "]);

    // The directory belongs to the shim's user, and root's process listens.
    set_mode(&env.path(""), 0o755);
    set_mode(&env.socket(), 0o777);
    run(env.shim(&[]).uid(OTHER_USER)).failed(7, &["a process of another user"]);
    listener.set_nonblocking(true).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    stream.read_to_end(&mut request).unwrap();
    assert_eq!(request, b"");
}

#[test]
fn a_socket_path_that_is_too_long_is_an_error() {
    let env = TestEnv::new();
    let long = format!("/{}/agent.sock", "x".repeat(120));
    let parts = ["132 bytes", "limit of", "set CLAVIGER_SOCKET"];
    run(env.shim(&[]).env("CLAVIGER_SOCKET", long)).failed(2, &parts);
}

#[test]
fn a_relative_socket_path_starts_at_the_working_directory() {
    let env = TestEnv::new();
    let daemon = env.serve(vec![credential(SECRET)]);
    let mut shim = env.shim(&[]);
    shim.env("CLAVIGER_SOCKET", "run/agent.sock")
        .current_dir(env.path(""));
    run(&mut shim).printed(&format!("{SECRET}\n"));
    daemon.join().unwrap();
}

/// Runs the shim on a terminal of its own.
#[cfg(target_os = "linux")]
fn on_terminal(env: &TestEnv, args: &str) -> crate::harness::Run {
    let mut script = Command::new("script");
    let command = format!("{} {args}", env.helper().display());
    script.args(["-qec", &command, "/dev/null"]);
    env.isolate(&mut script);
    run(&mut script)
}

#[cfg(target_os = "linux")]
#[test]
fn a_key_is_not_shown_on_a_terminal() {
    let env = TestEnv::with_fake_daemon();
    let listener = UnixListener::bind(env.socket()).unwrap();
    let denied = on_terminal(&env, "");
    assert_eq!(denied.code, Some(7), "{denied:?}");
    assert!(
        denied
            .stdout
            .starts_with("claviger: the key is not shown on a terminal"),
        "{denied:?}"
    );
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "a request was sent");
}

#[cfg(target_os = "linux")]
#[test]
fn a_key_is_shown_on_a_terminal_with_reveal() {
    let env = TestEnv::new();
    let listener = UnixListener::bind(env.socket()).unwrap();
    let daemon = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_request(&mut stream);
        std::io::Write::write_all(&mut stream, &credential(SECRET)).unwrap();
        request
    });
    let shown = on_terminal(&env, "--reveal");
    assert_eq!(
        (shown.code, shown.stdout.trim_end()),
        (Some(0), SECRET),
        "{shown:?}"
    );
    assert!(daemon.join().unwrap().reveal);
}
