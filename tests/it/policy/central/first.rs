//! The first policy: no key before it.

use std::time::Duration;

use super::{Publisher, audit, policy_records, until_recorded};
use crate::support::{
    KEY, TestEnv,
    poll::{SOON, timed, until},
    upstream::UpstreamReply,
};

/// Whether the program of [`TestEnv::with_fixed_key`] has run.
fn has_run(env: &TestEnv) -> bool {
    env.path("observed/corp-key").exists()
}

#[tokio::test]
async fn the_policy_is_fetched_before_the_key() {
    let publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    publisher.publish("").await;
    let _daemon = env.spawn_daemon();
    until("the daemon listens", SOON, async || {
        env.daemon_pid().is_some()
    })
    .await;
    env.claviger(&["status"]).await.succeeded();
    assert!(publisher.statuses().is_empty(), "no client has asked");
    let (output, took) = timed(env.helper()).await;
    output.printed(KEY);
    println!("the first key, and the policy before it: {took:?}");
    assert_eq!(publisher.statuses(), [200]);
    let story = audit::story_until(&env, "the grant", |story| story.len() == 3).await;
    assert!(story[0].starts_with("policy accepted"), "{story:#?}");
    assert!(story[1].starts_with("change obtained"), "{story:#?}");
    let records = audit::records(&env);
    assert!(records[0]["policy"].is_null(), "{records:#?}");
    for record in records.iter().rev().take(3) {
        assert_eq!(record["policy"], 1, "{record}");
    }
    audit::is_whole(&env).await;
}

#[tokio::test]
async fn no_key_is_given_until_the_first_policy_has_arrived() {
    let mut publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    publisher.publish("").await;
    publisher.stop().await;
    let missing = format!(
        "claviger: the company's policy has not arrived from '{}' yet: ",
        publisher.url()
    );
    let refused = [&missing, "refused the connection", "\nhint: "];
    env.helper().await.failed(7, &refused);
    // It is not tried again at each request.
    let (output, took) = timed(env.helper()).await;
    output.failed(7, &refused);
    env.claviger(&["refresh"]).await.failed(7, &refused);
    env.claviger(&["login"]).await.failed(7, &refused);
    println!("a refusal between two looks: {took:?}");
    until_recorded(&env, "failed", 1).await;
    assert!(!has_run(&env));

    publisher.start_again().await;
    let ((), took) = timed(async {
        // The daemon finds it without a request.
        until_recorded(&env, "accepted", 1).await;
        env.helper().await.printed(KEY);
    })
    .await;
    println!("the first key, {took:?} after the server came back");
    assert!(took < Duration::from_secs(16), "{took:?}");
    assert_eq!(publisher.statuses(), [200]);
    assert_eq!(policy_records(&env, "failed").len(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_within_the_deadline_of_the_shim() {
    let mut publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    publisher.answer(UpstreamReply::Silence).await;
    let deadline = [("CLAVIGER_TIMEOUT_MS", "8000")];
    let (output, took) = timed(env.helper_with(&[], &deadline)).await;
    output.failed(7, &["has not arrived", "timed out after 5s"]);
    println!("no policy, and a server that hangs: refused after {took:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert_eq!(publisher.requests().len(), 1);
    assert!(!has_run(&env));
}

/// Each is named with its reason, and none costs a key.
#[tokio::test]
async fn a_first_answer_that_is_no_policy_gives_no_key() {
    let publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    env.helper().await.failed(7, &["unexpected status 404"]);
    env.claviger(&["stop"]).await.succeeded();
    publisher.replace(b"no policy");
    let not_signed = "the answer is not a signed policy";
    env.helper().await.failed(7, &[not_signed]);
    env.claviger(&["stop"]).await.succeeded();
    // Without the CA of the server, which the machine does not know.
    env.edit_config(|config| {
        let lines = config.lines().filter(|line| !line.starts_with("ca_file"));
        lines.collect::<Vec<_>>().join("\n")
    });
    env.helper().await.failed(7, &["signed by an untrusted CA"]);
    assert!(!has_run(&env));
}
