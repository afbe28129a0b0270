//! A LiteLLM that answers 400 or 500 to a dead key: the client never asks for another because of
//! it, so that the daemon must find out by itself.

use std::time::Duration;

use super::accepting;
use crate::{
    scenarios::{Deployment, FIRST, MACHINE_LOCK, SECOND, TTL, is_answer, turn},
    support::{
        answers::{MESSAGES, fingerprint},
        gateway::ScriptedGateway as _,
        litellm::KeyCheck,
        poll::timed,
        until,
    },
};

/// The client's cache lifetime.
const CACHE_LIFETIME: Duration = Duration::from_secs(5);

/// How soon a dead key must be found: one cache lifetime, on a busy machine.
const FOUND_LIMIT: Duration = Duration::from_secs(10);

/// How soon a new session must be answered.
const AT_ONCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_dead_key_is_found_without_a_database() {
    is_found(KeyCheck::NoDatabase, 400).await;
}

#[tokio::test]
async fn a_dead_key_is_found_if_the_check_raises_an_exception() {
    is_found(KeyCheck::Exception, 500).await;
}

/// Revokes the key at the gateway, which answers `status` then, and adds the next one once the
/// rejection is reported.
async fn is_found(check: KeyCheck, status: u16) {
    let gateway = accepting(check).await;
    // The client's time is measured.
    let _exclusive = MACHINE_LOCK.write().await;
    let lifetime = CACHE_LIFETIME.as_millis().to_string();
    // Otherwise the client repeats a request that got a 500 for three minutes.
    let variables = [(TTL, &*lifetime), ("CLAUDE_CODE_MAX_RETRIES", "0")];
    let deployment = Deployment::with_gateway(gateway, "off", &variables).await;
    let mut session = deployment.start_session().await;
    let before = deployment.counts();

    deployment.gateway.revoke(FIRST);
    let ((), found) = timed(until("status shows it", FOUND_LIMIT, async || {
        let failed = session.turn("with a dead key").await;
        assert!(failed.is_error, "{failed:?}");
        deployment.profile().await["state"] == "rejected"
    }))
    .await;
    let counts = deployment.counts().since(before);
    let refused = deployment.gateway.count(MESSAGES, status);
    println!("a dead key ({status}): found after {found:?}, {refused} failed turns, {counts}");
    assert!(refused > 0, "{refused}");
    let key = fingerprint(FIRST);
    let helper = deployment.env.helper().await;
    helper.failed(
        4,
        &["the gateway has rejected the key", &key, "'team-vault'"],
    );

    deployment.gateway.accept(SECOND);
    deployment.put_second().await;
    // The source is asked at most every 2 s. A client whose helper fails is without a key until its
    // cache lifetime is over, because the gateway does not answer 401 to it.
    let ((), served) = timed(until("the helper prints it", AT_ONCE, async || {
        deployment.env.helper().await.code == Some(0)
    }))
    .await;
    let mut late = deployment.client.session();
    turn(&mut late, "a new session").await;
    let ((), recovery) = timed(until(
        "the old session works again",
        FOUND_LIMIT,
        async || is_answer(&session.turn("again").await, "again"),
    ))
    .await;
    println!("with the next version: served after {served:?}, the old one after {recovery:?}");
    turn(&mut late, "one more").await;
    deployment.end(late).await;
    deployment.end(session).await;
    assert!(served < AT_ONCE, "{served:?}");
    deployment.assert_second_is_ready().await;
}
