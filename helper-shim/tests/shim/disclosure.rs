//! To whom the shim shows a key: no terminal, no tracer. Only Linux has these files of a process,
//! and this `script`.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::{
        fs::{MetadataExt as _, chown},
        net::UnixListener,
        process::CommandExt as _,
    },
    process::{Command, Stdio},
    thread,
};

use crate::harness::{
    OTHER_USER, Run, SECRET, TestEnv, credential, read_request, run, set_mode, wait_until,
};

/// The kernel gives the files of a process that is not dumpable to root.
#[test]
fn a_shim_that_waits_for_a_key_cannot_be_traced_or_dumped() {
    let env = TestEnv::with_fake_daemon("nothing");
    // It waits for this lock, after all that it does before it asks for a key.
    let lock = env.path("run/agent.sock.start");
    let held = File::create(&lock).unwrap();
    held.lock().unwrap();
    let mut shim = env.shim(&[]);
    if held.metadata().unwrap().uid() == 0 {
        for directory in [&env.path(""), env.helper().parent().unwrap()] {
            set_mode(directory, 0o755);
        }
        chown(env.path("run"), Some(OTHER_USER), None).unwrap();
        chown(&lock, Some(OTHER_USER), None).unwrap();
        shim.uid(OTHER_USER);
    }
    let mut child = shim.stderr(Stdio::null()).spawn().unwrap();
    let proc = format!("/proc/{}", child.id());
    wait_until("its memory is root's", || {
        fs::read_link(format!("{proc}/exe")).is_ok_and(|exe| exe == env.helper())
            && fs::metadata(format!("{proc}/mem")).is_ok_and(|mem| mem.uid() == 0)
    });
    let limits = fs::read_to_string(format!("{proc}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let numbers: Vec<_> = core.unwrap().split_whitespace().skip(4).take(2).collect();
    assert_eq!(numbers, ["0", "0"]);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Runs the shim on a terminal of its own.
fn on_terminal(env: &TestEnv, args: &str) -> Run {
    let mut script = Command::new("script");
    let command = format!("{} {args}", env.helper().display());
    script.args(["-qec", &command, "/dev/null"]);
    env.isolate(&mut script);
    run(&mut script)
}

#[test]
fn a_key_is_not_shown_on_a_terminal() {
    let env = TestEnv::with_fake_daemon("nothing");
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

#[test]
fn a_key_is_shown_on_a_terminal_with_reveal() {
    let env = TestEnv::new();
    let listener = UnixListener::bind(env.socket()).unwrap();
    let daemon = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let request = read_request(&mut stream);
        stream.write_all(&credential(SECRET)).unwrap();
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
