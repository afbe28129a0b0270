//! `claviger login` without an identity provider.

use serde_json::{Value, json};

use crate::{
    compatibility::{old_daemon, v1},
    support::{KEY, TestEnv},
};

#[tokio::test]
async fn a_profile_without_a_sign_in_needs_none() {
    let env = TestEnv::with_fixed_key();
    let output = env.claviger(&["login"]).await;
    output.failed(
        2,
        &[
            "claviger: source 'corp' of profile 'default' needs no login.\n",
            "hint: run claviger status default",
        ],
    );
    // The daemon that the command has started serves.
    env.helper().await.printed(KEY);
}

#[tokio::test]
async fn a_failure_is_also_the_last_event_of_the_json_output() {
    let env = TestEnv::with_fixed_key();
    let output = env.claviger(&["login", "none", "--json"]).await;
    assert_eq!(output.code, Some(2), "{output:?}");
    let event: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(event["event"], "failed");
    assert_eq!(event["code"], json!(2));
    let message = event["message"].as_str().unwrap();
    assert!(message.contains("unknown profile 'none'"), "{event}");
    assert!(output.stderr.contains(message), "{output:?}");
}

#[tokio::test]
async fn a_client_that_works_in_the_background_starts_nothing() {
    let env = TestEnv::with_fixed_key();
    for context in ["background", "scheduled-task"] {
        env.set_variable("CLAUDE_HELPER_CONTEXT", context);
        let output = env.claviger(&["login"]).await;
        output.failed(7, &["no sign-in without a user", context]);
    }
    assert_eq!(env.daemon_pid(), None);
}

#[tokio::test]
async fn a_daemon_of_another_version_is_named_with_the_way_out() {
    let env = TestEnv::with_fixed_key();
    old_daemon(&env, v1::Response::Unsupported { version: 1 });
    let output = env.claviger(&["login"]).await;
    output.failed(8, &["does not support this request", "claviger stop"]);
}
