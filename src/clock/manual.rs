//! A clock that a test moves.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Clock, Now, Tick, Timestamp};
use crate::sync;

/// A clock for tests and simulations. [`ManualClock::advance`] moves it and wakes its sleepers.
/// Clones share the time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<Mutex<Now>>,
    moved: Arc<watch::Sender<Tick>>,
}

impl ManualClock {
    /// A clock whose wall clock shows `wall` and whose monotonic clock shows one hour.
    #[must_use]
    pub fn at(wall: Timestamp) -> Self {
        let tick = Tick(Duration::from_secs(3600));
        Self {
            now: Arc::new(Mutex::new(Now { tick, wall })),
            moved: Arc::new(watch::Sender::new(tick)),
        }
    }

    /// Lets `by` pass on both clocks.
    pub fn advance(&self, by: Duration) {
        let mut now = sync::lock(&self.now);
        now.tick = now.tick + by;
        now.wall = now.wall.saturating_add(by).unwrap_or(Timestamp::MAX);
        self.moved.send_replace(now.tick);
    }

    /// Sets the wall clock, as a user or NTP does; the monotonic clock stays.
    pub fn set_wall(&self, wall: Timestamp) {
        sync::lock(&self.now).wall = wall;
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Now {
        *sync::lock(&self.now)
    }

    async fn sleep_until(&self, until: Tick) {
        let mut moved = self.moved.subscribe();
        // It cannot fail: `self` keeps the sender.
        let _ = moved.wait_for(|tick| *tick >= until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_at_its_time() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let until = clock.now().tick + Duration::from_secs(60);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(until).await }
        });
        clock.advance(Duration::from_secs(59));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
    }

    #[test]
    fn setting_the_wall_clock_leaves_the_monotonic_one() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let before = clock.now();
        clock.set_wall(Timestamp::MAX);
        assert_eq!(clock.now().tick, before.tick);
        assert_eq!(clock.now().wall, Timestamp::MAX);
    }
}
