//! The daemon's life: one of it, whatever happens around it.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixStream},
    time::Duration,
};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, prlimit};
use serde_json::json;

use crate::support::{
    Bao, KEY, TestEnv, Upstream,
    poll::{SOON, timed},
    test_env::{is_alive, set_mode, vault},
    until,
    upstream::Answer,
};

/// As many as start when two hundred sessions of Claude Code do at once.
const CROWD: usize = 200;

#[tokio::test]
async fn a_crowd_has_one_daemon_one_login_and_one_read() {
    let bao = Bao::start().await;
    bao.put("k", json!({"api_key": KEY})).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    for output in env.helpers(CROWD).await {
        output.printed(KEY);
    }
    let asked = bao.requests();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(bao.asked("update", "auth/approle/login"), 1);
    assert_eq!(bao.asked("read", "secret/data/k"), 1);
    assert_eq!(env.log().matches(" listening").count(), 1);
}

#[tokio::test]
async fn a_crowd_does_not_run_against_what_is_down() {
    let upstream = Upstream::start(Answer::Close).await;
    let env = TestEnv::new();
    let token = env.secret_file("token", "s.0123456789abcdef");
    let auth = format!("method = \"token\", token_file = \"{token}\"");
    env.config(&vault(&upstream.url(), "secret/k", "", &auth));
    let (outputs, took) = timed(env.helpers(CROWD)).await;
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
    assert_eq!(env.log().matches(" listening").count(), 1);
}

#[tokio::test]
async fn ends_in_order_when_it_is_told_to() {
    let env = TestEnv::printing();
    env.helper().await.printed(KEY);
    let pid = env.daemon_pid().unwrap();
    let stopped = env.claviger(&["stop"]).await;
    assert_eq!(stopped.succeeded(), "the daemon has ended\n");
    assert!(!env.socket().exists());
    until("its process is gone", SOON, async || !is_alive(pid)).await;
    let stopped = env.claviger(&["stop"]).await;
    assert_eq!(stopped.succeeded(), "no daemon was running\n");

    env.helper().await.printed(KEY);
    env.kill_daemon(Signal::TERM);
    assert!(!env.socket().exists());
    assert_eq!(env.log().matches(" ended").count(), 2);
}

/// What is under way when it ends is answered first.
#[tokio::test]
async fn answers_who_waits_before_it_ends() {
    let env = TestEnv::scripted(&format!(
        "touch \"${{0%/*}}/started\"; sleep 0.7; echo {KEY}"
    ));
    let ending = async {
        until("the program runs", SOON, async || {
            env.path("secrets/started").exists()
        })
        .await;
        env.kill_daemon(Signal::TERM);
    };
    let (output, ()) = tokio::join!(env.helper(), ending);
    output.printed(KEY);
    assert_eq!(env.log().matches(" listening").count(), 1);
}

#[tokio::test]
async fn a_killed_one_leaves_a_socket_that_is_cleared() {
    let env = TestEnv::printing();
    env.helper().await.printed(KEY);
    let first = env.daemon_pid();
    env.kill_daemon(Signal::KILL);
    assert!(env.socket().exists());
    env.helper().await.printed(KEY);
    assert_ne!(env.daemon_pid(), first);
}

#[tokio::test]
async fn a_second_one_leaves_the_first_in_peace() {
    let env = TestEnv::printing();
    env.helper().await.printed(KEY);
    let first = env.daemon_pid();
    env.claviger(&["daemon"]).await.failed(
        8,
        &[
            "a daemon is already listening on",
            "hint: run claviger stop first",
        ],
    );
    assert_eq!(env.daemon_pid(), first);
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn in_the_foreground() {
    let env = TestEnv::printing();
    let daemon = env.daemon(&[]);
    until("it listens", SOON, async || env.daemon_pid().is_some()).await;
    assert_eq!(
        env.daemon_pid().unwrap().as_raw_nonzero().get(),
        i32::try_from(daemon.id().unwrap()).unwrap()
    );
    env.helper().await.printed(KEY);
    env.claviger(&["stop"]).await.succeeded();
    let output = daemon.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"");
    let log = String::from_utf8(output.stderr).unwrap();
    env.heard("the daemon's stderr", &log);
    assert!(log.contains("obtained a credential"), "{log}");
}

#[tokio::test]
async fn ends_when_nobody_asks() {
    let env = TestEnv::printing();
    let config = fs::read_to_string(env.config_file()).unwrap();
    env.raw_config(&format!("{config}[daemon]\nexit_when_idle = \"1s\"\n"));
    env.helper().await.printed(KEY);
    let pid = env.daemon_pid().unwrap();
    until("it has ended", SOON, async || !is_alive(pid)).await;
    assert!(!env.socket().exists());
    env.helper().await.printed(KEY);
}

/// The directory of the socket has to be the user's alone: for the shim, and for the daemon.
#[tokio::test]
async fn an_unsafe_directory() {
    let env = TestEnv::printing();
    let directory = env.path("run/claviger");
    fs::create_dir(&directory).unwrap();
    set_mode(&directory, 0o755);
    env.helper()
        .await
        .failed(7, &["run/claviger", "hint: run chmod 700"]);
    env.claviger(&["daemon"]).await.failed(
        7,
        &[
            "it is accessible to others (mode 0755; expected 0700)",
            "hint: make it yours alone",
        ],
    );

    fs::remove_dir(&directory).unwrap();
    fs::create_dir(env.path("elsewhere")).unwrap();
    set_mode(&env.path("elsewhere"), 0o700);
    symlink(env.path("elsewhere"), &directory).unwrap();
    env.helper().await.failed(7, &["run/claviger"]);
    env.claviger(&["daemon"])
        .await
        .failed(7, &["it is a symbolic link"]);

    fs::remove_file(&directory).unwrap();
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_file_in_the_sockets_place() {
    let env = TestEnv::printing();
    fs::create_dir(env.path("run/claviger")).unwrap();
    set_mode(&env.path("run/claviger"), 0o700);
    fs::write(env.socket(), "somebody's").unwrap();
    env.claviger(&["daemon"])
        .await
        .failed(8, &["is in the way: it is not a socket", "hint: move"]);
    assert_eq!(env.helper().await.code, Some(8));
    assert_eq!(fs::read_to_string(env.socket()).unwrap(), "somebody's");
}

#[tokio::test]
async fn a_path_that_no_socket_can_have() {
    let env = TestEnv::printing();
    let path = env.path(&"x".repeat(120)).join("agent.sock");
    env.set("CLAVIGER_SOCKET", path.to_str().unwrap());
    for output in [
        env.helper().await,
        env.claviger(&["daemon"]).await,
        env.claviger(&["status"]).await,
    ] {
        output.failed(2, &["CLAVIGER_SOCKET"]);
    }
}

/// Out of descriptors it can accept nobody; when there are some again, it goes on.
#[tokio::test]
async fn accepting_fails_for_a_while() {
    let env = TestEnv::printing();
    env.helper().await.printed(KEY);
    let pid = env.daemon_pid().unwrap();
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
        .map(|_| UnixStream::connect(env.socket()).unwrap())
        .collect();
    until("it cannot accept", SOON, async || {
        env.log().contains("cannot accept a connection")
    })
    .await;
    limit(ours.current);
    drop(stalled);
    env.helper().await.printed(KEY);
    assert_eq!(env.daemon_pid(), Some(pid));
}

/// A client that is killed while it waits cancels nothing: the key is there for the next.
#[tokio::test]
async fn a_client_that_goes_away() {
    let env = TestEnv::new();
    env.secret(KEY);
    let (started, go) = (env.path("started"), env.path("go"));
    let program = env.program(
        "corp-key",
        &format!(
            "echo x >> '{}'; while ! [ -e '{}' ]; do sleep 0.02; done; echo {KEY}",
            started.display(),
            go.display()
        ),
    );
    env.config(&format!(
        "[profile.default]\nsource = \"corp\"\n[source.corp]\ntype = \"exec\"\ntimeout = \"30s\"\ncommand = [\"{program}\"]\n"
    ));
    let mut shim = env.command("claviger-helper", &[]).spawn().unwrap();
    until("the program runs", SOON, async || started.exists()).await;
    shim.kill().await.unwrap();
    let profile = &env.status().await["profiles"][0];
    assert_eq!(profile["state"], "empty");
    fs::write(go, "").unwrap();
    until("the key is there", SOON, async || {
        env.status().await["profiles"][0]["state"] == "ready"
    })
    .await;
    env.helper().await.printed(KEY);
    assert_eq!(fs::read_to_string(started).unwrap(), "x\n");
}

/// Refreshes at once: the first one's flight, and one more for all that came while it may have looked already.
#[tokio::test]
async fn refreshes_at_once() {
    let env = TestEnv::scripted(&format!(
        "echo x >> \"${{0%/*}}/runs\"; while ! [ -e \"${{0%/*}}/go\" ]; do sleep 0.02; done; echo {KEY}"
    ));
    let go = env.file("go", "");
    env.helper().await.printed(KEY);
    fs::remove_file(&go).unwrap();
    let connections = || {
        let socket = env.socket().display().to_string();
        let all = fs::read_to_string("/proc/net/unix").unwrap();
        let of_ours = all.lines().filter(|line| line.ends_with(&socket));
        // The one that listens is not connected.
        of_ours.filter(|line| line.contains(" 03 ")).count()
    };
    until("nobody is connected", SOON, async || connections() == 0).await;
    let refresh = async || {
        env.claviger(&["refresh"]).await.succeeded();
    };
    let let_go = async {
        until("all four are heard", SOON, async || connections() == 4).await;
        // Accepted before this one, they are read before it, too.
        env.status().await;
        fs::write(&go, "").unwrap();
    };
    tokio::join!(refresh(), refresh(), refresh(), refresh(), let_go);
    let runs = fs::read_to_string(env.path("secrets/runs")).unwrap();
    assert_eq!(runs, "x\nx\nx\n");
}

/// The client waits for the end of the shim's stdout: nothing that the shim starts may hold it open. (The tests' own
/// reading of it would hang as well.)
#[tokio::test]
async fn holds_nothing_of_the_shims() {
    let env = TestEnv::printing();
    let (output, took) = timed(env.helper()).await;
    output.printed(KEY);
    assert!(took < Duration::from_secs(20), "{took:?}");
    let pid = env.daemon_pid().unwrap();
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
    let env = TestEnv::printing();
    env.helper().await.printed(KEY);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&env.path("run/claviger")), 0o700);
    assert_eq!(mode(&env.state_dir()), 0o700);
    assert_eq!(mode(&env.state_dir().join("daemon.log")), 0o600);
}
