//! An internal error: what a panic shows, and that the daemon's death costs no call.

use std::os::unix::process::ExitStatusExt as _;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    KEY, TestEnv,
    poll::{SOON, until},
    test_env::ProgramOutput,
};

/// A thread that cannot be started is a panic of std, whose message has the system's error.
#[tokio::test]
async fn a_panic_of_a_command_shows_its_place_and_nothing_of_its_message() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let mut command = env.command("claviger", &["status", "--watch"]);
    // More than any machine has.
    command.env("RUST_MIN_STACK", (1_u64 << 60).to_string());
    command.env("RUST_BACKTRACE", "full");
    let output = ProgramOutput::from(command.output().await.unwrap());
    // 8 in a release build, in which panics do not unwind.
    assert_eq!(output.code, Some(101), "{output:?}");
    let (problem, hint) = output.stderr.split_once('\n').unwrap();
    let place = problem
        .strip_prefix("claviger: internal error at ")
        .unwrap();
    assert!(
        place.starts_with("library/std/src/thread/") || place.starts_with("src/cli/"),
        "{output:?}"
    );
    assert_eq!(
        hint,
        "hint: this is a bug: report the line above and the output of claviger --version\n"
    );
}

/// What ends a release build by force leaves neither a core nor a machine without keys.
#[tokio::test]
async fn an_aborted_daemon_leaves_no_core_and_the_next_call_gets_a_key() {
    let env = TestEnv::with_fixed_key();
    let mut daemon = env.spawn_daemon();
    until("the daemon listens", SOON, async || {
        env.daemon_pid().is_some()
    })
    .await;
    env.helper().await.printed(KEY);
    let first = env.daemon_pid().unwrap();
    let own = Pid::from_raw(daemon.id().unwrap().try_into().unwrap());
    assert_eq!(own, Some(first));
    kill_process(first, Signal::ABORT).unwrap();
    let status = daemon.wait().await.unwrap();
    assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "{status}");
    assert!(!status.core_dumped(), "{status}");
    env.helper().await.printed(KEY);
    assert_ne!(env.daemon_pid(), Some(first));
}
