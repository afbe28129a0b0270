//! The daemon, its socket and its log.

use std::{fs, os::unix::net::UnixListener};

use rustix::process::Signal;

use super::{Diagnosis, in_shell};
use crate::support::{KEY, TestEnv, test_env::set_mode};

async fn diagnosis(env: &TestEnv) -> Diagnosis {
    Diagnosis::of(env, &["--no-start", "--no-message"]).await
}

#[tokio::test]
async fn a_daemon_that_does_not_run_or_was_killed() {
    let env = TestEnv::with_fixed_key();
    let found = diagnosis(&env).await;
    found.has("machine.daemon-not-running", &["agent.sock"]);
    found.lacks("machine.socket-stale");
    assert!(env.daemon_pid().is_none(), "doctor has started one");
    env.helper().await.printed(KEY);
    diagnosis(&env).await.lacks("machine.daemon-not-running");
    env.kill_daemon(Signal::KILL);
    let found = diagnosis(&env).await;
    found.has("machine.socket-stale", &["agent.sock"]);

    // It is started as by a shim.
    Diagnosis::of(&env, &["--no-message"])
        .await
        .lacks("machine.daemon-start");
    assert!(env.daemon_pid().is_some());
}

#[tokio::test]
async fn a_daemon_that_cannot_start() {
    let env = TestEnv::with_fixed_key();
    let script = "ulimit -n 32; exec \"$0\" doctor --json --no-message";
    let output = in_shell(&env, script).await;
    Diagnosis::new(&output).has("machine.daemon-start", &["open files (nofile) is 32"]);
}

#[tokio::test]
async fn a_socket_directory_that_others_can_enter() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    set_mode(&env.path("run/claviger"), 0o755);
    let found = diagnosis(&env).await;
    found.has("machine.socket-unsafe", &["run/claviger"]);
    set_mode(&env.path("run/claviger"), 0o700);
    diagnosis(&env).await.lacks("machine.socket-unsafe");
}

#[tokio::test]
async fn a_listener_that_is_not_a_daemon() {
    let env = TestEnv::with_fixed_key();
    fs::create_dir(env.path("run/claviger")).unwrap();
    set_mode(&env.path("run/claviger"), 0o700);
    let listener = UnixListener::bind(env.socket()).unwrap();
    let closing = std::thread::spawn(move || {
        // Each attempt of the request is closed without an answer.
        for _ in 0..6 {
            drop(listener.accept().unwrap());
        }
    });
    diagnosis(&env)
        .await
        .has("machine.daemon-silent", &["agent.sock"]);
    closing.join().unwrap();
}

#[tokio::test]
async fn a_second_daemon_and_one_on_another_socket() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let first = env.daemon_pid().unwrap();
    let first_id = format!("pid {}", first.as_raw_nonzero());
    // The first one notices the loss only at its next look.
    rustix::process::kill_process(first, Signal::STOP).unwrap();
    fs::remove_file(env.socket()).unwrap();
    env.helper().await.printed(KEY);
    diagnosis(&env)
        .await
        .has("machine.daemon-second", &[&first_id]);
    rustix::process::kill_process(first, Signal::KILL).unwrap();

    let other = TestEnv::with_fixed_key();
    let found = diagnosis(&other).await;
    let socket = env.socket();
    found.has("machine.daemon-other-socket", &[socket.to_str().unwrap()]);
}

#[tokio::test]
async fn a_configuration_that_was_broken_while_the_daemon_runs() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    env.edit_config(|text| text.replace("source = ", "sorce = "));
    // Any request makes it look.
    env.helper().await;
    let found = diagnosis(&env).await;
    found.has("machine.daemon-old-config", &["missing 'source'"]);
    found.has("machine.config-invalid", &["sorce"]);
}

#[tokio::test]
async fn a_log_that_cannot_be_written_and_one_with_errors() {
    let env = TestEnv::with_fixed_key();
    fs::create_dir_all(env.state_dir()).unwrap();
    set_mode(&env.state_dir(), 0o700);
    let log = env.state_dir().join("daemon.log");
    std::os::unix::fs::symlink("/dev/null", &log).unwrap();
    env.helper().await.printed(KEY);
    diagnosis(&env)
        .await
        .has("machine.log-unusable", &["symbolic link"]);
    env.claviger(&["stop"]).await.succeeded();
    fs::remove_file(&log).unwrap();
    let line = "2026-11-30T00:00:00.000000Z ERROR the source is on fire\n";
    fs::write(&log, line).unwrap();
    diagnosis(&env)
        .await
        .has("machine.log-errors", &["the source is on fire"]);
}
