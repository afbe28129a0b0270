//! Keys that a program prints.

use std::time::Duration;

use crate::support::{
    KEY, TestEnv,
    poll::{SOON, timed, until},
    test_env::set_mode,
};

/// A machine whose only source runs this script; `more` are further lines of the source's table.
fn env(script: &str, more: &str) -> TestEnv {
    let env = TestEnv::new();
    env.add_secret(KEY);
    // Not from the environment: the daemon's is not the client's.
    let program = env.write_program("corp-key", &format!("KEY='{KEY}'\n{script}"));
    env.write_config(&format!(
        "[profile.default]\nsource = \"corp\"\n[source.corp]\ntype = \"exec\"\ncommand = [\"{program}\", \"{{env:TEAM}}\"]\n{more}"
    ));
    env.set_variable("TEAM", "eng");
    env
}

#[tokio::test]
async fn a_bare_key_expires_after_the_ttl() {
    let env = env("echo \"$KEY\"", "ttl = \"1h\"");
    env.helper().await.printed(KEY);
    let profile = &env.status().await["profiles"][0];
    assert_eq!(profile["state"], "ready");
    assert!(profile["expires_at"].is_string(), "{profile}");
}

#[tokio::test]
async fn an_expiry_is_printed_in_whole_seconds() {
    let env = env("echo \"$KEY\"", "ttl = \"1h\"");
    let json = env.helper_with(&["--format", "json"], &[]).await;
    let json: serde_json::Value = serde_json::from_str(json.succeeded()).unwrap();
    let expires_at = json["expires_at"].as_str().unwrap();
    assert_eq!(
        expires_at.len(),
        "2999-01-01T00:00:00Z".len(),
        "{expires_at}"
    );
}

#[tokio::test]
async fn an_object_can_have_an_expiry() {
    let env = env(
        "echo \"{\\\"token\\\": \\\"$KEY\\\", \\\"expires_at\\\": \\\"2999-01-01T00:00:00Z\\\"}\"",
        "",
    );
    env.helper().await.printed(KEY);
    let json = env.helper_with(&["--format", "json"], &[]).await;
    let json: serde_json::Value = serde_json::from_str(json.succeeded()).unwrap();
    assert_eq!(json["token"], KEY);
    assert_eq!(json["headers"]["Authorization"], format!("Bearer {KEY}"));
    // The daemon computes it from a lifetime, and prints whole seconds.
    let expires_at = json["expires_at"].as_str().unwrap();
    assert!(
        ["2998-12-31T23:59:5", "2999-01-01T00:00:0"].contains(&&expires_at[..18])
            && expires_at.len() == "2999-01-01T00:00:00Z".len(),
        "{expires_at}"
    );
}

/// The forms of the tools that issue tokens, at the ends of time too.
#[tokio::test]
async fn the_objects_of_common_tools_are_understood() {
    for (format, expires) in [
        (
            r#"{"access_token":"%s","expires_in":"3600","token_type":"Bearer"}"#,
            true,
        ),
        (r#"{"token":"%s","expires_at":32503680000000}"#, true),
        (
            r#"{"token":"%s","expires_at":"9999-12-31T23:59:59Z"}"#,
            true,
        ),
        (
            r#"{"token":"%s","expires_at":"0001-01-01T00:00:00Z"}"#,
            false,
        ),
        (
            r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
                "status":{"token":"%s","expirationTimestamp":"2999-01-01T00:00:00Z"}}"#,
            true,
        ),
    ] {
        let env = env(&format!("printf '{format}' \"$KEY\""), "");
        env.helper().await.printed(KEY);
        let profile = &env.status().await["profiles"][0];
        let has_expiry = profile["expires_at"].is_string();
        assert_eq!(has_expiry, expires, "{format}: {profile}");
        let json = env.helper_with(&["--format", "json"], &[]).await;
        let json: serde_json::Value = serde_json::from_str(json.succeeded()).unwrap();
        assert_eq!(json["expires_at"], profile["expires_at"], "{format}");
    }
}

/// A program that starts an agent, which keeps the output open.
#[tokio::test]
async fn a_child_that_the_program_leaves_behind_delays_nothing() {
    let env = env(
        "echo \"$KEY\"; sleep 600 & echo $! > \"$0.pid\"",
        "timeout = \"20s\"",
    );
    let (output, took) = timed(env.helper()).await;
    output.printed(KEY);
    assert!(took < Duration::from_secs(7), "{took:?}");
    let pid = std::fs::read_to_string(env.path("secrets/corp-key.pid")).unwrap();
    let pid = rustix::process::Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it goes on");
}

/// A key that is still valid is served until it expires.
#[tokio::test]
async fn exit_code_3_means_that_a_person_must_log_in() {
    let env = env(
        "test -e \"$0.in\" && echo \"$KEY\" || { echo 'run corp-login' >&2; exit 3; }",
        "",
    );
    env.helper().await.failed(
        3,
        &[
            "requires a login: exit status: 3: run corp-login",
            "hint: log in as the message",
        ],
    );
    assert_eq!(env.status().await["profiles"][0]["state"], "login-required");
    env.write_file("corp-key.in", "");
    env.claviger(&["refresh"]).await.succeeded();
    std::fs::remove_file(env.path("secrets/corp-key.in")).unwrap();
    env.claviger(&["refresh"])
        .await
        .failed(3, &["run corp-login"]);
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn the_program_gets_its_arguments_and_an_empty_stdin() {
    let env = env("cat; echo \"key-for-$1-$#\"", "");
    env.helper().await.printed("key-for-eng-1");
}

#[tokio::test]
async fn a_placeholder_without_a_value_is_a_configuration_error() {
    let env = env("echo unused", "");
    env.set_variable("TEAM", "");
    env.helper().await.failed(2, &["'{env:TEAM}' is empty"]);
}

#[tokio::test]
async fn a_program_that_hangs_times_out() {
    let env = env("sleep 600 & wait", "timeout = \"1s\"");
    let (output, took) = timed(env.helper()).await;
    output.failed(
        5,
        &[
            "timed out after 1s; next try in 1 s",
            "by hand",
            "waiting for a person",
        ],
    );
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// The last line of stderr is part of the message, unless it contains the key.
#[tokio::test]
async fn a_failed_programs_stderr_is_reported() {
    let failing = env("echo 'no ticket for you' >&2; exit 7", "");
    failing.helper().await.failed(
        5,
        &["failed: exit status: 7: no ticket for you", "hint: run '"],
    );
    let leaking = env("echo \"$KEY\"; echo \"have $KEY\" >&2; exit 1", "");
    leaking
        .helper()
        .await
        .failed(5, &["failed: exit status: 1"]);
    let silent = env("kill -9 $$", "");
    silent.helper().await.failed(5, &["failed: signal: 9"]);
}

/// What a program writes beside its key, such as a trace of the shell, may contain anything.
#[tokio::test]
async fn a_programs_stderr_is_nowhere_if_it_succeeds() {
    let canary = "canary-of-stderr-5f2c";
    let env = env(
        &format!("echo 'trace {canary}' >&2; echo \"$KEY\"; echo 'after {canary}' >&2"),
        "",
    );
    // From here on every output and the log are searched for it.
    env.add_secret(canary);
    env.set_variable("CLAVIGER_LOG", "debug");
    let daemon = env.spawn_daemon();
    until("it listens", SOON, async || env.daemon_pid().is_some()).await;
    env.helper().await.printed(KEY);
    env.claviger(&["refresh"]).await.succeeded();
    let status = env.claviger(&["status", "--json"]).await;
    assert!(!status.succeeded().contains(canary));
    env.claviger(&["stop"]).await.succeeded();
    let log = daemon.wait_with_output().await.unwrap().stderr;
    let log = String::from_utf8(log).unwrap();
    assert!(log.contains("DEBUG") && !log.contains(canary), "{log}");
}

#[tokio::test]
async fn output_that_is_not_a_key_is_reported() {
    for (script, code, message) in [
        (
            "head -c 70000 /dev/zero | tr '\\0' k",
            5,
            "it printed more than 64 KiB",
        ),
        ("true", 6, "field 'stdout'"),
        ("echo \"$KEY $KEY\"", 6, "field 'stdout'"),
        ("echo '{\"tok\": 1}'", 5, "expected a key or {\"token\""),
        (
            "echo '{\"token\": \"k\", \"expires_at\": \"2001-01-01T00:00:00Z\"}'",
            6,
            "is in the past",
        ),
    ] {
        let env = env(script, "");
        env.helper().await.failed(code, &[message]);
    }
}

#[tokio::test]
async fn a_missing_program_is_a_configuration_error() {
    let env = env("true", "");
    std::fs::remove_file(env.path("secrets/corp-key")).unwrap();
    env.helper()
        .await
        .failed(2, &["corp-key' does not exist", "hint: install it"]);
}

#[tokio::test]
async fn a_program_that_another_user_can_write_is_not_run() {
    let env = env("touch \"$0.ran\"; echo \"$KEY\"", "");
    let program = env.path("secrets/corp-key");
    set_mode(&program, 0o722);
    env.helper().await.failed(
        2,
        &[
            "corp-key' is writable by others (mode 0722)",
            "hint: chmod go-w '",
        ],
    );
    assert!(!env.path("secrets/corp-key.ran").exists());
    set_mode(&program, 0o700);
    env.claviger(&["refresh"]).await.succeeded();
    env.helper().await.printed(KEY);
}
