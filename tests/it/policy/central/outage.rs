//! The server is down, and there is a last good policy.

use std::{fs, time::Duration};

use claviger::clock::{Clock as _, SystemClock, Timestamp};
use serde_json::json;

use super::{LOOK_LIMIT, Publisher, file, policy_records, stop, stored, until_recorded};
use crate::support::{
    KEY, TestEnv,
    poll::{timed, until},
    upstream::UpstreamReply,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Runs the shim this many times; returns the time of the median run, and prints it.
async fn median(env: &TestEnv, runs: usize, what: &str) -> Duration {
    let mut times = Vec::new();
    for _ in 0..runs {
        let (output, took) = timed(env.helper()).await;
        output.printed(KEY);
        times.push(took);
    }
    times.sort();
    println!(
        "{what}: median {:?}, longest {:?}",
        times[runs / 2],
        times[runs - 1]
    );
    times[runs / 2]
}

#[tokio::test]
async fn a_daemon_in_use_serves_keys_without_delay_while_the_server_is_down() {
    let mut publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    publisher.publish("").await;
    env.helper().await.printed(KEY);
    publisher.stop().await;
    let failed = until_recorded(&env, "failed", 1).await;
    assert!(
        failed["message"].as_str().unwrap().contains("refused"),
        "{failed}"
    );
    let down = median(&env, 9, "the server is down").await;

    // During a look that takes all its time.
    publisher.start_again().await;
    publisher.answer(UpstreamReply::Silence).await;
    until("a look hangs", LOOK_LIMIT, async || {
        publisher.requests().len() == 1
    })
    .await;
    let hung = median(&env, 9, "the server hangs").await;
    for took in [down, hung] {
        assert!(took < Duration::from_millis(100), "{took:?}");
    }
    let timed_out = until_recorded(&env, "failed", 2).await;
    let message = timed_out["message"].as_str().unwrap();
    assert!(message.contains("timed out"), "{timed_out}");

    publisher.start_again().await;
    until_recorded(&env, "available", 1).await;
    assert_eq!(policy_records(&env, "accepted").len(), 1);
}

/// A daemon that starts waits for a look, for a bounded time.
#[tokio::test]
async fn a_daemon_that_starts_serves_by_the_policy_of_its_file() {
    let mut publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    publisher.publish("").await;
    env.helper().await.printed(KEY);
    stop(&env).await;
    publisher.stop().await;
    env.helper().await.printed(KEY);
    until_recorded(&env, "failed", 1).await;
    stop(&env).await;
    publisher.start_again().await;
    publisher.answer(UpstreamReply::Silence).await;
    let (output, took) = timed(env.helper()).await;
    output.printed(KEY);
    println!("the first key of a daemon, while the server hangs: {took:?}");
    // One second, and the start of the daemon.
    assert!(took < Duration::from_secs(4), "{took:?}");
}

/// Changes when the stored policy was seen last. The daemon does not run.
fn set_seen_at(env: &TestEnv, at: Timestamp) {
    let mut policy = stored(env);
    policy["seen_at"] = json!(at.to_string());
    fs::write(file(env), policy.to_string()).unwrap();
}

#[tokio::test]
async fn a_policy_that_was_not_seen_for_its_max_age_gives_no_keys() {
    let mut publisher = Publisher::start().await;
    let env = TestEnv::with_fixed_key();
    publisher.configure(&env, "");
    publisher.publish("max_age = \"1d\"\n").await;
    env.helper().await.printed(KEY);
    stop(&env).await;
    publisher.stop().await;
    let now = SystemClock.now().wall;
    let minute = Duration::from_secs(60);
    set_seen_at(&env, now - DAY + minute);
    env.helper().await.printed(KEY);
    stop(&env).await;
    let shown = async || {
        env.claviger(&["policy", "show"])
            .await
            .succeeded()
            .to_owned()
    };
    assert!(!shown().await.contains("longer ago than max_age"));
    set_seen_at(&env, now - DAY - minute);
    assert!(shown().await.contains("longer ago than max_age"));
    let expired = [
        "claviger: the company's policy was last seen at",
        "longer ago than its 'max_age' of 1d",
        "refused the connection",
        "\nhint: ",
    ];
    env.helper().await.failed(7, &expired);
    env.claviger(&["refresh"]).await.failed(7, &expired);
    stop(&env).await;
    // From a clock that was wrong, or from the user.
    set_seen_at(&env, now + DAY);
    let ahead = "which is in the future: a clock was wrong";
    assert!(shown().await.contains(ahead));
    env.helper()
        .await
        .failed(7, &["the company's policy was last seen", ahead]);

    publisher.start_again().await;
    until_recorded(&env, "available", 1).await;
    env.helper().await.printed(KEY);
    assert_eq!(publisher.statuses(), [200, 304]);
}
