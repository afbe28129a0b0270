//! The start of the daemon, which every client does in the same way.

use std::{
    fs::{self, File},
    process::Stdio,
};

use tokio::process::Command;

use crate::support::{KEY, TestEnv, poll::SOON, until};

/// The commands that start a daemon if none runs: program and arguments.
const STARTERS: [(&str, &[&str]); 2] = [("claviger", &["refresh"]), ("claviger-helper", &[])];

/// The credentials of the caller.
const CREDENTIALS: [&str; 3] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS",
];

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
        let mut inherited: Vec<_> = CREDENTIALS
            .into_iter()
            .filter(|name| environ.contains(name))
            .collect();
        inherited.extend((fields[3] != pid).then_some("the session"));
        inherited.extend((fields[4] != "0").then_some("the terminal"));
        inherited.extend(is_held.then_some("a descriptor"));
        assert_eq!(inherited, [""; 0], "{program} {args:?}");
        fs::write(env.path("checked"), "").unwrap();
        assert!(terminal.wait().await.unwrap().success());
        assert!(environ.contains("XDG_RUNTIME_DIR"), "{environ}");
    }
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
    for name in CREDENTIALS {
        script.env(name, "of-the-caller");
    }
    script.stdin(Stdio::null()).stdout(Stdio::null());
    script
}
