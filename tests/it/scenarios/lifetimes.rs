//! A rotation without overlap, for different cache lifetimes of the client.

use std::time::Duration;

use serde_json::Value;

use super::{Deployment, FIRST, MACHINE_LOCK, TTL, turn};
use crate::support::answers::answer;

/// How soon a session must recover if an early run of the helper is a signal.
const BY_EARLY_RUN: Duration = Duration::from_secs(5);

/// How soon a session must recover if an early run is none: the key is probed at intervals.
const BY_PROBE: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_client_that_does_not_cache_recovers() {
    recovers(Some("0"), BY_PROBE).await;
}

#[tokio::test]
async fn a_client_that_caches_for_a_second_recovers() {
    recovers(Some("1000"), BY_PROBE).await;
}

#[tokio::test]
async fn a_client_that_caches_for_an_hour_recovers() {
    recovers(Some("3600000"), BY_EARLY_RUN).await;
}

#[tokio::test]
async fn a_client_with_the_default_cache_lifetime_recovers() {
    recovers(None, BY_EARLY_RUN).await;
}

/// Rotates the key of a client with this cache lifetime, and asserts that its next turn recovers.
async fn recovers(lifetime: Option<&str>, within: Duration) {
    let _shared = MACHINE_LOCK.read().await;
    let env: Vec<_> = lifetime
        .map(|lifetime| (TTL, lifetime))
        .into_iter()
        .collect();
    let deployment = Deployment::new("off", &env).await;
    let mut session = deployment.client.session();
    turn(&mut session, "one").await;
    turn(&mut session, "two").await;
    assert_eq!(
        deployment.answers(),
        [answer(200, FIRST), answer(200, FIRST)]
    );
    let before = deployment.counts();
    // The key has no expiry and a probe tells, so `status` has no advice.
    let profile = deployment.profile().await;
    assert_eq!(profile["expires_at"], Value::Null, "{profile}");
    assert_eq!(profile["advice"], Value::Array(vec![]), "{profile}");

    deployment.rotate_at_once().await;
    turn(&mut session, "three").await;
    let (counts, recovery) = (deployment.counts().since(before), deployment.recovery());
    turn(&mut session, "four").await;
    deployment.end(session).await;

    println!("cache lifetime {lifetime:?}: {counts}, recovered in {recovery:?}");
    assert_eq!((counts.reads, counts.answered), (1, 1), "{counts}");
    assert!(recovery < within, "{recovery:?}");
    if within == BY_EARLY_RUN {
        assert_eq!(counts.refused, 1, "{counts}");
    }
}
