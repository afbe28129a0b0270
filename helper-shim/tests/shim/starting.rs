//! The start of the daemon that is installed beside the shim.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixListener,
    },
    process::{Command, Stdio},
};

use crate::harness::{Run, SECRET, TestEnv, credential, run, wait_until};

/// Answers `count` shims in place of the fake daemon, as soon as that runs.
fn listen(env: &TestEnv, count: usize) {
    wait_until("the daemon is started", || env.path("started").exists());
    let daemon = env.serve(vec![credential(SECRET); count]);
    fs::write(env.path("listening"), "").unwrap();
    daemon.join().unwrap();
}

fn end(env: &TestEnv) {
    fs::write(env.path("end"), "").unwrap();
    wait_until("the daemon has ended", || env.path("ended").exists());
}

#[test]
fn the_started_daemon_inherits_nothing() {
    let env = TestEnv::with_fake_daemon();
    fs::write(env.path("marker"), "").unwrap();
    // A careless client leaves descriptors 7 and 8 open; 8 is the pipe that it reads.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "exec 7<\"$MARKER\" 8>&1; exec \"$SHIM\""]);
    env.isolate(&mut shell);
    shell
        .env("MARKER", env.path("marker"))
        .env("SHIM", env.helper())
        .env("FAKE", "listen")
        .env("CLAVIGER_CONFIG", "config.toml")
        .env("ANTHROPIC_API_KEY", SECRET)
        .env("ANTHROPIC_AUTH_TOKEN", SECRET)
        .env("ANTHROPIC_CUSTOM_HEADERS", SECRET)
        .current_dir(env.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = shell.spawn().unwrap();
    listen(&env, 1);
    // This returns at the end of file, while the daemon still runs.
    Run::from(child.wait_with_output().unwrap()).printed(&format!("{SECRET}\n"));
    assert!(!env.path("ended").exists());

    let note = |name: &str| fs::read_to_string(env.path(name)).unwrap();
    assert_eq!(note("started"), "daemon --detached\n");
    assert_eq!(note("cwd"), "/\n");
    let session = note("session");
    let (pid, session) = session.trim_end().split_once(' ').unwrap();
    assert_eq!(
        pid, session,
        "the daemon does not lead a session of its own"
    );
    let config = fs::canonicalize(env.path("")).unwrap().join("config.toml");
    assert!(note("env").contains(&format!("CLAVIGER_CONFIG={}\n", config.display())));
    assert!(!note("env").contains(SECRET));
    let fds = note("fds");
    assert!(fds.contains("-> pipe:") && !fds.contains("marker"), "{fds}");
    assert_eq!(fds.matches("-> pipe:").count(), 1, "{fds}");
    assert_eq!(fds.matches("-> /dev/null").count(), 2, "{fds}");
    assert!(!fds.contains("agent.sock"), "{fds}");
    end(&env);
}

#[test]
fn many_shims_start_one_daemon() {
    const SHIMS: usize = 200;
    let env = TestEnv::with_fake_daemon();
    // Not even the directory exists.
    fs::remove_dir(env.path("run")).unwrap();
    let children: Vec<_> = (0..SHIMS)
        .map(|_| {
            let mut shim = env.shim(&[]);
            shim.env("FAKE", "listen")
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            shim.spawn().unwrap()
        })
        .collect();
    listen(&env, SHIMS);
    for child in children {
        Run::from(child.wait_with_output().unwrap()).printed(&format!("{SECRET}\n"));
    }
    assert_eq!(
        fs::read_to_string(env.path("started"))
            .unwrap()
            .lines()
            .count(),
        1
    );
    let mode = fs::metadata(env.path("run")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    end(&env);
}

#[test]
fn a_stale_socket_is_not_a_daemon() {
    let env = TestEnv::with_fake_daemon();
    drop(UnixListener::bind(env.socket()).unwrap());
    run(env.shim(&[]).env("FAKE", "error")).failed(2, &["no profile in"]);
}

#[test]
fn the_failure_that_the_daemon_reports_is_shown() {
    let env = TestEnv::with_fake_daemon();
    let run_with = |fake: &str| run(env.shim(&["--timeout-ms", "20000"]).env("FAKE", fake));
    let error = run_with("error");
    error.failed(2, &[]);
    let stderr =
        "claviger: no profile in '/etc/claviger/config.toml'.\nhint: add [profile.default]\n";
    assert_eq!(error.stderr, stderr);
    run_with("nothing").failed(
        8,
        &[
            "exited during startup without reporting an error",
            "state/daemon.log",
        ],
    );
    run_with("lie").failed(8, &["does not listen", "state/daemon.log"]);
}

#[test]
fn a_daemon_that_is_killed_while_it_starts_is_started_again() {
    let env = TestEnv::with_fake_daemon();
    let mut shim = env.shim(&[]);
    shim.env("FAKE", "listen at last")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = shim.spawn().unwrap();
    // A listener before the second start would be enough for the shim.
    wait_until("the daemon is started again", || {
        fs::read_to_string(env.path("started")).is_ok_and(|starts| starts.lines().count() > 1)
    });
    listen(&env, 1);
    Run::from(child.wait_with_output().unwrap()).printed(&format!("{SECRET}\n"));
    end(&env);
}

#[test]
fn a_daemon_that_reports_nothing_is_given_up_at_the_deadline() {
    let env = TestEnv::with_fake_daemon();
    let run = run(env.shim(&["--timeout-ms", "300"]).env("FAKE", "stall"));
    run.failed(8, &["did not answer within 300 ms", "state/daemon.log"]);
}

#[test]
fn only_the_daemon_beside_the_shim_is_started() {
    let env = TestEnv::new();
    let elsewhere = TestEnv::with_fake_daemon();
    let beside = |env: &TestEnv| {
        env.helper()
            .canonicalize()
            .unwrap()
            .with_file_name("claviger")
    };
    let mut shim = env.shim(&[]);
    shim.env("PATH", beside(&elsewhere).parent().unwrap())
        .env("FAKE", "error");
    run(&mut shim).failed(8, &[beside(&env).to_str().unwrap(), "install claviger"]);

    // A link to the shim starts the daemon beside the link's target.
    let link = env.path("claviger-helper");
    symlink(elsewhere.helper(), &link).unwrap();
    let mut linked = Command::new(link);
    env.isolate(&mut linked);
    run(linked.env("FAKE", "error")).failed(2, &["no profile in"]);
}
