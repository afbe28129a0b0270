//! A rotation without overlap, for different cache lifetimes of the client.

use std::time::Duration;

use serde_json::Value;

use super::{Deployment, FIRST, MACHINE_LOCK, TTL, turn};
use crate::support::answers::answer;

/// How soon a session must recover if an early run of the helper is a signal.
const BY_EARLY_RUN: Duration = Duration::from_secs(5);

/// How soon a session must recover if only the client's back-off is a signal: it is recognised at
/// the fifth run of the helper, 9.4 s after the first.
const BY_BACKOFF: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_client_that_does_not_cache_recovers() {
    recovers(Some("0"), BY_BACKOFF).await;
}

#[tokio::test]
async fn a_client_that_caches_for_a_second_recovers() {
    recovers(Some("1000"), BY_BACKOFF).await;
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
    // The key has no expiry, so `status` has no advice about it, only about the client.
    let profile = deployment.profile().await;
    assert_eq!(profile["expires_at"], Value::Null, "{profile}");
    let advice = profile["advice"].as_array().unwrap();
    match lifetime {
        Some("1000") => {
            let advice = advice[0].as_str().unwrap();
            assert!(advice.contains("caches for 1000 ms"), "{advice}");
        }
        _ => assert!(advice.is_empty(), "{profile}"),
    }

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
