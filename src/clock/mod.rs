//! Time, injected: the only place of the program that reads a clock.
//!
//! Waiting goes by the monotonic reading, issued expiries by the wall's. The two are read together, so that a wall clock
//! that was set, or a laptop that slept, can be told from time that passed.

#[cfg(any(test, feature = "test-util"))]
mod manual;
mod system;

use std::{ops::Add, time::Duration};

use async_trait::async_trait;
pub use jiff::Timestamp;

#[cfg(any(test, feature = "test-util"))]
pub use self::manual::ManualClock;
pub use self::system::SystemClock;

/// A monotonic reading: time since the machine started, **time asleep included**. Only differences mean anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub Duration);

impl Tick {
    /// How long ago `earlier` was; zero where it was not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Tick {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(rhs))
    }
}

/// Both clocks, read at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For waiting.
    pub tick: Tick,
    /// For comparing with what a server calls the time.
    pub wall: Timestamp,
}

/// Where the program gets its time from.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Reads both clocks.
    fn now(&self) -> Now;

    /// Returns when the monotonic reading has reached `until`, or some time after: a machine that slept wakes late.
    async fn sleep_until(&self, until: Tick);
}
