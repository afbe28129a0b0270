//! The key is rotated while the client is idle.

use std::time::Duration;

use super::{Deployment, MACHINE_LOCK, TTL};

/// The client's cache lifetime: long enough for an early request to be a signal for the daemon.
const CACHE_LIFETIME: Duration = Duration::from_secs(6);

#[tokio::test]
async fn after_the_cache_lifetime_one_401_is_recovered_on_the_first_retry() {
    let _shared = MACHINE_LOCK.read().await;
    let deployment = Deployment::new("off", &[(TTL, "6000")]).await;
    let session = deployment.start_session().await;

    let pause = CACHE_LIFETIME + Duration::from_secs(1);
    let counts = deployment.assert_one_401(session, pause).await;
    assert!(counts.reads <= 2, "{counts}");
}
