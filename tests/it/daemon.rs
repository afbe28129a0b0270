//! The daemon's life: one of it, whatever happens around it.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixStream},
    time::Duration,
};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, prlimit};
use serde_json::json;

use crate::support::{
    Bao, KEY, Machine, Upstream,
    machine::{is_alive, set_mode, vault},
    poll::{SOON, timed},
    until,
    upstream::Answer,
};

/// As many as start when two hundred sessions of Claude Code do at once.
const CROWD: usize = 200;

#[tokio::test]
async fn a_crowd_has_one_daemon_one_login_and_one_read() {
    let bao = Bao::start().await;
    bao.put("k", json!({"api_key": KEY})).await;
    let machine = Machine::with_approle(&bao, "secret/k", json!({})).await;
    for output in machine.helpers(CROWD).await {
        output.printed(KEY);
    }
    let asked = bao.requests();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(bao.asked("update", "auth/approle/login"), 1);
    assert_eq!(bao.asked("read", "secret/data/k"), 1);
    assert_eq!(machine.log().matches(" listening").count(), 1);
}

#[tokio::test]
async fn a_crowd_does_not_run_against_what_is_down() {
    let upstream = Upstream::start(Answer::Close).await;
    let machine = Machine::new();
    let token = machine.secret_file("token", "s.0123456789abcdef");
    let auth = format!("method = \"token\", token_file = \"{token}\"");
    machine.config(&vault(&upstream.url(), "secret/k", "", &auth));
    let (outputs, took) = timed(machine.helpers(CROWD)).await;
    for output in outputs {
        output.failed(5, &[&format!("'{}'", upstream.host())]);
    }
    // The back-off starts at a second: one try at first, and one more for each second or so that the crowd took.
    let tries = usize::try_from(2 + took.as_secs()).unwrap();
    assert!(
        upstream.connections() <= tries,
        "{} in {took:?}",
        upstream.connections()
    );
    assert_eq!(machine.log().matches(" listening").count(), 1);
}

#[tokio::test]
async fn ends_in_order_when_it_is_told_to() {
    let machine = Machine::printing();
    machine.helper().await.printed(KEY);
    let pid = machine.daemon_pid().unwrap();
    let stopped = machine.claviger(&["stop"]).await;
    assert_eq!(stopped.succeeded(), "the daemon has ended\n");
    assert!(!machine.socket().exists());
    until("its process is gone", SOON, async || !is_alive(pid)).await;
    let stopped = machine.claviger(&["stop"]).await;
    assert_eq!(stopped.succeeded(), "no daemon was running\n");

    machine.helper().await.printed(KEY);
    machine.kill_daemon(Signal::TERM);
    assert!(!machine.socket().exists());
    assert_eq!(machine.log().matches(" ended").count(), 2);
}

/// What is under way when it ends is answered first.
#[tokio::test]
async fn answers_who_waits_before_it_ends() {
    let machine = Machine::scripted(&format!(
        "touch \"${{0%/*}}/started\"; sleep 0.7; echo {KEY}"
    ));
    let ending = async {
        until("the program runs", SOON, async || {
            machine.path("secrets/started").exists()
        })
        .await;
        machine.kill_daemon(Signal::TERM);
    };
    let (output, ()) = tokio::join!(machine.helper(), ending);
    output.printed(KEY);
    assert_eq!(machine.log().matches(" listening").count(), 1);
}

#[tokio::test]
async fn a_killed_one_leaves_a_socket_that_is_cleared() {
    let machine = Machine::printing();
    machine.helper().await.printed(KEY);
    let first = machine.daemon_pid();
    machine.kill_daemon(Signal::KILL);
    assert!(machine.socket().exists());
    machine.helper().await.printed(KEY);
    assert_ne!(machine.daemon_pid(), first);
}

#[tokio::test]
async fn a_second_one_leaves_the_first_in_peace() {
    let machine = Machine::printing();
    machine.helper().await.printed(KEY);
    let first = machine.daemon_pid();
    machine.claviger(&["daemon"]).await.failed(
        8,
        &[
            "a daemon is already listening on",
            "hint: run claviger stop first",
        ],
    );
    assert_eq!(machine.daemon_pid(), first);
    machine.helper().await.printed(KEY);
}

#[tokio::test]
async fn in_the_foreground() {
    let machine = Machine::printing();
    let daemon = machine.daemon(&[]);
    until("it listens", SOON, async || machine.daemon_pid().is_some()).await;
    assert_eq!(
        machine.daemon_pid().unwrap().as_raw_nonzero().get(),
        i32::try_from(daemon.id().unwrap()).unwrap()
    );
    machine.helper().await.printed(KEY);
    machine.claviger(&["stop"]).await.succeeded();
    let output = daemon.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"");
    let log = String::from_utf8(output.stderr).unwrap();
    machine.heard("the daemon's stderr", &log);
    assert!(log.contains("obtained a credential"), "{log}");
}

#[tokio::test]
async fn ends_when_nobody_asks() {
    let machine = Machine::printing();
    let config = fs::read_to_string(machine.config_file()).unwrap();
    machine.raw_config(&format!("{config}[daemon]\nexit_when_idle = \"1s\"\n"));
    machine.helper().await.printed(KEY);
    let pid = machine.daemon_pid().unwrap();
    until("it has ended", SOON, async || !is_alive(pid)).await;
    assert!(!machine.socket().exists());
    machine.helper().await.printed(KEY);
}

/// The directory of the socket has to be the user's alone: for the shim, and for the daemon.
#[tokio::test]
async fn an_unsafe_directory() {
    let machine = Machine::printing();
    let directory = machine.path("run/claviger");
    fs::create_dir(&directory).unwrap();
    set_mode(&directory, 0o755);
    machine
        .helper()
        .await
        .failed(7, &["run/claviger", "hint: run chmod 700"]);
    machine.claviger(&["daemon"]).await.failed(
        7,
        &[
            "others can enter it (mode 755, not 700)",
            "hint: make it yours alone",
        ],
    );

    fs::remove_dir(&directory).unwrap();
    fs::create_dir(machine.path("elsewhere")).unwrap();
    set_mode(&machine.path("elsewhere"), 0o700);
    symlink(machine.path("elsewhere"), &directory).unwrap();
    machine.helper().await.failed(7, &["run/claviger"]);
    machine
        .claviger(&["daemon"])
        .await
        .failed(7, &["it is a link or a file"]);

    fs::remove_file(&directory).unwrap();
    machine.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_file_in_the_sockets_place() {
    let machine = Machine::printing();
    fs::create_dir(machine.path("run/claviger")).unwrap();
    set_mode(&machine.path("run/claviger"), 0o700);
    fs::write(machine.socket(), "somebody's").unwrap();
    machine
        .claviger(&["daemon"])
        .await
        .failed(8, &["is in the way: it is not a socket", "hint: move"]);
    assert_eq!(machine.helper().await.code, Some(8));
    assert_eq!(fs::read_to_string(machine.socket()).unwrap(), "somebody's");
}

#[tokio::test]
async fn a_path_that_no_socket_can_have() {
    let machine = Machine::printing();
    let path = machine.path(&"x".repeat(120)).join("agent.sock");
    machine.set("CLAVIGER_SOCKET", path.to_str().unwrap());
    for output in [
        machine.helper().await,
        machine.claviger(&["daemon"]).await,
        machine.claviger(&["status"]).await,
    ] {
        output.failed(2, &["CLAVIGER_SOCKET"]);
    }
}

/// Out of descriptors it can accept nobody; when there are some again, it goes on.
#[tokio::test]
async fn accepting_fails_for_a_while() {
    let machine = Machine::printing();
    machine.helper().await.printed(KEY);
    let pid = machine.daemon_pid().unwrap();
    let open = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()))
        .unwrap()
        .count();
    let ours = getrlimit(Resource::Nofile);
    let limit = |files: Option<u64>| {
        let limit = Rlimit {
            current: files,
            ..ours
        };
        prlimit(Some(pid), Resource::Nofile, limit).unwrap();
    };
    limit(Some(u64::try_from(open).unwrap() + 3));
    let stalled: Vec<_> = (0..10)
        .map(|_| UnixStream::connect(machine.socket()).unwrap())
        .collect();
    until("it cannot accept", SOON, async || {
        machine.log().contains("cannot accept a connection")
    })
    .await;
    limit(ours.current);
    drop(stalled);
    machine.helper().await.printed(KEY);
    assert_eq!(machine.daemon_pid(), Some(pid));
}

/// A client that is killed while it waits cancels nothing: the key is there for the next.
#[tokio::test]
async fn a_client_that_goes_away() {
    let machine = Machine::new();
    machine.secret(KEY);
    let (started, go) = (machine.path("started"), machine.path("go"));
    let program = machine.program(
        "corp-key",
        &format!(
            "echo x >> '{}'; while ! [ -e '{}' ]; do sleep 0.02; done; echo {KEY}",
            started.display(),
            go.display()
        ),
    );
    machine.config(&format!(
        "[profile.default]\nsource = \"corp\"\n[source.corp]\ntype = \"exec\"\ntimeout = \"30s\"\ncommand = [\"{program}\"]\n"
    ));
    let mut shim = machine.command("claviger-helper", &[]).spawn().unwrap();
    until("the program runs", SOON, async || started.exists()).await;
    shim.kill().await.unwrap();
    let profile = &machine.status().await["profiles"][0];
    assert_eq!(profile["state"], "empty");
    fs::write(go, "").unwrap();
    until("the key is there", SOON, async || {
        machine.status().await["profiles"][0]["state"] == "ready"
    })
    .await;
    machine.helper().await.printed(KEY);
    assert_eq!(fs::read_to_string(started).unwrap(), "x\n");
}

/// Refreshes at once: the first one's flight, and one more for all that came while it may have looked already.
#[tokio::test]
async fn refreshes_at_once() {
    let machine = Machine::scripted(&format!(
        "echo x >> \"${{0%/*}}/runs\"; while ! [ -e \"${{0%/*}}/go\" ]; do sleep 0.02; done; echo {KEY}"
    ));
    let go = machine.file("go", "");
    machine.helper().await.printed(KEY);
    fs::remove_file(&go).unwrap();
    let connections = || {
        let socket = machine.socket().display().to_string();
        let all = fs::read_to_string("/proc/net/unix").unwrap();
        let of_ours = all.lines().filter(|line| line.ends_with(&socket));
        // The one that listens is not connected.
        of_ours.filter(|line| line.contains(" 03 ")).count()
    };
    until("nobody is connected", SOON, async || connections() == 0).await;
    let refresh = async || {
        machine.claviger(&["refresh"]).await.succeeded();
    };
    let let_go = async {
        until("all four are heard", SOON, async || connections() == 4).await;
        // Accepted before this one, they are read before it, too.
        machine.status().await;
        fs::write(&go, "").unwrap();
    };
    tokio::join!(refresh(), refresh(), refresh(), refresh(), let_go);
    let runs = fs::read_to_string(machine.path("secrets/runs")).unwrap();
    assert_eq!(runs, "x\nx\nx\n");
}

/// The client waits for the end of the shim's stdout: nothing that the shim starts may hold it open. (The tests' own
/// reading of it would hang as well.)
#[tokio::test]
async fn holds_nothing_of_the_shims() {
    let machine = Machine::printing();
    let (output, took) = timed(machine.helper()).await;
    output.printed(KEY);
    assert!(took < Duration::from_secs(20), "{took:?}");
    let pid = machine.daemon_pid().unwrap();
    let proc = format!("/proc/{}", pid.as_raw_nonzero());
    for fd in ["0", "1", "2"] {
        // The daemon is hardened: who is not root does not see what it has open.
        if let Ok(open) = fs::read_link(format!("{proc}/fd/{fd}")) {
            assert!(
                !open.to_string_lossy().starts_with("pipe:"),
                "{fd}: {open:?}"
            );
        }
    }
    let stat = fs::read_to_string(format!("{proc}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    assert_eq!(fields[3], pid.to_string(), "a session of its own: {stat}");
    if let Ok(cwd) = fs::read_link(format!("{proc}/cwd")) {
        assert_eq!(cwd.to_str(), Some("/"));
    }
}

#[tokio::test]
async fn what_it_makes_is_the_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let machine = Machine::printing();
    machine.helper().await.printed(KEY);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&machine.path("run/claviger")), 0o700);
    assert_eq!(mode(&machine.state_dir()), 0o700);
    assert_eq!(mode(&machine.state_dir().join("daemon.log")), 0o600);
}
