//! Time: the shim answers within its deadline, whatever it waits for.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// When the shim has answered.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// So many milliseconds from now.
    pub(crate) fn after(ms: u64) -> Self {
        Self(now() + Duration::from_millis(ms))
    }

    /// How many whole milliseconds are left.
    pub(crate) fn left_ms(&self) -> u64 {
        u64::try_from(self.left().as_millis()).unwrap_or(u64::MAX)
    }

    fn left(&self) -> Duration {
        self.0.saturating_duration_since(now())
    }
}

/// Does `work` on a thread of its own. `None` when it is not done by the deadline; it is then left to itself, and ends
/// with the process.
///
/// One watch over everything: connecting to a socket whose queue is full, opening a file on a server that is away and
/// reading from a pipe have no time limits of their own that std could set, on all systems.
pub(crate) fn within<T: Send + 'static>(
    deadline: &Deadline,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, answer) = mpsc::sync_channel(1);
    let worker = thread::Builder::new().spawn(move || {
        // Nobody waits any more when the deadline has passed.
        let _ = done.send(work());
    });
    worker.ok()?;
    answer.recv_timeout(deadline.left()).ok()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the shim's only clock; its tests are given other deadlines, not other clocks"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_or_late() {
        assert_eq!(within(&Deadline::after(60_000), || 7), Some(7));
        let (_open, never) = mpsc::channel::<()>();
        assert_eq!(within(&Deadline::after(1), move || never.recv()), None);
        assert_eq!(Deadline::after(0).left_ms(), 0);
    }
}
