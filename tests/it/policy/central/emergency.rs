//! An emergency rotation on one machine, with the real client: a key has leaked, the security
//! engineer writes another one and publishes a policy.

use std::time::Duration;

use claviger::{
    clock::{Clock as _, SystemClock, Timestamp},
    demo::gateway::{LoggedRequest, TestGateway},
};

use super::{LOOK_LIMIT, Publisher, WORST_CASE, audit, rotation, until_in_force};
use crate::{
    scenarios::{Deployment, FIRST, MACHINE_LOCK, SECOND, TTL, turn},
    support::{
        answers::{MESSAGES, answer, secret},
        fingerprint::fingerprint,
        poll::timed,
        until,
    },
};

/// The client's own cache lifetime: it runs the helper at each turn, beside which it sends a last
/// request with the key before.
const CACHE_LIFETIME: &str = "1";

/// The gateway still accepts the old key, so that nothing but the policy replaces it.
#[tokio::test]
async fn an_emergency_rotation_reaches_a_running_client_within_the_worst_case() {
    let _exclusive = MACHINE_LOCK.write().await;
    let publisher = Publisher::start().await;
    let gateway = TestGateway::start([secret(FIRST)]).await.unwrap();
    // Without a policy, this source is never read again.
    let deployment = Deployment::with_gateway(gateway, "off", &[(TTL, CACHE_LIFETIME)]).await;
    let env = &deployment.env;
    publisher.configure(env, "");
    publisher.publish("").await;
    let mut session = deployment.start_session().await;
    turn(&mut session, "once more").await;
    assert_eq!(deployment.counts().reads, 1);

    // The order of the README: the new key first, then the policy.
    let rotate_after = SystemClock.now().wall;
    deployment.gateway.accept(secret(SECOND));
    deployment.put_second().await;
    let policy = publisher.sign(&rotation(rotate_after).await).await;
    publisher.replace(policy.as_bytes());
    let published = SystemClock.now();
    let mut longest_turn = Duration::ZERO;
    until("the new key is in use", LOOK_LIMIT, async || {
        let (_, took) = timed(turn(&mut session, "meanwhile")).await;
        longest_turn = longest_turn.max(took);
        deployment.answers().last() == Some(&answer(200, SECOND))
    })
    .await;
    let mut turns = deployment.gateway.requests();
    turns.retain(|request| request.path == MESSAGES);
    let is_of = |key: &str| {
        let key = Some(secret(key).fingerprint());
        move |request: &&LoggedRequest| request.fingerprint == key
    };
    let accepted = turns.iter().find(is_of(SECOND)).unwrap().at;
    let took = accepted.duration_since(published.wall).unsigned_abs();
    let last_old = turns.iter().rfind(is_of(FIRST)).unwrap().at;
    let last_old = last_old.duration_since(published.wall);

    // The leaked key ends at the gateway, which the client does not notice.
    deployment.gateway.revoke(&secret(FIRST));
    for prompt in ["after", "and after"] {
        turn(&mut session, prompt).await;
        assert_eq!(deployment.answers().last(), Some(&answer(200, SECOND)));
    }
    until_in_force(env, 2).await;
    deployment.end(session).await;
    let records = audit::records(env);
    let in_force = records
        .iter()
        .position(|record| record["event"] == "policy" && record["policy"] == 2);
    let time = &records[in_force.unwrap()]["time"];
    let enforced: Timestamp = time.as_str().unwrap().parse().unwrap();
    let enforced = enforced.duration_since(published.wall).unsigned_abs();
    println!(
        "emergency rotation, watch = 10 s: the daemon enforces it {enforced:?} after the \
         publication, the gateway has accepted the new key after {took:?}, the client's last \
         request with the old one was at {last_old:#}, the longest turn took {longest_turn:?}; {}",
        deployment.counts()
    );
    assert!(enforced < WORST_CASE, "{enforced:?}");
    // The turn that runs the helper, and the one that uses its key.
    assert!(took < WORST_CASE + 2 * longest_turn, "{took:?}");
    let old = fingerprint(FIRST);
    let served = &records[in_force.unwrap()..];
    let served: Vec<_> = served
        .iter()
        .filter(|record| record["event"] == "grant")
        .collect();
    assert!(!served.is_empty());
    assert!(
        served.iter().all(|record| record["fingerprint"] != *old),
        "{served:#?}"
    );
    let counts = deployment.counts();
    assert_eq!((counts.refused, counts.reads), (0, 2), "{counts}");
}

/// A client that keeps its key for five minutes gets the new one with its first 401.
#[tokio::test]
async fn a_client_that_caches_the_old_key_recovers_from_its_401_without_a_read() {
    let _shared = MACHINE_LOCK.read().await;
    let publisher = Publisher::start().await;
    let gateway = TestGateway::start([secret(FIRST)]).await.unwrap();
    let deployment = Deployment::with_gateway(gateway, "off", &[]).await;
    let env = &deployment.env;
    publisher.configure(env, "");
    publisher.publish("").await;
    let mut session = deployment.start_session().await;

    let rotate_after = SystemClock.now().wall;
    deployment.rotate_at_once().await;
    publisher.publish(&rotation(rotate_after).await).await;
    until_in_force(env, 2).await;
    let obtained = format!("change obtained policy {}", fingerprint(SECOND));
    until("the new key is there", LOOK_LIMIT, async || {
        audit::story(env).contains(&obtained)
    })
    .await;
    let before = deployment.counts();
    turn(&mut session, "after").await;
    deployment.end(session).await;
    let counts = deployment.counts().since(before);
    println!(
        "a client that caches the old key: {counts}, recovered in {:?}",
        deployment.recovery()
    );
    assert_eq!((counts.refused, counts.reads), (1, 0), "{counts}");
    assert_eq!(deployment.answers().last(), Some(&answer(200, SECOND)));
}
