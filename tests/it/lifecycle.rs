//! What ends a daemon and what does not: its socket, its program, signals, few descriptors.

use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

use crate::support::{
    KEY, TestEnv,
    poll::{SOON, timed, until},
    process::{binary, is_alive},
    program_file,
    test_env::ProgramOutput,
};

/// The programs in a directory of the test's own, in which they can be replaced.
struct Installation<'a> {
    env: &'a TestEnv,
    directory: PathBuf,
}

impl<'a> Installation<'a> {
    fn new(env: &'a TestEnv) -> Self {
        let directory = env.path("bin");
        program_file::install(&directory);
        Self { env, directory }
    }

    /// Replaces the daemon's program as a package manager does.
    fn replace(&self) {
        let new = self.directory.join("new");
        program_file::copy(&binary("claviger"), &new);
        fs::rename(new, self.directory.join("claviger")).unwrap();
    }

    async fn helper(&self) -> ProgramOutput {
        let shim = self.directory.join("claviger-helper");
        let mut command = via(self.env, &shim, &[], "claviger-helper");
        command.output().await.unwrap().into()
    }
}

/// A command for `program` with `args`, in the environment in which the test runs `like`.
fn via(env: &TestEnv, program: &Path, args: &[&str], like: &str) -> Command {
    let like = env.command(like, &[]);
    let mut command = Command::new(program);
    command.args(args).env_clear().kill_on_drop(true);
    for (name, value) in like.as_std().get_envs() {
        command.env(name, value.unwrap());
    }
    command
}

/// Makes the daemon look at its socket and program at once.
fn hang_up(pid: Pid) {
    kill_process(pid, Signal::HUP).unwrap();
}

async fn has_ended(pid: Pid) {
    until("its process has ended", SOON, async || !is_alive(pid)).await;
}

/// A machine with a running daemon.
async fn started() -> (TestEnv, Pid) {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let pid = env.daemon_pid().unwrap();
    (env, pid)
}

#[tokio::test]
async fn a_daemon_whose_directory_was_removed_ends() {
    let (env, pid) = started().await;
    fs::remove_dir_all(env.path("run/claviger")).unwrap();
    hang_up(pid);
    has_ended(pid).await;
    assert!(env.log().contains("the socket was removed or replaced"));
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_daemon_whose_directory_was_replaced_ends_and_leaves_the_new_one() {
    let (env, first) = started().await;
    fs::rename(env.path("run/claviger"), env.path("run/old")).unwrap();
    env.helper().await.printed(KEY);
    let second = env.daemon_pid().unwrap();
    assert_ne!(first, second);
    // A connection is as good as a signal. It fails if the daemon has noticed before.
    let _ = UnixStream::connect(env.path("run/old/agent.sock"));
    has_ended(first).await;
    hang_up(second);
    env.helper().await.printed(KEY);
    assert_eq!(env.daemon_pid(), Some(second));
}

#[tokio::test]
async fn a_daemon_whose_socket_belongs_to_another_one_ends_and_leaves_it() {
    let (env, first) = started().await;
    fs::remove_file(env.socket()).unwrap();
    env.helper().await.printed(KEY);
    let second = env.daemon_pid().unwrap();
    assert_ne!(first, second);
    hang_up(first);
    has_ended(first).await;
    env.helper().await.printed(KEY);
    assert_eq!(env.daemon_pid(), Some(second));
}

#[tokio::test]
async fn no_call_fails_while_the_program_is_replaced() {
    let env = TestEnv::with_fixed_key();
    let installed = Installation::new(&env);
    installed.helper().await.printed(KEY);
    for _ in 0..2 {
        let old = env.daemon_pid().unwrap();
        let replaced = AtomicBool::new(false);
        let calls = async || {
            while !replaced.load(SeqCst) {
                installed.helper().await.printed(KEY);
            }
        };
        let replace = async {
            installed.replace();
            has_ended(old).await;
            installed.helper().await.printed(KEY);
            replaced.store(true, SeqCst);
        };
        tokio::join!(calls(), calls(), calls(), calls(), replace);
        assert_ne!(env.daemon_pid(), Some(old));
    }
    assert!(env.log().contains("the program was replaced or removed"));
}

#[tokio::test]
async fn a_daemon_whose_program_was_removed_ends() {
    let env = TestEnv::with_fixed_key();
    let installed = Installation::new(&env);
    installed.helper().await.printed(KEY);
    let pid = env.daemon_pid().unwrap();
    fs::remove_file(installed.directory.join("claviger")).unwrap();
    // An installer may be at work: the daemon goes on for a moment.
    installed.helper().await.printed(KEY);
    has_ended(pid).await;
    assert!(!env.socket().exists());
}

#[tokio::test]
async fn a_hangup_reads_the_configuration_again() {
    let (env, pid) = started().await;
    let loaded = || env.log().matches("loaded the configuration").count();
    assert_eq!(loaded(), 1);
    env.edit_config(|config| config + "[daemon]\nexit_when_idle = \"1h\"\n");
    hang_up(pid);
    until("it is read", SOON, async || loaded() == 2).await;
    let good = fs::read_to_string(env.config_file()).unwrap();
    env.write_raw_config("version = ");
    hang_up(pid);
    until("the mistake is found", SOON, async || {
        env.log().contains("invalid configuration")
    })
    .await;
    env.helper().await.printed(KEY);
    env.write_raw_config(&good);
    assert_eq!(env.daemon_pid(), Some(pid));
}

#[tokio::test]
async fn a_daemon_in_the_foreground_survives_a_hangup() {
    let env = TestEnv::with_fixed_key();
    let daemon = env.spawn_daemon();
    until("it listens", SOON, async || env.daemon_pid().is_some()).await;
    let pid = env.daemon_pid().unwrap();
    hang_up(pid);
    env.helper().await.printed(KEY);
    env.claviger(&["stop"]).await.succeeded();
    let output = daemon.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("reading the configuration again"), "{log}");
}

#[tokio::test]
async fn signals_without_a_meaning_do_not_end_the_daemon() {
    let (env, pid) = started().await;
    for signal in [Signal::USR1, Signal::USR2, Signal::PIPE] {
        kill_process(pid, signal).unwrap();
    }
    env.helper().await.printed(KEY);
    assert_eq!(env.daemon_pid(), Some(pid));
}

#[tokio::test]
async fn sigint_and_sigquit_end_the_daemon_cleanly() {
    for signal in [Signal::INT, Signal::QUIT] {
        let (env, _) = started().await;
        env.kill_daemon(signal);
        assert!(!env.socket().exists());
        assert!(env.log().contains(" ended"), "{signal:?}");
    }
}

#[tokio::test]
async fn the_signal_state_of_the_client_does_not_matter() {
    let env = TestEnv::with_fixed_key();
    let shim = binary("claviger-helper");
    let args = [
        "--ignore-signal=CHLD",
        "--ignore-signal=HUP",
        "--block-signal=TERM",
        shim.to_str().unwrap(),
    ];
    let mut client = via(&env, Path::new("/usr/bin/env"), &args, "claviger-helper");
    // The source is a program, whose end the daemon must see.
    ProgramOutput::from(client.output().await.unwrap()).printed(KEY);
    hang_up(env.daemon_pid().unwrap());
    until("the hangup is handled", SOON, async || {
        env.log().contains("reading the configuration again")
    })
    .await;
    env.kill_daemon(Signal::TERM);
    assert!(env.log().contains(" ended"));
}

#[tokio::test]
async fn a_daemon_with_few_descriptors_serves() {
    let env = TestEnv::with_fixed_key();
    let script = format!(
        "ulimit -n 64 && exec {} daemon",
        binary("claviger").display()
    );
    let mut daemon = via(&env, Path::new("/bin/sh"), &["-c", &script], "claviger");
    let _daemon = daemon.spawn().unwrap();
    until("it listens", SOON, async || env.daemon_pid().is_some()).await;
    let pid = env.daemon_pid();
    let _silent: Vec<_> = (0..300)
        .map(|_| UnixStream::connect(env.socket()).unwrap())
        .collect();
    let (output, took) = timed(env.helper()).await;
    output.printed(KEY);
    // The silent connections are closed two seconds after they were accepted, if none gives way.
    assert!(took < Duration::from_secs(2), "{took:?}");
    env.status().await;
    assert_eq!(env.daemon_pid(), pid);
    env.claviger(&["stop"]).await.succeeded();
}
