//! A rotation without overlap, for different cache lifetimes of the client.

use std::time::Duration;

use serde_json::Value;

use super::{Deployment, FIRST, MACHINE_LOCK, TTL, failing_turn, turn};
use crate::support::answers::{answer, secret};

/// How soon a session must recover if an early run of the helper is a signal.
const BY_EARLY_RUN: Duration = Duration::from_secs(5);

/// How soon a session must recover if an early run is none: the key is probed at intervals.
const BY_PROBE: Duration = Duration::from_secs(3);

/// How soon a dead key must be reported if an early run is no signal.
const DEAD_LIMIT: Duration = Duration::from_secs(10);

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

#[tokio::test]
async fn a_dead_key_is_reported_to_a_client_that_does_not_cache() {
    dead_key_is_reported("0").await;
}

#[tokio::test]
async fn a_dead_key_is_reported_to_a_client_that_caches_for_a_second() {
    dead_key_is_reported("1000").await;
}

/// Revokes the key of a client with this cache lifetime, which must report it.
async fn dead_key_is_reported(lifetime: &str) {
    // The client's time is measured.
    let _exclusive = MACHINE_LOCK.write().await;
    let deployment = Deployment::new("off", &[(TTL, lifetime)]).await;
    let mut session = deployment.start_session().await;
    let before = deployment.counts();

    deployment.gateway.revoke(&secret(FIRST));
    let (text, took) = failing_turn(&mut session).await;
    let counts = deployment.counts().since(before);
    println!("a dead key, cache lifetime {lifetime} ms: reported after {took:?}, {counts}: {text}");
    let profile = deployment.profile().await;
    assert_eq!(
        (&profile["state"], &profile["rejection_evidence"]),
        (&"rejected".into(), &"probe".into()),
        "{profile}"
    );
    let (_, stderr) = session.end().await;
    deployment.record_transcript();
    assert!(
        stderr.contains("apiKeyHelper failed: exited 4: "),
        "{stderr}"
    );
    assert!(took < DEAD_LIMIT, "{took:?}");
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
