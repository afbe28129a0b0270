//! What the daemon does so that nothing but itself reads its memory.

use std::{fs, process::Command};

use rustix::process::Pid;
use serde_json::json;

use crate::support::{
    Bao, KEY, TestEnv,
    memory::{Needle, core},
    namespace::{Namespace, User},
    poll::{SOON, until},
    process::require_root,
    vault_config::vault_config,
};

/// Waits until no request is under way any more; returns the daemon.
async fn settled(env: &TestEnv, key: &Needle) -> Pid {
    let pid = env.daemon_pid().unwrap();
    until("the daemon alone has the key", SOON, async || {
        key.copies(pid).len() == 1
    })
    .await;
    pid
}

/// Swap, cores and child processes get nothing of a key in use.
#[tokio::test]
async fn a_key_is_in_pages_that_are_locked_and_in_no_core() {
    let env = TestEnv::with_fixed_key();
    env.helper().await.printed(KEY);
    let key = Needle::text("key", KEY);
    let pid = settled(&env, &key).await;
    let copies = key.copies(pid);
    for flag in ["lo", "dd", "wf"] {
        assert!(copies[0].has(flag), "{flag}: {copies:?}");
    }
    let core = core(pid);
    assert!(core.len() > 1 << 20, "no memory was read");
    assert_eq!(key.count_in(&core), 0);
    let limits = fs::read_to_string(format!("/proc/{}/limits", pid.as_raw_nonzero())).unwrap();
    let cores = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<_> = cores.unwrap().split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"]);
}

/// Even a system that lets the daemon lock nothing gets its keys, and the log says what is missing.
#[tokio::test]
async fn a_key_is_served_from_memory_that_cannot_be_locked() {
    require_root();
    let env = TestEnv::with_fixed_key();
    let daemon = env.command("claviger", &["daemon"]);
    let daemon = daemon.as_std();
    let variables = daemon.get_envs();
    // Root needs no limit, unless it lacks the capability.
    let mut limited = Command::new("setpriv");
    limited
        .args(["--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock"])
        .args(["prlimit", "--memlock=0:0"])
        .arg(daemon.get_program())
        .arg("daemon")
        .env_clear()
        .envs(variables.filter_map(|(name, value)| Some((name, value?))));
    for (flag, path) in [
        ("--socket", env.socket()),
        ("--state-dir", env.state_dir()),
        ("--user-config", env.config_file()),
    ] {
        limited.arg(flag).arg(path);
    }
    let log = env.path("log");
    let mut daemon = limited
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    until("the daemon listens", SOON, async || {
        env.daemon_pid().is_some()
    })
    .await;
    for _ in 0..2 {
        env.helper().await.printed(KEY);
        env.claviger(&["refresh"]).await.succeeded();
    }
    let key = Needle::text("key", KEY);
    let copies = key.copies(settled(&env, &key).await);
    assert!(!copies[0].has("lo") && copies[0].has("dd"), "{copies:?}");
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let log = fs::read_to_string(log).unwrap();
    assert_eq!(log.matches("memory-not-locked").count(), 1, "{log}");
}

/// ana's other processes read neither the memory nor the environment of her daemon, and no debugger
/// of hers attaches to it; they can with any other process of hers.
#[test]
fn a_process_of_the_same_user_reads_nothing_of_the_daemon() {
    let machine = Namespace::new();
    machine.directory("/run/user/4242", User::Ana, 0o700);
    let config = format!(
        "version = 1\n[profile.default]\nsource = \"s\"\n[source.s]\ntype = \"exec\"\n\
         command = [\"/bin/echo\", \"{KEY}\"]\n"
    );
    machine.write("/home/ana/.config/claviger/config.toml", User::Ana, &config);
    machine.helper(User::Ana, &[]).printed(KEY);
    let mut other = machine
        .entrance(User::Ana)
        .command("/bin/sleep", "/".as_ref())
        .arg("600")
        .spawn()
        .unwrap();

    let script = r#"for program in claviger sleep; do
    pid=$(pgrep -u ana -x $program)
    head -c 1 /proc/$pid/environ >/dev/null 2>&1 && echo "$program: environ"
    head -c 1 /proc/$pid/maps >/dev/null 2>&1 && echo "$program: maps"
    (exec 3</proc/$pid/mem) 2>/dev/null && echo "$program: mem"
    gdb -nx -batch -p $pid -ex 'info inferiors' 2>/dev/null | grep -q "process $pid" \
        && echo "$program: ptrace"
done
true"#;
    let output = machine
        .entrance(User::Ana)
        .command("/bin/sh", "/".as_ref())
        .args(["-c", script])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    machine
        .run(User::Ana, "claviger", &["stop"], &[])
        .succeeded();
    other.kill().unwrap();
    other.wait().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        text, "sleep: environ\nsleep: maps\nsleep: mem\nsleep: ptrace\n",
        "{output:?}"
    );
}

/// A variable of the client's, which the shim sends to the daemon, is a secret of a login, too.
#[tokio::test]
async fn a_login_from_a_variable_of_the_client_is_gone_after_a_logout() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::new();
    let token = bao.create_token(json!({})).await;
    env.write_config(&vault_config(
        &bao.url(),
        "secret/k",
        "",
        "method = \"token\", token_env = \"TEAM_TOKEN\"",
    ));
    for _ in 0..2 {
        let variables = [("TEAM_TOKEN", token.as_str())];
        env.helper_with(&[], &variables).await.printed(KEY);
    }
    let token = Needle::text("token", &token);
    let pid = env.daemon_pid().unwrap();
    assert!(!token.copies(pid).is_empty());
    env.claviger(&["logout"]).await.succeeded();
    until("the token is gone", SOON, async || {
        token.copies(pid).is_empty()
    })
    .await;
}
