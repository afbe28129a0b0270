//! Which daemons the shim trusts.

use std::{
    fs,
    io::Read as _,
    os::unix::{
        fs::{MetadataExt as _, chown, symlink},
        net::UnixListener,
        process::CommandExt as _,
    },
};

use crate::harness::{OTHER_USER, TestEnv, run, set_mode};

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
    let env = TestEnv::with_fake_daemon("nothing");
    set_mode(&env.path("run"), 0o777);
    run(&mut env.shim(&[])).failed(7, &["is accessible to others (mode "]);
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
fn a_relative_path_is_an_error_that_names_its_variable() {
    let env = TestEnv::with_fake_daemon("nothing");
    for name in ["CLAVIGER_CONFIG", "CLAVIGER_SOCKET", "CLAVIGER_STATE_DIR"] {
        let mut shim = env.shim(&[]);
        shim.env(name, "run/agent.sock").current_dir(env.path(""));
        run(&mut shim).failed(2, &[name, "expected an absolute path"]);
    }
    let mut shim = env.shim(&[]);
    shim.env_remove("CLAVIGER_SOCKET")
        .env_remove("CLAVIGER_STATE_DIR")
        .env("HOME", "home");
    run(&mut shim).failed(2, &["'HOME'", "expected an absolute path"]);
    assert!(!env.path("started").exists());
}

#[test]
fn root_in_another_users_environment_is_denied() {
    let env = TestEnv::with_fake_daemon("nothing");
    if fs::metadata(env.path("run")).unwrap().uid() != 0 {
        return;
    }
    let foreign = env.path("foreign");
    fs::create_dir(&foreign).unwrap();
    chown(&foreign, Some(OTHER_USER), None).unwrap();
    for name in ["HOME", "XDG_RUNTIME_DIR"] {
        let mut shim = env.shim(&[]);
        shim.env_remove("CLAVIGER_SOCKET").env(name, &foreign);
        run(&mut shim).failed(7, &[name, "uid 65534", "sudo -H"]);
    }
    assert_eq!(fs::read_dir(&foreign).unwrap().count(), 0);
    assert!(!env.path("started").exists());
}
