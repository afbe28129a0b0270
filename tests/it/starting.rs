//! The start of the daemon, which every client does in the same way.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Stdio,
};

use rustix::process::{Pid, Resource, Rlimit, Signal};
use tokio::process::Command;

use crate::support::{
    KEY, TestEnv,
    poll::SOON,
    test_env::{ProgramOutput, set_mode},
    until,
};

/// The commands that start a daemon if none runs: program and arguments.
const STARTERS: [(&str, &[&str]); 2] = [("claviger", &["refresh"]), ("claviger-helper", &[])];

/// Variables of the caller that would choose something for every client of the daemon. The library
/// does not exist.
const HOSTILE: [&str; 14] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAVIGER_LOG",
    "HTTPS_PROXY",
    "LC_ALL",
    "LD_PRELOAD",
    "LOGNAME",
    "SSL_CERT_FILE",
    "TZ",
    "USER",
    "VAULT_ADDR",
    "VAULT_TOKEN",
];

/// The value of each.
const HOSTILE_VALUE: &str = "/of-the-caller/lib.so";

/// All that a daemon's environment consists of, in a client's with `LANG`, for a user without a
/// runtime directory.
const BUILT: [&str; 6] = ["HOME", "LANG", "LOGNAME", "PATH", "SHELL", "USER"];

/// As many clients of each kind as start at once.
const CROWD: usize = 20;

#[tokio::test]
async fn a_started_daemon_inherits_nothing() {
    for (program, args) in STARTERS {
        // The source's program has the daemon's environment.
        let env = TestEnv::with_script(&format!("env >\"${{0%/*}}/environ\"; echo {KEY}"));
        let mut terminal = on_terminal(&env, program, args).spawn().unwrap();
        until("the starter has ended", SOON, async || {
            env.path("ended").exists()
        })
        .await;
        assert_eq!(fs::read_to_string(env.path("ended")).unwrap(), "0\n");

        let pid = env.daemon_pid().unwrap().as_raw_nonzero().to_string();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        // After the program's name in parentheses: state, ppid, pgrp, session, tty_nr.
        let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let environ = fs::read_to_string(env.path("secrets/environ")).unwrap();
        // The lock is free if no process has the descriptor open.
        let is_held = File::open(env.path("held")).unwrap().try_lock().is_err();
        let mut inherited = Vec::new();
        inherited.extend(environ.contains("of-the-caller").then_some("a variable"));
        inherited.extend((fields[3] != pid).then_some("the session"));
        inherited.extend((fields[4] != "0").then_some("the terminal"));
        inherited.extend(is_held.then_some("a descriptor"));
        assert_eq!(inherited, [""; 0], "{program} {args:?}");
        fs::write(env.path("checked"), "").unwrap();
        assert!(terminal.wait().await.unwrap().success());
        // The shell adds PWD.
        assert_eq!(names(&environ.replace("PWD=/\n", "")), BUILT, "{environ}");
    }
}

/// Also if a user or a service manager starts it, with an environment of any kind.
#[tokio::test]
async fn the_environment_of_every_daemon_is_built() {
    let starters = [("claviger", &["daemon"] as &[_]), STARTERS[0], STARTERS[1]];
    for (program, args) in starters {
        let env = TestEnv::with_fixed_key();
        let mut starter = env.command(program, args);
        for name in HOSTILE.iter().filter(|name| **name != "CLAVIGER_LOG") {
            starter.env(name, HOSTILE_VALUE);
        }
        let _starter = starter.env("LANG", "C.UTF-8").spawn().unwrap();
        until("it listens", SOON, async || env.daemon_pid().is_some()).await;
        let Some(environ) = environ(env.daemon_pid().unwrap()) else {
            return;
        };
        assert_eq!(names(&environ), BUILT, "{program}: {environ}");
        assert!(!environ.contains("of-the-caller"), "{environ}");
    }
}

/// A shell runs the shim; `before` is what it does first.
async fn helper_after(env: &TestEnv, before: &str) -> ProgramOutput {
    let helper = env.command("claviger-helper", &[]);
    let helper = helper.as_std();
    let mut shell = Command::new("/bin/sh");
    shell
        .arg("-c")
        .arg(format!("{before}; \"$0\"; code=$?; exit $code"))
        .arg(helper.get_program())
        .env_clear()
        .stdin(Stdio::null());
    for (name, value) in helper.get_envs() {
        shell.envs(value.map(|value| (name, value)));
    }
    shell.output().await.unwrap().into()
}

#[tokio::test]
async fn signals_that_the_starter_ignores_act_as_usual() {
    let env = TestEnv::with_fixed_key();
    let output = helper_after(&env, "trap '' HUP INT QUIT TERM CHLD USR1").await;
    output.printed(KEY);
    let pid = env.daemon_pid().unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let mask = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        u64::from_str_radix(line.split_whitespace().last().unwrap(), 16).unwrap()
    };
    // Rust's runtime ignores SIGPIPE, the 13th; the C library keeps the 32nd and 33rd to itself.
    let ignored = mask("SigIgn:") & !(0b11 << 31);
    assert_eq!((mask("SigBlk:"), ignored), (0, 1 << 12), "{status}");
    env.kill_daemon(Signal::TERM);
    assert!(!env.socket().exists());
}

#[tokio::test]
async fn any_umask_makes_private_usable_files() {
    for umask in ["0777", "0000"] {
        let env = TestEnv::with_fixed_key();
        helper_after(&env, &format!("umask {umask}"))
            .await
            .printed(KEY);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&env.path("run/claviger")), 0o700);
        assert_eq!(mode(&env.state_dir()), 0o700);
        assert_eq!(mode(&env.state_dir().join("daemon.log")), 0o600);
    }
}

#[tokio::test]
async fn a_low_limit_of_open_files_is_named_and_nothing_is_left() {
    let env = TestEnv::with_fixed_key();
    let output = helper_after(&env, "ulimit -n 16").await;
    output.failed(
        8,
        &[
            "(nofile) is 16",
            "at least 64",
            "hint: raise the hard limit",
        ],
    );
    assert_eq!(fs::read_dir(env.path("run")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(env.path("state")).unwrap().count(), 0);

    // A soft limit is raised.
    helper_after(&env, "ulimit -S -n 100").await.printed(KEY);
    let pid = env.daemon_pid().unwrap();
    let limits = rustix::process::prlimit(Some(pid), Resource::Nofile, unchanged()).unwrap();
    assert!(limits.current.is_none_or(|soft| soft >= 1024), "{limits:?}");
}

/// The limits of this process, which are those of the daemon.
fn unchanged() -> Rlimit {
    rustix::process::getrlimit(Resource::Nofile)
}

#[tokio::test]
async fn a_client_that_hangs_with_the_lock_does_not_keep_others_from_starting() {
    let env = TestEnv::with_fixed_key();
    fs::create_dir(env.path("run/claviger")).unwrap();
    set_mode(&env.path("run/claviger"), 0o700);
    let held = File::create(env.path("run/claviger/agent.sock.start")).unwrap();
    held.lock().unwrap();
    // All of them give up on the lock at the same time, and each starts a daemon.
    for output in env.helpers(2 * CROWD).await {
        output.printed(KEY);
    }
    assert_eq!(env.log().matches(" listening").count(), 1, "{}", env.log());
}

#[tokio::test]
async fn many_clients_at_once_start_one_daemon() {
    let env = TestEnv::with_fixed_key();
    let mut clients = Vec::new();
    for _ in 0..CROWD {
        for (program, args) in STARTERS {
            let child = env.command(program, args).spawn().unwrap();
            clients.push((program, tokio::spawn(child.wait_with_output())));
        }
    }
    for (program, client) in clients {
        let output = client.await.unwrap().unwrap();
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{program}: {output:?}"
        );
    }
    let log = env.log();
    assert_eq!(log.matches(" listening").count(), 1, "{log}");
    assert_eq!(
        log.matches(" another daemon was faster").count(),
        0,
        "{log}"
    );
}

/// The names of the variables in `environ`, which has one a line, in order.
fn names(environ: &str) -> Vec<&str> {
    let mut names: Vec<_> = environ
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    names.sort_unstable();
    names
}

/// The environment that a process started with, one variable a line. Only root can read a daemon's.
fn environ(pid: Pid) -> Option<String> {
    let bytes = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero())).ok()?;
    Some(String::from_utf8(bytes).unwrap().replace('\0', "\n"))
}

/// A shell on a terminal of its own that runs the program with the caller's credentials in its
/// environment and the descriptor of the file `held`, which is locked. The terminal is there until
/// the file `checked` exists.
fn on_terminal(env: &TestEnv, program: &str, args: &[&str]) -> Command {
    let starter = env.command(program, args);
    let starter = starter.as_std();
    let line = format!(
        "cd '{}'; (exec 7>held; flock 7; exec '{}' {} >/dev/null); echo $? >status; mv status ended; \
         while [ -e ended ] && ! [ -e checked ]; do sleep 0.01; done",
        env.path("").display(),
        starter.get_program().display(),
        args.join(" ")
    );
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).env_clear();
    for (name, value) in starter.get_envs() {
        script.envs(value.map(|value| (name, value)));
    }
    for name in HOSTILE {
        script.env(name, HOSTILE_VALUE);
    }
    script.env("LANG", "C.UTF-8");
    script.stdin(Stdio::null()).stdout(Stdio::null());
    script
}
