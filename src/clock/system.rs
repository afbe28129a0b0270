//! The machine's own clocks.

use std::time::Duration;

use async_trait::async_trait;

use super::{Clock, Now, Tick, Timestamp};

/// The machine's own clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system's clock"
    )]
    fn now(&self) -> Now {
        Now {
            tick: Tick(since_boot()),
            wall: Timestamp::now(),
        }
    }

    async fn sleep_until(&self, until: Tick) {
        tokio::time::sleep(until.since(self.now().tick)).await;
    }
}

/// Reads `CLOCK_BOOTTIME`, which includes the time that a laptop is suspended; Linux's
/// `CLOCK_MONOTONIC`, which `std::time::Instant` reads, does not. See clock_gettime(2).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Duration {
    to_duration(rustix::time::clock_gettime(rustix::time::ClockId::Boottime))
}

/// Reads `CLOCK_MONOTONIC`, which on Apple's systems includes the time asleep; `CLOCK_UPTIME_RAW`,
/// which `std::time::Instant` reads, does not. See clock_gettime(3) there.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn since_boot() -> Duration {
    to_duration(rustix::time::clock_gettime(
        rustix::time::ClockId::Monotonic,
    ))
}

/// Reads the clock with whose times systemd compares a notification: `CLOCK_MONOTONIC`, without the
/// time asleep. See sd_notify(3).
#[cfg(target_os = "linux")]
pub(crate) fn time_awake() -> Duration {
    to_duration(rustix::time::clock_gettime(
        rustix::time::ClockId::Monotonic,
    ))
}

#[cfg(unix)]
fn to_duration(time: rustix::time::Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

/// Reads `GetTickCount64`: milliseconds since the system started, including sleep and hibernation.
#[cfg(windows)]
#[expect(unsafe_code, reason = "calls GetTickCount64")]
fn since_boot() -> Duration {
    // SAFETY: it has no arguments and no preconditions.
    Duration::from_millis(unsafe {
        windows_sys::Win32::System::SystemInformation::GetTickCount64()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_forward() {
        let first = SystemClock.now();
        let second = SystemClock.now();
        assert!(second.tick >= first.tick);
        assert!(first.tick > Tick::default());
    }

    #[tokio::test]
    async fn does_not_wake_early() {
        let until = SystemClock.now().tick + Duration::from_millis(20);
        SystemClock.sleep_until(until).await;
        assert!(SystemClock.now().tick >= until);
    }
}
