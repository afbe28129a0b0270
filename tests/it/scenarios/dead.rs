//! The gateway rejects the key that the source still has.

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock};
use serde_json::Value;

use super::{Deployment, FIRST, MACHINE_LOCK, MODELS, SECOND, is_answer};
use crate::support::{
    answers::{fingerprint, secret},
    claude::ClaudeSession,
    gateway::ScriptedGateway,
    poll::timed,
    until,
};

/// How soon the client must report the error: its retries after a failing helper take 2.6 s.
const REPORT_LIMIT: Duration = Duration::from_secs(5);

/// How soon the next version must be found: the back-off after a minute of retries.
const RECOVERY_LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_rejected_key_is_reported_at_once_and_replaced_without_intervention() {
    // The client's time is measured.
    let _exclusive = MACHINE_LOCK.write().await;
    let deployment = Deployment::new("off", &[]).await;
    is_reported_and_replaced(&deployment).await;
}

/// Revokes the key and adds the next one once the rejection is reported.
pub(crate) async fn is_reported_and_replaced(deployment: &Deployment<impl ScriptedGateway>) {
    let mut session = deployment.start_session().await;

    deployment.gateway.revoke(FIRST);
    let before = deployment.counts();
    let clock = SystemClock;
    let ((failed, at), took) = timed(async {
        let failed = session.turn("with a rejected key").await;
        (failed, clock.now().wall)
    })
    .await;
    assert!(failed.is_error, "{failed:?}");
    let rejected = deployment.counts().since(before);
    // The helper fails with exit code 4 once the daemon's probe gets a 401; the rest of the turn is
    // the client's retries.
    let mut log = deployment.gateway.requests().into_iter();
    let probed = log
        .find(|request| {
            request.path == MODELS
                && request.fingerprint == Some(secret(FIRST).fingerprint())
                && request.status == Some(401)
        })
        .unwrap()
        .at;
    let reported = at.duration_since(probed).unsigned_abs();
    println!(
        "a rejected key, in a session: {rejected}, reported {reported:?} after the first exit code 4 (the turn took {took:?}): {}",
        failed.text
    );

    let (output, reported_anew) = timed(deployment.client.turn("a new session")).await;
    println!("a rejected key, in a new session: reported after {reported_anew:?}: {output:?}");
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

    deployment.gateway.accept(SECOND);
    deployment.put_second().await;
    let (turns, recovery) = timed(turns_until_answered(&mut session)).await;
    let counts = deployment.counts().since(before);
    println!("with the next version: answered after {turns} turns, {recovery:?}; in all {counts}");
    let (status, stderr) = session.end().await;
    assert!(status.success(), "{stderr}");
    assert!(stderr.contains(&message), "{stderr}");
    deployment.record_transcript();
    assert!(reported < REPORT_LIMIT, "{reported:?}");
    // One read at once, then at most one a second, the shortest back-off.
    assert!(rejected.reads <= 6, "{rejected}");
    assert!(reported_anew < REPORT_LIMIT, "{reported_anew:?}");
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

/// Takes turns until one is answered; returns how many.
async fn turns_until_answered(session: &mut ClaudeSession) -> usize {
    let mut turns = 0;
    until("the session works again", RECOVERY_LIMIT, async || {
        turns += 1;
        let prompt = format!("again, {turns}");
        is_answer(&session.turn(&prompt).await, &prompt)
    })
    .await;
    turns
}
