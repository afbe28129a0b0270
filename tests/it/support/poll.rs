//! Waiting for something to come true, and nothing else: no test sleeps for a fixed time.

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock, Tick};

/// How often is looked.
const INTERVAL: Duration = Duration::from_millis(5);

/// How long something may take that takes no time on a machine that is not busy.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Returns when `done` is true.
///
/// # Panics
///
/// Where that is not so within `patience`.
pub(crate) async fn until(what: &str, patience: Duration, mut done: impl AsyncFnMut() -> bool) {
    let start = tick();
    while !done().await {
        let waited = tick().since(start);
        assert!(waited < patience, "{what}: not within {patience:?}");
        tokio::time::sleep(INTERVAL).await;
    }
}

/// As [`until`], where nothing can be awaited: in a `drop`. Whether it came true.
pub(crate) fn until_blocking(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = tick();
    loop {
        if done() {
            return true;
        }
        if tick().since(start) >= patience {
            return false;
        }
        std::thread::sleep(INTERVAL);
    }
}

/// How long `work` took.
pub(crate) async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = tick();
    let result = work.await;
    (result, tick().since(start))
}

fn tick() -> Tick {
    SystemClock.now().tick
}
