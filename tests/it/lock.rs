//! `claviger lock` and `claviger unlock`, with real sources, shims and daemons that die.

use std::{fs, path::PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{
    Bao, KEY, TestEnv,
    fingerprint::fingerprint,
    poll::{SOON, until},
    test_env::set_mode,
};

const LOCKED: &[&str] = &[
    "claviger: locked since ",
    "; no key is given.",
    "hint: run claviger unlock",
];

/// Asserts what every client and every report says while it is locked.
async fn assert_locked(env: &TestEnv) {
    env.helper().await.failed(7, LOCKED);
    env.claviger(&["refresh"]).await.failed(7, LOCKED);
    let status = env.status().await;
    assert_eq!(status["daemon"]["locked"], true, "{status}");
    assert!(status["daemon"]["locked_since"].is_string(), "{status}");
    for profile in status["profiles"].as_array().unwrap() {
        let seen = [
            &profile["state"],
            &profile["error_code"],
            &profile["advice"],
        ];
        let expected = [json!("locked"), json!(7), json!(["run claviger unlock"])];
        assert_eq!(seen, expected.each_ref(), "{profile}");
        for field in ["fingerprint", "login", "next_refresh_at"] {
            assert_eq!(profile[field], Value::Null, "{profile}");
        }
    }
    let output = env.claviger(&["status", "--exit-status"]).await;
    assert_eq!(output.code, Some(7), "{output:?}");
    for part in ["locked since ", "no key is given", "run claviger unlock"] {
        assert!(output.stdout.contains(part), "{output:?}");
    }
}

/// Where the daemon keeps its lock, which is off.
async fn lock_file(env: &TestEnv) -> PathBuf {
    env.claviger(&["lock"]).await.succeeded();
    let files = fs::read_dir(env.state_dir()).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    let is_lock = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("lock") && name.ends_with(".json")
    };
    let file = files.find(is_lock).expect("the file of the lock");
    env.claviger(&["unlock"]).await.succeeded();
    assert!(!file.exists());
    file
}

#[tokio::test]
async fn no_key_is_given_until_the_unlock() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.helper().await.printed(KEY);
    let locked = env.claviger(&["lock"]).await;
    assert_eq!(
        locked.succeeded(),
        "locked: keys dropped, no key is given until claviger unlock\n"
    );
    let requests = bao.requests().len();
    assert_locked(&env).await;
    let again = env.claviger(&["lock"]).await;
    let again = again.succeeded();
    assert!(again.starts_with("already locked since 20"), "{again}");
    let metrics = env.claviger(&["metrics"]).await;
    for line in [
        "claviger_profile_state{profile=\"default\",state=\"locked\"} 1",
        "claviger_profile_error_code{profile=\"default\"} 7",
        "outcome=\"locked\"} 1",
    ] {
        assert!(metrics.succeeded().contains(line), "{line}: {metrics:?}");
    }
    assert_eq!(bao.requests().len(), requests, "Vault was not asked");

    let unlocked = env.claviger(&["unlock"]).await;
    assert_eq!(unlocked.succeeded(), "unlocked: keys are given again\n");
    env.helper().await.printed(KEY);
    assert_eq!(bao.count("update", "auth/token/revoke-self"), 0);
    assert_eq!(bao.count("update", "auth/approle/login"), 2);
    let unlocked = env.claviger(&["unlock"]).await;
    assert_eq!(unlocked.succeeded(), "it was not locked\n");
}

#[tokio::test]
async fn the_answers_are_json_on_request() {
    let env = TestEnv::with_fixed_key();
    for (command, locked, changed) in [
        ("lock", true, true),
        ("lock", true, false),
        ("unlock", false, true),
        ("unlock", false, false),
    ] {
        let output = env.claviger(&[command, "--json"]).await;
        let report: Value = serde_json::from_str(output.succeeded()).unwrap();
        assert_eq!(report["locked"], locked, "{report}");
        assert_eq!(report["changed"], changed, "{report}");
        assert_eq!(report["since"].is_string(), locked, "{report}");
        assert_eq!(report["unsaved"], Value::Null, "{report}");
    }
}

/// Neither the end of the daemon nor a machine without one is a way round the lock.
#[tokio::test]
async fn a_lock_outlives_the_daemon() {
    let env = TestEnv::with_fixed_key();
    // It starts one.
    env.claviger(&["lock"]).await.succeeded();
    for signal in [Signal::KILL, Signal::TERM] {
        env.kill_daemon(signal);
        assert_locked(&env).await;
    }
    env.claviger(&["stop"]).await.succeeded();
    assert_locked(&env).await;
    env.kill_daemon(Signal::KILL);
    env.claviger(&["unlock"]).await.succeeded();
    env.helper().await.printed(KEY);
    env.kill_daemon(Signal::KILL);
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_client_that_waits_is_refused_when_the_lock_comes() {
    let env = TestEnv::new();
    env.add_secret(KEY);
    let (started, go) = (env.path("secrets/started"), env.path("secrets/go"));
    let program = env.write_program(
        "slow-key",
        &format!(
            "echo >> '{}'; while [ ! -e '{}' ]; do sleep 0.05; done; echo {KEY}",
            started.display(),
            go.display()
        ),
    );
    env.write_config(&format!(
        "[profile.default]\nsource = \"slow\"\n[source.slow]\ntype = \"exec\"\ncommand = [\"{program}\"]\n\
         timeout = \"30s\"\n"
    ));
    let waiting = env.helper();
    let lock = async {
        until("the program runs", SOON, async || started.exists()).await;
        env.claviger(&["lock"]).await.succeeded().to_owned()
    };
    let (refused, _) = tokio::join!(waiting, lock);
    refused.failed(7, LOCKED);
    // The key that the program prints is not kept.
    fs::write(&go, "").unwrap();
    until("the fetch ends", SOON, async || {
        env.log().contains("obtained a credential")
    })
    .await;
    env.claviger(&["unlock"]).await.succeeded();
    assert_eq!(env.status().await["profiles"][0]["state"], "empty");
    env.helper().await.printed(KEY);
    let runs = fs::read_to_string(&started).unwrap().lines().count();
    assert_eq!(runs, 2);
}

#[tokio::test]
async fn a_file_that_is_no_lock_counts_as_one_and_is_named() {
    let env = TestEnv::with_fixed_key();
    let file = lock_file(&env).await;
    env.claviger(&["stop"]).await.succeeded();
    fs::write(&file, "{").unwrap();
    let path = file.display().to_string();
    for (mode, problem) in [
        (
            0o600,
            format!("the file '{path}' is not a lock of this version"),
        ),
        (
            0o644,
            format!("'{path}' is accessible to others (mode 0644; expected 0600)"),
        ),
    ] {
        set_mode(&file, mode);
        let problem = format!("locked, because {problem}; no key is given.");
        let refused = env.helper().await;
        refused.failed(7, &[&problem, "hint: run claviger unlock"]);
        env.kill_daemon(Signal::TERM);
    }
    env.helper().await;
    let status = env.status().await;
    assert_eq!(status["profiles"][0]["state"], "locked");
    let error = status["daemon"]["lock_error"].as_str().unwrap();
    assert!(error.contains(&path), "{error}");
    env.claviger(&["unlock"]).await.succeeded();
    assert!(!file.exists());
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_lock_that_cannot_be_saved_says_so_and_holds_until_the_daemon_ends() {
    let env = TestEnv::with_fixed_key();
    // A directory in the place of the new content.
    let obstacle = lock_file(&env).await.with_extension("json.new");
    fs::create_dir(&obstacle).unwrap();
    let output = env.claviger(&["lock"]).await;
    assert_eq!(output.code, Some(0), "{output:?}");
    let warning = "warning: the lock does not survive a restart of the daemon: ";
    assert!(output.stderr.starts_with(warning), "{output:?}");
    assert_locked(&env).await;
    let error = env.status().await["daemon"]["lock_error"].clone();
    assert!(
        error.as_str().unwrap().contains("cannot be written"),
        "{error}"
    );
    env.kill_daemon(Signal::TERM);
    env.helper().await.printed(KEY);
    fs::remove_dir(obstacle).unwrap();
}

/// It can only take away.
#[tokio::test]
async fn a_logout_works_while_it_is_locked() {
    let env = TestEnv::with_fixed_key();
    env.claviger(&["lock"]).await.succeeded();
    env.claviger(&["logout"]).await.succeeded();
    assert_locked(&env).await;
}

#[tokio::test]
async fn doctor_names_the_lock_and_the_way_out() {
    let env = TestEnv::with_fixed_key();
    env.claviger(&["lock"]).await.succeeded();
    let output = env.claviger(&["doctor", "--json", "--no-message"]).await;
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let found: Vec<_> = findings
        .iter()
        .filter(|finding| finding["remedy"] == "run claviger unlock")
        .map(|finding| &finding["id"])
        .collect();
    assert_eq!(found, ["machine.locked"], "{report}");
    assert_eq!(output.code, Some(1));
}

/// Clients of an entry's variables get no key either, and the variables are dropped.
#[tokio::test]
async fn a_key_of_a_clients_variables_is_dropped_too() {
    let env = TestEnv::new();
    env.add_secret(KEY);
    // Its argument is the key.
    let program = env.write_unobserved_program("key-of", "echo $1");
    env.write_config(&format!(
        "[profile.default]\nsource = \"of\"\n[source.of]\ntype = \"exec\"\n\
         command = [\"{program}\", \"{{env:TEAM_KEY}}\"]\n"
    ));
    let variables = [("TEAM_KEY", KEY)];
    env.helper_with(&[], &variables).await.printed(KEY);
    let key = env.status().await["profiles"][0]["fingerprint"].clone();
    assert_eq!(key, fingerprint(KEY));
    env.claviger(&["lock"]).await.succeeded();
    env.helper_with(&[], &variables).await.failed(7, LOCKED);
    assert_locked(&env).await;
    env.claviger(&["unlock"]).await.succeeded();
    env.helper_with(&[], &variables).await.printed(KEY);
}

#[tokio::test]
async fn an_unused_key_is_dropped_and_obtained_again_at_the_next_request() {
    let bao = Bao::start_with_key("k", KEY).await;
    let env = TestEnv::with_approle(&bao, "secret/k", json!({})).await;
    env.edit_config(|config| config + "[daemon]\ndrop_keys_after = \"1s\"\n");
    env.helper().await.printed(KEY);
    until("the key is dropped", SOON, async || {
        env.log()
            .contains("dropped a key that no client has asked for")
    })
    .await;
    assert_eq!(env.status().await["profiles"][0]["state"], "empty");
    env.helper().await.printed(KEY);
    assert_eq!(
        bao.count("update", "auth/approle/login"),
        2,
        "the login, too"
    );
}
