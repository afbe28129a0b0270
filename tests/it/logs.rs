//! The daemon's log: what is not the user's alone is never written, and the daemon serves without a
//! log.

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt as _, chown, symlink},
    path::Path,
};

use rustix::fs::{CWD, Mode, mkfifoat};

use crate::support::{KEY, TestEnv, poll::SOON, test_env::set_mode, until};

/// A user that owns nothing here.
const OTHER: u32 = 4242;

/// Runs `spoil` on a machine whose state directory exists, then the shim, which must print the key.
/// Returns the reason for which the daemon does not log.
async fn log_error(spoil: impl FnOnce(&TestEnv)) -> String {
    let env = TestEnv::with_fixed_key();
    fs::create_dir(env.state_dir()).unwrap();
    set_mode(&env.state_dir(), 0o700);
    spoil(&env);
    env.helper().await.printed(KEY);
    let status = env.status().await;
    let log = &status["daemon"]["log"];
    assert_eq!(*log, *env.state_dir().join("daemon.log").to_str().unwrap());
    let error = status["daemon"]["log_error"].as_str().unwrap();
    let printed = env.claviger(&["status"]).await.stdout;
    // It is wrapped.
    let words = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(error), "{printed}");
    error.to_owned()
}

/// Writes a file outside of the state directory.
fn victim(env: &TestEnv) -> std::path::PathBuf {
    let path = env.path("home/.bashrc");
    fs::write(&path, "alias ll='ls -l'\n").unwrap();
    set_mode(&path, 0o644);
    path
}

fn state(path: &Path) -> (String, u32, u64) {
    let found = fs::metadata(path).unwrap();
    (fs::read_to_string(path).unwrap(), found.mode(), found.ino())
}

#[tokio::test]
async fn a_link_or_another_name_of_a_file_is_not_written() {
    for (spoil, expected) in [
        (
            (|victim, log| symlink(victim, log)) as fn(&Path, &Path) -> std::io::Result<()>,
            "daemon.log' is a symbolic link; expected a regular file",
        ),
        (
            |victim, log| fs::hard_link(victim, log),
            "daemon.log' has 2 names (hard links)",
        ),
    ] {
        let env = TestEnv::with_fixed_key();
        let victim = victim(&env);
        let before = state(&victim);
        fs::create_dir(env.state_dir()).unwrap();
        set_mode(&env.state_dir(), 0o700);
        spoil(&victim, &env.state_dir().join("daemon.log")).unwrap();
        env.helper().await.printed(KEY);
        let status = env.status().await;
        let error = status["daemon"]["log_error"].as_str().unwrap();
        assert!(error.contains(expected), "{error}");
        assert_eq!(state(&victim), before);
    }
}

#[tokio::test]
async fn a_link_to_a_missing_file_makes_none() {
    let env = TestEnv::with_fixed_key();
    fs::create_dir(env.state_dir()).unwrap();
    set_mode(&env.state_dir(), 0o700);
    symlink(
        env.path("home/.profile"),
        env.state_dir().join("daemon.log"),
    )
    .unwrap();
    env.helper().await.printed(KEY);
    assert!(!env.path("home/.profile").exists());
}

#[tokio::test]
async fn what_is_no_log_of_the_users_is_not_opened() {
    let error = log_error(|env| {
        let fifo = env.state_dir().join("daemon.log");
        mkfifoat(CWD, &fifo, Mode::from_raw_mode(0o600)).unwrap();
    })
    .await;
    assert!(error.contains("is a special file"), "{error}");

    let error = log_error(|env| fs::create_dir(env.state_dir().join("daemon.log")).unwrap()).await;
    assert!(error.contains("is a directory"), "{error}");

    if rustix::process::geteuid().is_root() {
        let error = log_error(|env| {
            let log = env.state_dir().join("daemon.log");
            fs::write(&log, "").unwrap();
            chown(&log, Some(OTHER), None).unwrap();
        })
        .await;
        assert!(error.contains("is owned by uid 4242"), "{error}");
    }
}

#[tokio::test]
async fn a_state_directory_that_others_reach_is_not_used() {
    let error = log_error(|env| set_mode(&env.state_dir(), 0o755)).await;
    assert!(error.contains("is accessible to others"), "{error}");

    let error = log_error(|env| {
        fs::remove_dir(env.state_dir()).unwrap();
        symlink(env.path("home"), env.state_dir()).unwrap();
    })
    .await;
    assert!(error.contains("is a symbolic link"), "{error}");

    let error = log_error(|env| {
        fs::remove_dir(env.state_dir()).unwrap();
        fs::write(env.state_dir(), "").unwrap();
    })
    .await;
    assert!(error.contains("is a regular file"), "{error}");
}

#[tokio::test]
async fn an_open_log_of_the_users_is_closed_to_others() {
    let env = TestEnv::with_fixed_key();
    fs::create_dir(env.state_dir()).unwrap();
    set_mode(&env.state_dir(), 0o700);
    let log = env.state_dir().join("daemon.log");
    fs::write(&log, "older\n").unwrap();
    set_mode(&log, 0o666);
    env.helper().await.printed(KEY);
    assert!(env.log().starts_with("older\n") && env.log().contains("listening"));
    assert_eq!(fs::metadata(&log).unwrap().mode() & 0o777, 0o600);
    assert!(env.status().await["daemon"]["log_error"].is_null());
}

#[tokio::test]
async fn a_hostile_socket_path_stays_on_its_line() {
    let env = TestEnv::with_fixed_key();
    let hostile = "a\n2026-01-01T00:00:00Z ERROR forged $(touch owned)\u{1b}[2Jb\u{202e}c";
    let socket = env.path("run").join(hostile).join("agent.sock");
    env.set_variable("CLAVIGER_SOCKET", socket.to_str().unwrap());
    env.helper().await.printed(KEY);
    env.claviger(&["stop"]).await.succeeded();
    let log = env.log();
    let line = log.lines().find(|line| line.contains("listening")).unwrap();
    let escaped = "/a\\n2026-01-01T00:00:00Z ERROR forged $(touch owned)\\x1b[2Jb\\u{202e}c/";
    assert!(line.contains(escaped), "{log}");
    assert!(!log.contains(|c: char| c.is_control() && c != '\n'));
    assert!(!log.lines().any(|line| line.starts_with("2026-01-01")));
}

#[tokio::test]
async fn a_log_that_grows_past_its_limit_is_rotated_while_the_daemon_runs() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let log = env.state_dir().join("daemon.log");
    let full = File::options().append(true).open(&log).unwrap();
    full.set_len(1 << 20).unwrap();
    env.claviger(&["stop"]).await.succeeded();
    // The client does not wait for the end of the process.
    until("the end is logged", SOON, async || {
        env.log().ends_with("ended event=\"daemon-ended\"\n")
    })
    .await;
    assert!(fs::metadata(&log).unwrap().len() < 1 << 16);
    let older = env.state_dir().join("daemon.log.1");
    assert_eq!(fs::metadata(&older).unwrap().len(), 1 << 20);
    assert_eq!(fs::metadata(&log).unwrap().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn directories_and_log_are_the_users_whatever_the_umask() {
    let env = TestEnv::with_fixed_key();
    // The daemon itself: the shim makes the socket's directory before.
    let daemon = env.command("claviger", &["daemon", "--detached"]);
    let daemon = daemon.as_std();
    let mut shell = tokio::process::Command::new("/bin/sh");
    let line = "umask 0777; \"$0\" daemon --detached >/dev/null 2>&1 & echo started";
    shell.args(["-c", line]).arg(daemon.get_program());
    shell.env_clear().stdin(std::process::Stdio::null());
    for (name, value) in daemon.get_envs() {
        shell.envs(value.map(|value| (name, value)));
    }
    assert!(shell.output().await.unwrap().status.success());
    until("the daemon listens", SOON, async || {
        env.daemon_pid().is_some()
    })
    .await;
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    assert_eq!(mode(&env.path("run/claviger")), 0o700);
    assert_eq!(mode(&env.state_dir()), 0o700);
    assert_eq!(mode(&env.state_dir().join("daemon.log")), 0o600);
    env.helper().await.printed(KEY);
}
