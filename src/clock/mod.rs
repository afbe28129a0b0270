//! Time, injected: the only folder that reads a clock.
//!
//! Waiting uses the monotonic clock; issued expiries use the wall clock. Both are read together,
//! which distinguishes time that passed from a wall clock that was set.

#[cfg(any(test, feature = "test-util"))]
mod manual;
mod system;

use std::{ops::Add, time::Duration};

use async_trait::async_trait;
pub use jiff::Timestamp;

#[cfg(any(test, feature = "test-util"))]
pub use self::manual::ManualClock;
pub use self::system::SystemClock;
#[cfg(target_os = "linux")]
pub(crate) use self::system::time_awake;

/// A reading of the monotonic clock: the time since the machine started, **including time asleep**.
/// Only differences mean anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub Duration);

impl Tick {
    /// The time from `earlier` to `self`; zero if `earlier` is later.
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

/// Removes the fraction of a second. The programs print times in whole seconds, and an expiry that
/// is rounded down is never too late.
pub(crate) fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// A reading of both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For waiting.
    pub tick: Tick,
    /// For comparing with a time that a server reports.
    pub wall: Timestamp,
}

/// A source of time.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Reads both clocks.
    fn now(&self) -> Now;

    /// Returns when the monotonic clock has reached `until`, or later: a machine may be asleep
    /// then.
    async fn sleep_until(&self, until: Tick);
}
