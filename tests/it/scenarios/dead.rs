//! The gateway refuses what the source has, or says nothing at all.

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock};
use serde_json::Value;

use super::{Deployment, FIRST, MODELS, SECOND, STAGE, fingerprint, is_answer, secret, turn};
use crate::support::{client::Session, poll::timed, until};

/// How soon the client has to say what is wrong: its own retries after a failing helper last 2.6 s.
const SAID: Duration = Duration::from_secs(5);

/// How soon the next version has to be found: back-off after a minute of trying.
const HEALED: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_dead_key_that_the_source_still_has_is_said_at_once_and_heals_by_itself() {
    // How long the client takes is what is asked here.
    let _alone = STAGE.write().await;
    let deployment = Deployment::new("off", &[]).await;
    let mut session = deployment.client.session();
    turn(&mut session, "before").await;

    deployment.gateway.revoke(&secret(FIRST));
    let before = deployment.count();
    let clock = SystemClock;
    let ((failed, at), took) = timed(async {
        let failed = session.turn("with a dead key").await;
        (failed, clock.now().wall)
    })
    .await;
    assert!(failed.is_error, "{failed:?}");
    let dead = deployment.count().since(before);
    // When the daemon had heard it from the gateway the helper ended with exit code 4; the rest is the client's retries.
    let mut log = deployment.gateway.requests().into_iter();
    let heard = log
        .find(|seen| seen.path == MODELS && seen.fingerprint == Some(secret(FIRST).fingerprint()))
        .unwrap()
        .at;
    let said = at.duration_since(heard).unsigned_abs();
    println!(
        "a dead key, in a session: {dead}, said {said:?} after the first exit code 4 (the turn took {took:?}): {}",
        failed.text
    );

    let (output, fresh) = timed(deployment.client.turn("a new session")).await;
    println!("a dead key, in a new session: said after {fresh:?}: {output:?}");
    assert!(!output.status.success(), "{output:?}");
    let message = format!(
        "apiKeyHelper failed: exited 4: claviger: the gateway has rejected the key {} since ",
        fingerprint(FIRST)
    );
    assert!(output.stderr.contains(&message), "{output:?}");

    let helper = deployment.env.helper().await;
    let key = fingerprint(FIRST);
    helper.failed(
        4,
        &[
            "the gateway has rejected the key",
            &key,
            "'team-vault'",
            "version 1, obtained ",
        ],
    );
    let profile = deployment.profile().await;
    assert_eq!(profile["state"], "rejected", "{profile}");

    deployment.gateway.accept(secret(SECOND));
    deployment.put_second().await;
    let (turns, healed) = timed(turns_until_healed(&mut session)).await;
    let count = deployment.count().since(before);
    println!("the next version is there: healed after {turns} turns, {healed:?}; in all {count}");
    let (status, stderr) = session.end().await;
    assert!(status.success(), "{stderr}");
    assert!(stderr.contains(&message), "{stderr}");
    deployment.hear();
    assert!(said < SAID, "{said:?}");
    // The reissue, and then at most one a second: back-off's least.
    assert!(dead.reads <= 6, "{dead}");
    assert!(fresh < SAID, "{fresh:?}");
    let profile = deployment.profile().await;
    assert_eq!(
        (
            &profile["state"],
            &profile["version"],
            &profile["rejected_since"]
        ),
        (&"ready".into(), &2.into(), &Value::Null),
        "{profile}"
    );
}

async fn turns_until_healed(session: &mut Session) -> usize {
    let mut turns = 0;
    until("the session works again", HEALED, async || {
        turns += 1;
        let prompt = format!("again, {turns}");
        is_answer(&session.turn(&prompt).await, &prompt)
    })
    .await;
    turns
}
