//! The gateway rejects the key that the source still has.

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock};

use super::{Deployment, FIRST, MACHINE_LOCK, MODELS, SECOND, failing_turn, turn};
use crate::support::{
    answers::{answer, fingerprint, secret},
    gateway::ScriptedGateway,
    poll::{SOON, timed, until},
};

/// How soon the client must report the error: its retries after a failing helper take 2.6 s.
const REPORT_LIMIT: Duration = Duration::from_secs(5);

/// How often the source is asked at most while the key is rejected, and a little more.
const SOURCE_PAUSE: Duration = Duration::from_millis(2100);

#[tokio::test]
async fn a_rejected_key_is_reported_at_once_and_replaced_without_intervention() {
    // The client's time is measured.
    let _exclusive = MACHINE_LOCK.write().await;
    let deployment = Deployment::new("off", &[]).await;
    is_reported_and_replaced(&deployment).await;
}

/// Returns when a probe has seen the gateway accept the first key: until then its refusal proves
/// nothing.
async fn until_accepted(deployment: &Deployment<impl ScriptedGateway>) {
    until("the first key is accepted", SOON, async || {
        deployment.gateway.requests().iter().any(|request| {
            request.path == MODELS
                && request.fingerprint == Some(secret(FIRST).fingerprint())
                && request.status == Some(200)
        })
    })
    .await;
}

/// Revokes the key and adds the next one once the rejection is reported.
pub(crate) async fn is_reported_and_replaced(deployment: &Deployment<impl ScriptedGateway>) {
    let mut session = deployment.start_session().await;
    until_accepted(deployment).await;

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
    // The passing of time is what is tested: the next prompt comes a little later.
    let next_prompt = clock.now().tick + SOURCE_PAUSE;
    clock.sleep_until(next_prompt).await;
    let mut late = deployment.client.session();
    let ((), recovery) = timed(async {
        let old = turn(&mut session, "with the next version");
        let new = turn(&mut late, "in a new session");
        tokio::join!(old, new);
    })
    .await;
    let counts = deployment.counts().since(before);
    println!(
        "with the next version: the next turn of the session and of a new one answered within \
         {recovery:?}; in all {counts}"
    );
    deployment.end(late).await;
    let (status, stderr) = session.end().await;
    assert!(status.success(), "{stderr}");
    assert!(stderr.contains(&message), "{stderr}");
    deployment.record_transcript();
    assert!(reported < REPORT_LIMIT, "{reported:?}");
    // One read at once, then at most one a second, the shortest back-off.
    assert!(rejected.reads <= 6, "{rejected}");
    assert!(reported_anew < REPORT_LIMIT, "{reported_anew:?}");
    deployment.assert_second_is_ready().await;
}

/// The source has a new version, which the gateway does not accept either.
#[tokio::test]
async fn a_next_version_that_is_rejected_too_is_reported_at_once() {
    let _exclusive = MACHINE_LOCK.write().await;
    let deployment = Deployment::new("off", &[]).await;
    let mut session = deployment.start_session().await;
    until_accepted(&deployment).await;

    deployment.gateway.revoke(&secret(FIRST));
    deployment.put_second().await;
    let before = deployment.counts();
    let (text, took) = failing_turn(&mut session).await;
    let counts = deployment.counts().since(before);
    println!("two rejected versions: reported after {took:?}, {counts}: {text}");
    let (_, stderr) = session.end().await;
    deployment.record_transcript();
    let message = format!(
        "apiKeyHelper failed: exited 4: claviger: the gateway has rejected the key {} since ",
        fingerprint(SECOND)
    );
    assert!(stderr.contains(&message), "{stderr}");
    assert!(took < REPORT_LIMIT, "{took:?}");
    assert_eq!(counts.refused, 4, "{counts}");
    // No client was handed the second key.
    let answers = deployment.answers();
    assert!(!answers.contains(&answer(401, SECOND)), "{answers:?}");
    let profile = deployment.profile().await;
    assert_eq!(
        (&profile["state"], &profile["version"]),
        (&"rejected".into(), &2.into()),
        "{profile}"
    );
}
