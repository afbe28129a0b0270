//! Whatever the client's cache lifetime is.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Deployment, FIRST, STAGE, TTL, answer, turn};

/// How soon a session has to have recovered whose coming back tells something.
const SOON: Duration = Duration::from_secs(5);

/// As above, where it tells nothing but by its back-off: that shows at its fifth run, 9.4 s after the first.
const EVENTUALLY: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_client_that_does_not_cache_recovers() {
    recovers(Some("0"), EVENTUALLY).await;
}

#[tokio::test]
async fn a_client_that_caches_for_a_second_recovers() {
    recovers(Some("1000"), EVENTUALLY).await;
}

#[tokio::test]
async fn a_client_that_caches_for_an_hour_recovers() {
    recovers(Some("3600000"), SOON).await;
}

#[tokio::test]
async fn a_client_that_caches_for_as_long_as_it_likes_recovers() {
    recovers(None, SOON).await;
}

/// A client with this cache lifetime takes two turns; its key is rotated and revoked at once; it goes on.
async fn recovers(lifetime: Option<&str>, within: Duration) {
    let _shared = STAGE.read().await;
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
    let before = deployment.count();
    // What it was given outlives its use: it has no end.
    let profile = deployment.profile().await;
    assert_eq!(
        (&profile["expires_at"], &profile["advice"]),
        (&Value::Null, &json!([])),
        "{profile}"
    );

    deployment.rotate_at_once().await;
    turn(&mut session, "three").await;
    let (count, recovery) = (deployment.count().since(before), deployment.recovery());
    turn(&mut session, "four").await;
    deployment.end(session).await;

    println!("cache lifetime {lifetime:?}: {count}, recovered in {recovery:?}");
    assert_eq!((count.reads, count.answered), (1, 1), "{count}");
    assert!(recovery < within, "{recovery:?}");
    if within == SOON {
        assert_eq!(count.refused, 1, "{count}");
    }
}
