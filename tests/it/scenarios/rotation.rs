//! The key is rotated during a session.

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock};

use super::{Deployment, FIRST, MACHINE_LOCK, SECOND, TTL, turn};
use crate::support::{
    answers::{answer, fingerprint, secret},
    until,
};

/// How soon the daemon must find a new version: the watch interval with its jitter, on a busy
/// machine.
const DETECTION_LIMIT: Duration = Duration::from_secs(5);

const MINUTE: Duration = Duration::from_secs(60);

/// The old key is revoked once the client uses the new one.
#[tokio::test]
async fn rotation_with_overlap_of_the_cache_lifetime_causes_no_401() {
    let _shared = MACHINE_LOCK.read().await;
    let deployment = Deployment::new("1s", &[(TTL, "6000")]).await;
    let mut session = deployment.start_session().await;

    deployment.gateway.accept(secret(SECOND));
    deployment.put_second().await;
    until_found(&deployment).await;
    // At the end of its cache lifetime, the client runs the helper beside a last request with the
    // old key.
    let mut turns = 0;
    until(
        "the client has the new key",
        DETECTION_LIMIT * 4,
        async || {
            turns += 1;
            turn(&mut session, &format!("meanwhile {turns}")).await;
            deployment.answers().last() == Some(&answer(200, SECOND))
        },
    )
    .await;
    deployment.gateway.revoke(&secret(FIRST));
    turn(&mut session, "after").await;
    deployment.end(session).await;

    let counts = deployment.counts();
    println!("rotation with overlap, client caches 6 s: {counts}");
    assert_eq!((counts.refused, counts.reads), (0, 2), "{counts}");
}

/// The old key is revoked after a minute. With the default watch interval and a cache lifetime of
/// twenty seconds, every client has the new key by then.
#[tokio::test]
async fn rotation_with_overlap_of_a_minute_causes_no_401() {
    let _shared = MACHINE_LOCK.read().await;
    let deployment = Deployment::new("30s", &[(TTL, "20000")]).await;
    let mut session = deployment.start_session().await;

    deployment.gateway.accept(secret(SECOND));
    deployment.put_second().await;
    let start = SystemClock.now().tick;
    let mut next_turn = start;
    // The passing of time is what is tested; the developer takes a turn now and then.
    until("the minute is over", MINUTE + DETECTION_LIMIT, async || {
        let now = SystemClock.now().tick;
        if now >= next_turn {
            turn(&mut session, "meanwhile").await;
            next_turn = now + DETECTION_LIMIT;
        }
        now.since(start) >= MINUTE
    })
    .await;
    deployment.gateway.revoke(&secret(FIRST));
    turn(&mut session, "after").await;
    deployment.end(session).await;

    let counts = deployment.counts();
    println!("rotation with an overlap of a minute, client caches 20 s: {counts}");
    assert_eq!((counts.refused, counts.reads), (0, 2), "{counts}");
    assert_eq!(deployment.answers().last(), Some(&answer(200, SECOND)));
}

/// The daemon has the new key while the client still caches the old one, until it gets a 401.
#[tokio::test]
async fn rotation_with_overlap_of_the_watch_interval_costs_a_401_and_no_read() {
    let _shared = MACHINE_LOCK.read().await;
    let deployment = Deployment::new("1s", &[]).await;
    let mut session = deployment.start_session().await;

    deployment.gateway.accept(secret(SECOND));
    deployment.put_second().await;
    until_found(&deployment).await;
    deployment.gateway.revoke(&secret(FIRST));
    let before = deployment.counts();
    let mut late = deployment.client.session();
    turn(&mut late, "a session that starts now").await;
    let late_counts = deployment.counts().since(before);
    assert_eq!(
        (late_counts.refused, late_counts.reads),
        (0, 0),
        "{late_counts}"
    );
    turn(&mut session, "after").await;
    deployment.end(late).await;
    deployment.end(session).await;

    let counts = deployment.counts().since(before);
    println!(
        "rotation with overlap, client caches 300 s: {counts}, recovered in {:?}",
        deployment.recovery()
    );
    assert_eq!(
        (counts.refused, counts.reads, counts.probes),
        (1, 0, 0),
        "{counts}"
    );
}

#[tokio::test]
async fn rotation_without_overlap_costs_one_401_and_one_read() {
    let _shared = MACHINE_LOCK.read().await;
    let deployment = Deployment::new("off", &[]).await;
    let session = deployment.start_session().await;
    let before = deployment.counts();
    assert_eq!((before.refused, before.reads), (0, 1), "{before}");

    let counts = deployment.assert_one_401(session, Duration::ZERO).await;
    assert_eq!((counts.reads, counts.revalidations), (1, 0), "{counts}");
}

async fn until_found(deployment: &Deployment) {
    until(
        "status shows the new version",
        DETECTION_LIMIT,
        async || {
            let profile = deployment.profile().await;
            profile["version"] == 2 && profile["fingerprint"] == fingerprint(SECOND)
        },
    )
    .await;
}
