//! Deadlines: a call returns in time, whatever it waits for.

use std::{
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

/// A moment at which a call must have returned.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// The moment `duration` from now.
    #[must_use]
    pub fn after(duration: Duration) -> Self {
        Self(now() + duration)
    }

    /// The time that is left; zero if the moment has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.0.saturating_duration_since(now())
    }
}

/// Work that runs on a thread of its own. If it is late, it goes on until the process ends.
#[derive(Debug)]
pub struct Pending<T>(Receiver<T>);

impl<T: Send + 'static> Pending<T> {
    /// Starts `work`.
    pub fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (done, result) = mpsc::sync_channel(1);
        // If no thread can be started, `done` is dropped, and `wait` returns at once.
        let _ = thread::Builder::new().spawn(move || {
            // It fails if the deadline has passed and the receiver is gone.
            let _ = done.send(work());
        });
        Self(result)
    }

    /// Returns the result; `None` if the work is not done by `deadline`.
    pub fn wait(&self, deadline: Deadline) -> Option<T> {
        self.0.recv_timeout(deadline.remaining()).ok()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the client's only clock; its tests use other deadlines, not other clocks"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_done_or_late() {
        let minute = Deadline::after(Duration::from_secs(60));
        assert_eq!(Pending::start(|| 7).wait(minute), Some(7));
        let (open, never) = mpsc::channel::<()>();
        let late = Pending::start(move || never.recv().is_err());
        assert_eq!(late.wait(Deadline::after(Duration::from_millis(1))), None);
        // It can be waited for again.
        drop(open);
        assert_eq!(late.wait(minute), Some(true));
        assert_eq!(Deadline::after(Duration::ZERO).remaining(), Duration::ZERO);
    }
}
