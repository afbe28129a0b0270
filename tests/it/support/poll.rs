//! Polling until a condition is true. No test sleeps for a fixed time instead.

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock, Tick};

/// The time between two polls.
const INTERVAL: Duration = Duration::from_millis(5);

/// The limit for what takes no time on an idle machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Returns when `done` returns true. `what` describes the condition.
///
/// # Panics
///
/// Panics if that takes longer than `limit`.
pub(crate) async fn until(what: &str, limit: Duration, mut done: impl AsyncFnMut() -> bool) {
    let start = tick();
    while !done().await {
        let waited = tick().since(start);
        assert!(waited < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(INTERVAL).await;
    }
}

/// [`until`] for code that cannot await, such as a `drop`. Returns whether the condition was true
/// within `limit`.
pub(crate) fn until_blocking(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = tick();
    loop {
        if done() {
            return true;
        }
        if tick().since(start) >= limit {
            return false;
        }
        std::thread::sleep(INTERVAL);
    }
}

/// Awaits `work`; returns its result and how long it took.
pub(crate) async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = tick();
    let result = work.await;
    (result, tick().since(start))
}

fn tick() -> Tick {
    SystemClock.now().tick
}
