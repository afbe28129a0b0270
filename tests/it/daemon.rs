//! The daemon's start and end, and that there is only one.

use std::{
    fs,
    os::unix::{fs::symlink, net::UnixStream},
    time::Duration,
};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use serde_json::json;

use crate::support::{
    Bao, KEY, TestEnv, Upstream,
    poll::{SOON, timed},
    process::is_alive,
    test_env::set_mode,
    until,
    upstream::UpstreamReply,
    vault_config::{token_auth, vault_config},
};

/// As many shims as two hundred sessions of Claude Code start at once.
const CROWD: usize = 200;

#[tokio::test]
async fn two_hundred_shims_share_one_daemon_one_login_and_one_read() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    for output in env.helpers(CROWD).await {
        output.printed(KEY);
    }
    let requests = bao.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert_eq!(bao.count("update", "auth/approle/login"), 1);
    assert_eq!(bao.count("read", "secret/data/k"), 1);
    assert_eq!(env.log().matches(" listening").count(), 1);
}

#[tokio::test]
async fn two_hundred_shims_do_not_flood_a_source_that_is_down() {
    let upstream = Upstream::start(UpstreamReply::Close).await;
    let env = TestEnv::new();
    let token = env.write_secret_file("token", "s.0123456789abcdef");
    let auth = token_auth(&token);
    env.write_config(&vault_config(&upstream.url(), "secret/k", "", &auth));
    let (outputs, took) = timed(env.helpers(CROWD)).await;
    for output in outputs {
        output.failed(5, &[&format!("'{}'", upstream.host())]);
    }
    // The back-off starts at one second: one try at first, and at most one more for each second.
    let tries = usize::try_from(2 + took.as_secs()).unwrap();
    assert!(
        upstream.connections() <= tries,
        "{} in {took:?}",
        upstream.connections()
    );
    assert_eq!(env.log().matches(" listening").count(), 1);
}

#[tokio::test]
async fn stop_and_sigterm_end_the_daemon_cleanly() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let pid = env.daemon_pid().unwrap();
    let stopped = env.claviger(&["stop"]).await;
    assert_eq!(stopped.succeeded(), "the daemon has ended\n");
    assert!(!env.socket().exists());
    until("its process has ended", SOON, async || !is_alive(pid)).await;
    let stopped = env.claviger(&["stop"]).await;
    assert_eq!(stopped.succeeded(), "no daemon was running\n");

    env.helper().await.printed(KEY);
    env.kill_daemon(Signal::TERM);
    assert!(!env.socket().exists());
    assert_eq!(env.log().matches(" ended").count(), 2);
}

#[tokio::test]
async fn pending_requests_are_answered_before_the_daemon_ends() {
    let env = TestEnv::with_script(&gated_script());
    let end = async {
        until("the program runs", SOON, async || {
            env.path("secrets/runs").exists()
        })
        .await;
        let pid = env.daemon_pid().unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        until("it listens no longer", SOON, async || {
            !env.socket().exists()
        })
        .await;
        env.write_file("go", "");
        until("its process has ended", SOON, async || !is_alive(pid)).await;
    };
    let (output, ()) = tokio::join!(env.helper(), end);
    output.printed(KEY);
    assert_eq!(env.log().matches(" listening").count(), 1);
}

#[tokio::test]
async fn the_socket_of_a_killed_daemon_is_replaced() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let first = env.daemon_pid();
    env.kill_daemon(Signal::KILL);
    assert!(env.socket().exists());
    env.helper().await.printed(KEY);
    assert_ne!(env.daemon_pid(), first);
}

#[tokio::test]
async fn a_second_daemon_fails_and_the_first_goes_on() {
    let env = TestEnv::with_fixed_key();
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
async fn a_daemon_in_the_foreground_logs_to_stderr() {
    let env = TestEnv::with_fixed_key();
    let daemon = env.spawn_daemon();
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
    env.record_output("the daemon's stderr", &log);
    assert!(log.contains("obtained a credential"), "{log}");
}

#[tokio::test]
async fn an_idle_daemon_ends() {
    let env = TestEnv::with_fixed_key();
    env.edit_config(|config| config + "[daemon]\nexit_when_idle = \"1s\"\n");
    env.helper().await.printed(KEY);
    let pid = env.daemon_pid().unwrap();
    until("it has ended", SOON, async || !is_alive(pid)).await;
    assert!(!env.socket().exists());
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn shim_and_daemon_refuse_an_unsafe_socket_directory_in_the_same_words() {
    let env = TestEnv::with_fixed_key();
    let directory = env.path("run/claviger");
    let refused = async |problem: &str| {
        let shim = env.helper().await;
        shim.failed(7, &["the socket's directory", problem]);
        let daemon = env.claviger(&["daemon"]).await;
        daemon.failed(7, &["hint: set CLAVIGER_SOCKET"]);
        let problem = |stderr: &str| stderr.lines().next().unwrap().to_owned();
        assert_eq!(problem(&shim.stderr), problem(&daemon.stderr));
        shim
    };
    fs::create_dir(&directory).unwrap();
    for mode in [0o755, 0o710, 0o702] {
        set_mode(&directory, mode);
        let problem = format!("is accessible to others (mode {mode:04o}; expected 0700).");
        refused(&problem).await.failed(7, &["hint: run chmod 700"]);
    }

    fs::remove_dir(&directory).unwrap();
    fs::create_dir(env.path("elsewhere")).unwrap();
    set_mode(&env.path("elsewhere"), 0o700);
    symlink(env.path("elsewhere"), &directory).unwrap();
    refused("is a symbolic link; expected a directory.").await;

    fs::remove_file(&directory).unwrap();
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_file_at_the_sockets_path_is_not_removed() {
    let env = TestEnv::with_fixed_key();
    fs::create_dir(env.path("run/claviger")).unwrap();
    set_mode(&env.path("run/claviger"), 0o700);
    fs::write(env.socket(), "not a socket").unwrap();
    env.claviger(&["daemon"])
        .await
        .failed(8, &["exists and is not a socket", "hint: move"]);
    assert_eq!(env.helper().await.code, Some(8));
    assert_eq!(fs::read_to_string(env.socket()).unwrap(), "not a socket");
}

#[tokio::test]
async fn a_socket_path_that_is_too_long_is_a_configuration_error() {
    let env = TestEnv::with_fixed_key();
    let path = env.path(&"x".repeat(120)).join("agent.sock");
    env.set_variable("CLAVIGER_SOCKET", path.to_str().unwrap());
    for output in [
        env.helper().await,
        env.claviger(&["daemon"]).await,
        env.claviger(&["status"]).await,
    ] {
        output.failed(2, &["CLAVIGER_SOCKET"]);
    }
}

/// Without free descriptors the daemon cannot accept connections.
#[tokio::test]
async fn the_daemon_accepts_again_after_it_ran_out_of_descriptors() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let pid = env.daemon_pid().unwrap();
    let open = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_nonzero()))
        .unwrap()
        .count();
    let own = getrlimit(Resource::Nofile);
    let limit = |files: Option<u64>| {
        let limit = Rlimit {
            current: files,
            ..own
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
    limit(own.current);
    drop(stalled);
    env.helper().await.printed(KEY);
    assert_eq!(env.daemon_pid(), Some(pid));
}

#[tokio::test]
async fn a_fetch_goes_on_if_its_client_is_killed() {
    let env = TestEnv::new();
    env.add_secret(KEY);
    let runs = env.path("secrets/runs");
    let program = env.write_program("corp-key", &gated_script());
    env.write_config(&format!(
        "[profile.default]\nsource = \"corp\"\n[source.corp]\ntype = \"exec\"\ntimeout = \"30s\"\ncommand = [\"{program}\"]\n"
    ));
    let mut shim = env.command("claviger-helper", &[]).spawn().unwrap();
    until("the program runs", SOON, async || runs.exists()).await;
    shim.kill().await.unwrap();
    let profile = &env.status().await["profiles"][0];
    assert_eq!(profile["state"], "empty");
    env.write_file("go", "");
    until("the key is cached", SOON, async || {
        env.status().await["profiles"][0]["state"] == "ready"
    })
    .await;
    env.helper().await.printed(KEY);
    assert_eq!(fs::read_to_string(runs).unwrap(), "x\n");
}

/// The first refresh starts a fetch. The others may come after it has read the source, so they
/// share a second fetch.
#[tokio::test]
async fn concurrent_refreshes_cost_two_fetches() {
    let env = TestEnv::with_script(&gated_script());
    let go = env.write_file("go", "");
    env.helper().await.printed(KEY);
    fs::remove_file(&go).unwrap();
    let connections = || {
        let socket = env.socket().display().to_string();
        let all = fs::read_to_string("/proc/net/unix").unwrap();
        let own = all.lines().filter(|line| line.ends_with(&socket));
        // The listening socket is not in the state 03, connected.
        own.filter(|line| line.contains(" 03 ")).count()
    };
    until("all connections are closed", SOON, async || {
        connections() == 0
    })
    .await;
    let refresh = async || {
        env.claviger(&["refresh"]).await.succeeded();
    };
    let finish = async {
        until("all four are connected", SOON, async || connections() == 4).await;
        // Requests are read in the order of their connections: after this one, all four are.
        env.status().await;
        fs::write(&go, "").unwrap();
    };
    tokio::join!(refresh(), refresh(), refresh(), refresh(), finish);
    let runs = fs::read_to_string(env.path("secrets/runs")).unwrap();
    assert_eq!(runs, "x\nx\nx\n");
}

/// The client reads the shim's stdout to its end, as this test does, so the daemon must not inherit
/// it.
#[tokio::test]
async fn the_daemon_inherits_nothing_from_the_shim() {
    let env = TestEnv::with_fixed_key();
    let (output, took) = timed(env.helper()).await;
    output.printed(KEY);
    assert!(took < Duration::from_secs(20), "{took:?}");
    let pid = env.daemon_pid().unwrap();
    let proc = format!("/proc/{}", pid.as_raw_nonzero());
    for fd in ["0", "1", "2"] {
        // The daemon is hardened: only root can read its descriptors.
        if let Ok(open) = fs::read_link(format!("{proc}/fd/{fd}")) {
            assert!(
                !open.to_string_lossy().starts_with("pipe:"),
                "{fd}: {open:?}"
            );
        }
    }
    let stat = fs::read_to_string(format!("{proc}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    assert_eq!(
        fields[3],
        pid.to_string(),
        "expected its own session: {stat}"
    );
    if let Ok(cwd) = fs::read_link(format!("{proc}/cwd")) {
        assert_eq!(cwd.to_str(), Some("/"));
    }
}

#[tokio::test]
async fn directories_and_log_are_only_accessible_to_the_user() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&env.path("run/claviger")), 0o700);
    assert_eq!(mode(&env.state_dir()), 0o700);
    assert_eq!(mode(&env.state_dir().join("daemon.log")), 0o600);
}

/// A script that appends a line to the file `runs` beside it, waits for the file `go` there, and
/// prints the key.
fn gated_script() -> String {
    format!(
        "echo x >> \"${{0%/*}}/runs\"; while ! [ -e \"${{0%/*}}/go\" ]; do sleep 0.02; done; echo {KEY}"
    )
}
