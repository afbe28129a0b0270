//! The start of the daemon that is installed beside the shim.

use std::{
    fs::{self, File},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
        net::UnixListener,
    },
    path::Path,
    process::{Command, Stdio},
};

use crate::harness::{OTHER_USER, Run, SECRET, TestEnv, credential, run, set_mode, wait_until};

/// Variables of a client that must not reach the daemon.
const HOSTILE: [&str; 12] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS",
    "AWS_SECRET_ACCESS_KEY",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "HTTPS_PROXY",
    "https_proxy",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "SSL_CERT_FILE",
    "TEAM",
    "VAULT_TOKEN",
];

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
    let env = TestEnv::with_fake_daemon("listen");
    fs::write(env.path("marker"), "").unwrap();
    // A careless client leaves descriptors 7 and 8 open; 8 is the pipe that it reads.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "exec 7<\"$MARKER\" 8>&1; exec \"$SHIM\""]);
    env.isolate(&mut shell);
    shell
        .env("MARKER", env.path("marker"))
        .env("SHIM", env.helper())
        .env("CLAVIGER_CONFIG", env.path("config.toml"))
        .env("LANG", "de_AT.UTF-8")
        .env("LC_ALL", env.path("locale"))
        .env("TZ", "Europe/Vienna");
    for name in HOSTILE {
        shell.env(name, SECRET);
    }
    shell
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
    let environ = note("env");
    let mut names: Vec<_> = environ
        .lines()
        .filter_map(|line| line.split('=').next())
        .collect();
    names.sort_unstable();
    // The shell adds PWD and, some, others of their own.
    names.retain(|name| !matches!(*name, "PWD" | "OLDPWD" | "SHLVL" | "_"));
    let expected = [
        "CLAVIGER_CONFIG",
        "CLAVIGER_SOCKET",
        "CLAVIGER_STATE_DIR",
        "HOME",
        "LANG",
        "PATH",
        "TZ",
    ];
    assert_eq!(names, expected, "{environ}");
    assert!(!environ.contains(SECRET), "{environ}");
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n";
    assert!(environ.contains(path), "{environ}");
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
    let env = TestEnv::with_fake_daemon("listen");
    // Not even the directory exists.
    fs::remove_dir(env.path("run")).unwrap();
    let children: Vec<_> = (0..SHIMS)
        .map(|_| {
            let mut shim = env.shim(&[]);
            shim.stdout(Stdio::piped()).stderr(Stdio::piped());
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
    let env = TestEnv::with_fake_daemon("error");
    drop(UnixListener::bind(env.socket()).unwrap());
    run(&mut env.shim(&[])).failed(2, &["no profile in"]);
}

#[test]
fn the_failure_that_the_daemon_reports_is_shown() {
    let env = TestEnv::with_fake_daemon("error");
    let run_with = |fake: &str| {
        env.fake(fake);
        run(&mut env.shim(&["--timeout-ms", "20000"]))
    };
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
    let env = TestEnv::with_fake_daemon("listen at last");
    let mut shim = env.shim(&[]);
    shim.stdout(Stdio::piped()).stderr(Stdio::piped());
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
    let env = TestEnv::with_fake_daemon("stall");
    let run = run(&mut env.shim(&["--timeout-ms", "300"]));
    run.failed(8, &["did not answer within 300 ms", "state/daemon.log"]);
}

#[test]
fn only_the_daemon_beside_the_shim_is_started() {
    let env = TestEnv::new();
    let elsewhere = TestEnv::with_fake_daemon("error");
    let beside = |env: &TestEnv| {
        env.helper()
            .canonicalize()
            .unwrap()
            .with_file_name("claviger")
    };
    let mut shim = env.shim(&[]);
    shim.env("PATH", beside(&elsewhere).parent().unwrap());
    run(&mut shim).failed(8, &[beside(&env).to_str().unwrap(), "install claviger"]);

    // A link to the shim starts the daemon beside the link's target, whatever the link is called.
    for name in ["claviger-helper", "claviger-helper-codex", "key"] {
        let link = env.path(name);
        symlink(elsewhere.helper(), &link).unwrap();
        let mut linked = Command::new(link);
        env.isolate(&mut linked);
        run(&mut linked).failed(2, &["no profile in"]);
    }
}

#[test]
fn the_socket_that_the_daemon_reports_is_used() {
    // The client's socket is another one, or it knows none.
    for unknown in [false, true] {
        let env = TestEnv::with_fake_daemon("listen");
        fs::write(
            env.path("reported"),
            format!("{}\n", env.socket().display()),
        )
        .unwrap();
        let mut shim = env.shim(&[]);
        let home = env.path(if unknown { "missing" } else { "" });
        shim.env_remove("CLAVIGER_SOCKET")
            .env_remove("CLAVIGER_STATE_DIR")
            .env("HOME", home)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = shim.spawn().unwrap();
        listen(&env, 1);
        Run::from(child.wait_with_output().unwrap()).printed(&format!("{SECRET}\n"));
        end(&env);
    }
}

#[test]
fn the_reported_socket_is_checked_as_any_other() {
    let env = TestEnv::with_fake_daemon("listen");
    fs::create_dir(env.path("open")).unwrap();
    set_mode(&env.path("open"), 0o755);
    let socket = env.path("open/agent.sock");
    fs::write(env.path("reported"), format!("{}\n", socket.display())).unwrap();
    fs::write(env.path("listening"), "").unwrap();
    let _daemon = UnixListener::bind(&socket).unwrap();
    run(&mut env.shim(&[])).failed(7, &["is accessible to others (mode 0755"]);
    end(&env);
}

#[test]
fn a_held_lock_delays_a_start_by_two_seconds() {
    let env = TestEnv::with_fake_daemon("error");
    let held = File::create(env.path("run/agent.sock.start")).unwrap();
    held.lock().unwrap();
    // Sooner than the deadline of the shim, which is a minute.
    run(&mut env.shim(&["--timeout-ms", "20000"])).failed(2, &["no profile in"]);
}

#[test]
fn a_start_under_any_umask_makes_usable_private_directories() {
    for umask in ["0777", "0000"] {
        let env = TestEnv::with_fake_daemon("listen");
        fs::remove_dir(env.path("run")).unwrap();
        let mut shell = Command::new("/bin/sh");
        let line = format!("umask {umask}; exec \"$SHIM\"");
        env.isolate(shell.args(["-c", &line]));
        shell
            .env("SHIM", env.helper())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = shell.spawn().unwrap();
        listen(&env, 1);
        Run::from(child.wait_with_output().unwrap()).printed(&format!("{SECRET}\n"));
        let mode = |name: &str| fs::metadata(env.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("run"), mode("run/agent.sock.start")), (0o700, 0o600));
        assert_eq!(fs::read_to_string(env.path("umask")).unwrap(), "0077\n");
        end(&env);
    }
}

#[test]
fn a_failed_start_leaves_nothing_behind() {
    let env = TestEnv::with_fake_daemon("error");
    fs::remove_dir(env.path("run")).unwrap();
    let mut shim = env.shim(&[]);
    shim.env("CLAVIGER_SOCKET", env.path("a/b/run/agent.sock"));
    run(&mut shim).failed(2, &["no profile in"]);
    assert!(!env.path("a").exists());
    // What was there before stays.
    fs::create_dir(env.path("a")).unwrap();
    run(&mut shim).failed(2, &["no profile in"]);
    assert_eq!(fs::read_dir(env.path("a")).unwrap().count(), 0);

    // A directory that cannot be created is named.
    fs::write(env.path("file"), "").unwrap();
    shim.env("CLAVIGER_SOCKET", env.path("file/run/agent.sock"));
    let directory = env.path("file/run");
    run(&mut shim).failed(8, &[directory.to_str().unwrap()]);
}

#[test]
fn a_program_that_others_can_write_is_not_started() {
    let env = TestEnv::with_fake_daemon("error");
    let program = env.helper().with_file_name("claviger");
    fs::remove_file(&program).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shim/fake-daemon.sh");
    // Another process writes it, as a child of another test could keep it open for writing.
    let copied = Command::new("cp").arg(script).arg(&program).status();
    assert!(copied.unwrap().success());
    set_mode(&program, 0o755);
    run(&mut env.shim(&[])).failed(2, &["no profile in"]);

    let refused = |path: &Path, mode: u32, usual: u32| {
        set_mode(path, mode);
        let parts = [
            path.to_str().unwrap(),
            "is writable by others",
            "not started",
        ];
        run(&mut env.shim(&[])).failed(7, &parts);
        set_mode(path, usual);
    };
    for mode in [0o775, 0o757] {
        refused(&program, mode, 0o755);
        refused(program.parent().unwrap(), mode, 0o700);
    }
    if fs::metadata(&program).unwrap().uid() == 0 {
        chown(&program, Some(OTHER_USER), None).unwrap();
        run(&mut env.shim(&[])).failed(7, &["is owned by uid 65534"]);
    }
}

#[test]
fn a_shim_whose_file_is_replaced_while_it_runs_works() {
    let env = TestEnv::with_fake_daemon("error");
    // Its start waits for this lock, and meanwhile an update replaces it.
    let held = File::create(env.path("run/agent.sock.start")).unwrap();
    held.lock().unwrap();
    let mut shim = env.shim(&[]);
    shim.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = shim.spawn().unwrap();
    let exe = format!("/proc/{}/exe", child.id());
    wait_until("the shim runs", || {
        fs::read_link(&exe).is_ok_and(|exe| exe.ends_with("claviger-helper"))
    });
    fs::remove_file(env.helper()).unwrap();
    fs::write(env.helper(), "the new version").unwrap();
    drop(held);
    Run::from(child.wait_with_output().unwrap()).failed(2, &["no profile in"]);
}
