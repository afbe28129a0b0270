//! The back-off after fetches that failed or brought nothing better.
//!
//! Pure: the delays come from [`retry`], the time and the jitter from the caller.

use crate::{broker::retry, clock::Tick, source::SourceError};

/// The number of consecutive fetches without progress, and when the next one may start.
#[derive(Debug, Default)]
pub(super) struct RetryState {
    failures: u32,
    retry_at: Option<Tick>,
    /// The same for a caller that waits without a key.
    retry_at_if_awaited: Option<Tick>,
    error: Option<SourceError>,
}

impl RetryState {
    /// Records a fetch that failed with `error` or, without one, returned the key already cached.
    pub(super) fn record(&mut self, now: Tick, jitter: f64, error: Option<SourceError>) {
        self.failures = self.failures.saturating_add(1);
        let retry_after = error.as_ref().and_then(SourceError::retry_after);
        let delay = retry::delay(self.failures, retry_after, jitter);
        self.retry_at = Some(now + delay);
        self.retry_at_if_awaited = Some(now + delay.min(retry::MAX_DELAY));
        self.error = error;
    }

    /// The error of the last fetch; `None` if it succeeded or there was none.
    pub(super) fn error(&self) -> Option<&SourceError> {
        self.error.as_ref()
    }

    /// When the next fetch may start; `None` if it may start now. If a person waits for it without
    /// a key (`is_awaited`), a long `Retry-After` is not obeyed.
    pub(super) fn retry_at(&self, now: Tick, is_awaited: bool) -> Option<Tick> {
        let at = if is_awaited {
            self.retry_at_if_awaited
        } else {
            self.retry_at
        };
        at.filter(|at| *at > now)
    }
}
