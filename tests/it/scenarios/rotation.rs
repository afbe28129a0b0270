//! The key is rotated while a session is under way.

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock};

use super::{Deployment, FIRST, SECOND, STAGE, TTL, answer, fingerprint, secret, turn};
use crate::support::until;

/// How soon the daemon has to have seen a new version: `watch`, its jitter, and a machine that is busy.
const SEEN: Duration = Duration::from_secs(5);

const MINUTE: Duration = Duration::from_secs(60);

/// New version, then patience, then the revocation: as a careful operator does it.
#[tokio::test]
async fn with_an_overlap_as_long_as_the_client_caches_nobody_meets_a_401() {
    let _shared = STAGE.read().await;
    let deployment = Deployment::new("1s", &[(TTL, "6000")]).await;
    let mut session = deployment.client.session();
    turn(&mut session, "before").await;

    deployment.gateway.accept(secret(SECOND));
    deployment.put_second().await;
    until_seen(&deployment).await;
    // The client asks the helper when its cache lifetime is over, beside a last request with the old key.
    let mut turns = 0;
    until("the client has the new key", SEEN * 4, async || {
        turns += 1;
        turn(&mut session, &format!("meanwhile {turns}")).await;
        deployment.answers().last() == Some(&answer(200, SECOND))
    })
    .await;
    deployment.gateway.revoke(&secret(FIRST));
    turn(&mut session, "after").await;
    deployment.end(session).await;

    let count = deployment.count();
    println!("rotation with overlap, client caches 6 s: {count}");
    assert_eq!((count.refused, count.reads), (0, 2), "{count}");
}

/// The old key is revoked a minute later, whoever has the new one by then: with the usual `watch` and a client that caches
/// for twenty seconds, everybody has.
#[tokio::test]
async fn with_an_overlap_of_a_minute_nobody_meets_a_401() {
    let _shared = STAGE.read().await;
    let deployment = Deployment::new("30s", &[(TTL, "20000")]).await;
    let mut session = deployment.client.session();
    turn(&mut session, "before").await;

    deployment.gateway.accept(secret(SECOND));
    deployment.put_second().await;
    let start = SystemClock.now().tick;
    let mut next_turn = start;
    // Time passing is what is tested; the developer takes a turn now and then.
    until("the minute is over", MINUTE + SEEN, async || {
        let now = SystemClock.now().tick;
        if now >= next_turn {
            turn(&mut session, "meanwhile").await;
            next_turn = now + SEEN;
        }
        now.since(start) >= MINUTE
    })
    .await;
    deployment.gateway.revoke(&secret(FIRST));
    turn(&mut session, "after").await;
    deployment.end(session).await;

    let count = deployment.count();
    println!("rotation with an overlap of a minute, client caches 20 s: {count}");
    assert_eq!((count.refused, count.reads), (0, 2), "{count}");
    assert_eq!(deployment.answers().last(), Some(&answer(200, SECOND)));
}

/// The daemon has the new key, the client still caches the old one: nobody can tell it but the gateway.
#[tokio::test]
async fn with_an_overlap_as_long_as_the_watch_a_401_costs_nothing_upstream() {
    let _shared = STAGE.read().await;
    let deployment = Deployment::new("1s", &[]).await;
    let mut session = deployment.client.session();
    turn(&mut session, "before").await;

    deployment.gateway.accept(secret(SECOND));
    deployment.put_second().await;
    until_seen(&deployment).await;
    deployment.gateway.revoke(&secret(FIRST));
    let before = deployment.count();
    let mut late = deployment.client.session();
    turn(&mut late, "a session that starts now").await;
    let of_late = deployment.count().since(before);
    assert_eq!((of_late.refused, of_late.reads), (0, 0), "{of_late}");
    turn(&mut session, "after").await;
    deployment.end(late).await;
    deployment.end(session).await;

    let count = deployment.count().since(before);
    println!(
        "rotation with overlap, client caches 300 s: {count}, recovered in {:?}",
        deployment.recovery()
    );
    assert_eq!(
        (count.refused, count.reads, count.probes),
        (1, 0, 0),
        "{count}"
    );
}

#[tokio::test]
async fn without_overlap_one_401_is_recovered_on_the_first_retry() {
    let _shared = STAGE.read().await;
    let deployment = Deployment::new("off", &[]).await;
    let mut session = deployment.client.session();
    turn(&mut session, "before").await;
    let before = deployment.count();
    assert_eq!((before.refused, before.reads), (0, 1), "{before}");

    deployment.rotate_at_once().await;
    turn(&mut session, "after").await;
    let (count, recovery) = (deployment.count().since(before), deployment.recovery());
    turn(&mut session, "and on").await;
    deployment.end(session).await;

    println!("rotation without overlap: {count}, recovered in {recovery:?}");
    assert_eq!(
        deployment.answers(),
        [
            answer(200, FIRST),
            answer(401, FIRST),
            answer(200, SECOND),
            answer(200, SECOND)
        ]
    );
    assert_eq!((count.reads, count.looks), (1, 0), "{count}");
    assert!(recovery < Duration::from_secs(5), "{recovery:?}");
}

async fn until_seen(deployment: &Deployment) {
    until("status shows the new version", SEEN, async || {
        let profile = deployment.profile().await;
        profile["version"] == 2 && profile["fingerprint"] == fingerprint(SECOND)
    })
    .await;
}
