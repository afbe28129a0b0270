//! How the shim starts the daemon that lies beside it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};

use crate::harness::{Place, Run, SECRET, credential, run, wait_until};

/// Answers `count` shims in the place of the script that stands for the daemon, as soon as that runs.
fn listen(place: &Place, count: usize) {
    wait_until("the daemon is started", || place.path("started").exists());
    let daemon = place.serve(vec![credential(SECRET); count]);
    fs::write(place.path("listening"), "").unwrap();
    daemon.join().unwrap();
}

fn end(place: &Place) {
    fs::write(place.path("end"), "").unwrap();
    wait_until("the daemon has ended", || place.path("ended").exists());
}

#[test]
fn the_daemon_is_started_and_has_nothing_of_the_shims() {
    let place = Place::with_daemon();
    fs::write(place.path("marker"), "").unwrap();
    // Descriptors 7 and 8 are what a careless client leaves open; 8 is its pipe.
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "exec 7<\"$MARKER\" 8>&1; exec \"$SHIM\""]);
    place.isolate(&mut shell);
    shell
        .env("MARKER", place.path("marker"))
        .env("SHIM", place.helper())
        .env("FAKE", "listen")
        .env("CLAVIGER_CONFIG", "config.toml")
        .env("ANTHROPIC_API_KEY", SECRET)
        .env("ANTHROPIC_AUTH_TOKEN", SECRET)
        .env("ANTHROPIC_CUSTOM_HEADERS", SECRET)
        .current_dir(place.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = shell.spawn().unwrap();
    listen(&place, 1);
    // This returns at the end of file: while the daemon is still there.
    Run::from(child.wait_with_output().unwrap()).printed(&format!("{SECRET}\n"));
    assert!(!place.path("ended").exists());

    let note = |name: &str| fs::read_to_string(place.path(name)).unwrap();
    assert_eq!(note("started"), "daemon --detached\n");
    assert_eq!(note("cwd"), "/\n");
    let session = note("session");
    let (pid, session) = session.trim_end().split_once(' ').unwrap();
    assert_eq!(pid, session, "the daemon leads no session of its own");
    let config = fs::canonicalize(place.path(""))
        .unwrap()
        .join("config.toml");
    assert!(note("env").contains(&format!("CLAVIGER_CONFIG={}\n", config.display())));
    assert!(!note("env").contains(SECRET));
    let fds = note("fds");
    assert!(fds.contains("-> pipe:") && !fds.contains("marker"), "{fds}");
    assert_eq!(fds.matches("-> pipe:").count(), 1, "{fds}");
    assert_eq!(fds.matches("-> /dev/null").count(), 2, "{fds}");
    assert!(!fds.contains("agent.sock"), "{fds}");
    end(&place);
}

#[test]
fn many_shims_start_one_daemon() {
    const SHIMS: usize = 200;
    let place = Place::with_daemon();
    // Not even the directory is there.
    fs::remove_dir(place.path("run")).unwrap();
    let children: Vec<_> = (0..SHIMS)
        .map(|_| {
            let mut shim = place.shim(&[]);
            shim.env("FAKE", "listen")
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            shim.spawn().unwrap()
        })
        .collect();
    listen(&place, SHIMS);
    for child in children {
        Run::from(child.wait_with_output().unwrap()).printed(&format!("{SECRET}\n"));
    }
    assert_eq!(
        fs::read_to_string(place.path("started"))
            .unwrap()
            .lines()
            .count(),
        1
    );
    let mode = fs::metadata(place.path("run"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    end(&place);
}

#[test]
fn a_socket_that_was_left_behind_is_no_daemon() {
    let place = Place::with_daemon();
    drop(std::os::unix::net::UnixListener::bind(place.socket()).unwrap());
    run(place.shim(&[]).env("FAKE", "error")).failed(2, &["no profile in"]);
}

#[test]
fn the_daemons_word_is_passed_on() {
    let place = Place::with_daemon();
    let run_with = |fake: &str| run(place.shim(&["--timeout-ms", "20000"]).env("FAKE", fake));
    let error = run_with("error");
    error.failed(2, &[]);
    let stderr =
        "claviger: no profile in \"/etc/claviger/config.toml\"\nhint: add [profile.default]\n";
    assert_eq!(error.stderr, stderr);
    run_with("nothing").failed(8, &["without a word", "state/daemon.log"]);
    run_with("lie").failed(
        8,
        &["says that it listens and does not", "state/daemon.log"],
    );
}

#[test]
fn a_daemon_that_is_killed_as_it_starts_is_started_again() {
    let place = Place::with_daemon();
    let mut shim = place.shim(&[]);
    shim.env("FAKE", "listen at last")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = shim.spawn().unwrap();
    // A listener that came before the second one would be all that the shim needs.
    wait_until("the daemon is started again", || {
        fs::read_to_string(place.path("started")).is_ok_and(|starts| starts.lines().count() > 1)
    });
    listen(&place, 1);
    Run::from(child.wait_with_output().unwrap()).printed(&format!("{SECRET}\n"));
    end(&place);
}

#[test]
fn a_daemon_that_says_nothing_is_waited_for_until_the_deadline() {
    let place = Place::with_daemon();
    let run = run(place.shim(&["--timeout-ms", "300"]).env("FAKE", "stall"));
    run.failed(8, &["did not answer within 300 ms", "state/daemon.log"]);
}

#[test]
fn no_daemon_but_the_one_beside_the_shim_is_started() {
    let place = Place::new();
    let elsewhere = Place::with_daemon();
    let beside = |place: &Place| {
        place
            .helper()
            .canonicalize()
            .unwrap()
            .with_file_name("claviger")
    };
    let mut shim = place.shim(&[]);
    shim.env("PATH", beside(&elsewhere).parent().unwrap())
        .env("FAKE", "error");
    run(&mut shim).failed(8, &[beside(&place).to_str().unwrap(), "install claviger"]);

    // A link to the shim is as good as the shim.
    let link = place.path("claviger-helper");
    symlink(elsewhere.helper(), &link).unwrap();
    let mut linked = Command::new(link);
    place.isolate(&mut linked);
    run(linked.env("FAKE", "error")).failed(2, &["no profile in"]);
}
