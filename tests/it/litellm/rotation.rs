//! Rotations and a dead key, with a LiteLLM that answers 401 to a wrong key.

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock};

use super::accepting;
use crate::{
    scenarios::{
        Deployment, FIRST, MACHINE_LOCK, MODELS, SECOND, TTL, dead::is_reported_and_replaced, turn,
    },
    support::{
        answers::{answer, fingerprint},
        gateway::ScriptedGateway as _,
        litellm::KeyCheck,
        poll::timed,
        until,
    },
};

/// How long the source has the new key before the gateway accepts it.
const EARLY: Duration = Duration::from_secs(10);

/// The limit until the client uses a new key that the gateway has begun to accept: the interval of
/// the daemon's attempts, and the client's cache lifetime.
const PROMOTION_LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn rotation_without_overlap_costs_one_401() {
    let gateway = accepting(KeyCheck::Custom).await;
    let _shared = MACHINE_LOCK.read().await;
    let deployment = Deployment::with_gateway(gateway, "off", &[]).await;
    let session = deployment.start_session().await;
    let counts = deployment.assert_one_401(session, Duration::ZERO).await;
    assert_eq!((counts.reads, counts.revalidations), (1, 0), "{counts}");
}

#[tokio::test]
async fn a_dead_key_is_reported_at_once_and_replaced_without_intervention() {
    let gateway = accepting(KeyCheck::Custom).await;
    // The client's time is measured.
    let _exclusive = MACHINE_LOCK.write().await;
    let deployment = Deployment::with_gateway(gateway, "off", &[]).await;
    is_reported_and_replaced(&deployment).await;
}

#[tokio::test]
async fn a_new_key_that_the_gateway_accepts_later_costs_no_turn() {
    let gateway = accepting(KeyCheck::Custom).await;
    let _shared = MACHINE_LOCK.read().await;
    let deployment = Deployment::with_gateway(gateway, "1s", &[(TTL, "5000")]).await;
    let mut session = deployment.start_session().await;

    deployment.put_second().await;
    let start = SystemClock.now().tick;
    let mut turns = 0;
    // The passing of time is what is tested; the developer takes one turn after the other.
    until("the early time is over", EARLY * 3, async || {
        turns += 1;
        turn(&mut session, &format!("early {turns}")).await;
        SystemClock.now().tick.since(start) >= EARLY
    })
    .await;
    let early = deployment.counts();
    assert_eq!(early.refused, 0, "{early}");
    assert_eq!(deployment.answers().last(), Some(&answer(200, FIRST)));
    let profile = deployment.profile().await;
    assert_eq!(
        (&profile["state"], &profile["fingerprint"]),
        (&"ready".into(), &fingerprint(FIRST).into()),
        "{profile}"
    );

    deployment.gateway.accept(SECOND);
    let ((), promotion) = timed(until(
        "the client has the new key",
        PROMOTION_LIMIT,
        async || {
            turn(&mut session, "meanwhile").await;
            deployment.answers().last() == Some(&answer(200, SECOND))
        },
    ))
    .await;
    deployment.gateway.revoke(FIRST);
    turn(&mut session, "after").await;
    deployment.end(session).await;

    let counts = deployment.counts();
    let attempts = deployment.gateway.count(MODELS, 401);
    println!(
        "the new key {EARLY:?} too early: {counts}, {attempts} attempts, the client has it after {promotion:?}"
    );
    assert_eq!(counts.refused, 0, "{counts}");
}
