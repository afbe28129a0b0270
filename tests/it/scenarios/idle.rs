//! The key is rotated while nobody works.

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock};

use super::{Deployment, FIRST, SECOND, STAGE, TTL, answer, turn};

/// How long the client caches: long enough for its coming back early to tell something.
const CACHED: Duration = Duration::from_secs(6);

#[tokio::test]
async fn after_the_cache_lifetime_one_401_is_recovered_on_the_first_retry() {
    let _shared = STAGE.read().await;
    let deployment = Deployment::new("off", &[(TTL, "6000")]).await;
    let mut session = deployment.client.session();
    turn(&mut session, "before").await;
    let before = deployment.count();

    deployment.rotate_at_once().await;
    // Nothing is waited for but time: it is the client's cache lifetime that has to pass, and it asks nobody meanwhile.
    let clock = SystemClock;
    let over = clock.now().tick + CACHED + Duration::from_secs(1);
    clock.sleep_until(over).await;
    turn(&mut session, "after").await;
    let (count, recovery) = (deployment.count().since(before), deployment.recovery());
    turn(&mut session, "and on").await;
    deployment.end(session).await;

    println!("idle past the cache lifetime: {count}, recovered in {recovery:?}");
    // The request that goes out beside the helper's run has the old key; the first retry has the new one.
    assert_eq!(
        deployment.answers(),
        [
            answer(200, FIRST),
            answer(401, FIRST),
            answer(200, SECOND),
            answer(200, SECOND)
        ]
    );
    assert!(count.reads <= 2, "{count}");
    assert!(recovery < Duration::from_secs(5), "{recovery:?}");
}
