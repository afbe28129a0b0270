//! Claude Code 2.1.197, for which a 403 is final: it runs no helper because of it.

use std::time::Duration;

use super::accepting;
use crate::{
    scenarios::{Deployment, FIRST, MACHINE_LOCK, SECOND, TTL, is_answer},
    support::{
        answers::{MESSAGES, answer},
        gateway::ScriptedGateway as _,
        litellm::KeyCheck,
        poll::timed,
        until,
    },
};

/// The watch interval of 2 s, the client's cache lifetime of 5 s, and its turn at the end of it,
/// which still has the old key.
const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn the_watch_finds_a_rotation_that_the_client_does_not_report() {
    let gateway = accepting(KeyCheck::Forbidden).await;
    let _shared = MACHINE_LOCK.read().await;
    let mut deployment = Deployment::with_gateway(gateway, "2s", &[(TTL, "5000")]).await;
    deployment.client = deployment.client.with_version("2.1.197");
    let mut session = deployment.start_session().await;

    deployment.rotate_at_once().await;
    let ((), recovery) = timed(until("the session works again", LIMIT, async || {
        is_answer(&session.turn("again").await, "again")
    }))
    .await;
    deployment.end(session).await;
    let refused = deployment.gateway.count(MESSAGES, 403);
    println!(
        "rotation with 403, client 2.1.197: {refused} failed turns, recovered in {recovery:?}"
    );
    assert!(deployment.answers().contains(&answer(403, FIRST)));
    assert_eq!(deployment.answers().last(), Some(&answer(200, SECOND)));
}
