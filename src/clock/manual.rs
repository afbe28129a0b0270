//! A clock that stands still until it is told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Clock, Now, Tick, Timestamp};
use crate::sync;

/// A clock for tests and for the fleet simulation: it moves when [`ManualClock::advance`] is called, and who sleeps on
/// it wakes then. Clones share the time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<Mutex<Now>>,
    moved: Arc<watch::Sender<Tick>>,
}

impl ManualClock {
    /// A clock that reads `wall` and, as its monotonic reading, an hour.
    #[must_use]
    pub fn at(wall: Timestamp) -> Self {
        let tick = Tick(Duration::from_secs(3600));
        Self {
            now: Arc::new(Mutex::new(Now { tick, wall })),
            moved: Arc::new(watch::Sender::new(tick)),
        }
    }

    /// Time passes, awake or asleep: both readings move.
    pub fn advance(&self, by: Duration) {
        let mut now = sync::lock(&self.now);
        now.tick = now.tick + by;
        now.wall = now.wall.saturating_add(by).unwrap_or(Timestamp::MAX);
        self.moved.send_replace(now.tick);
    }

    /// Somebody sets the wall clock; the monotonic reading stays.
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
        // It can't fail: `self` keeps the sender.
        let _ = moved.wait_for(|tick| *tick >= until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_time_has_come() {
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
    fn the_wall_can_be_set_apart() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let before = clock.now();
        clock.set_wall(Timestamp::MAX);
        assert_eq!(clock.now().tick, before.tick);
        assert_eq!(clock.now().wall, Timestamp::MAX);
    }
}
