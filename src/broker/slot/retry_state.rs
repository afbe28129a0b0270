//! The back-off after fetches that failed or brought nothing better.
//!
//! Pure: the delays come from [`retry`], the time and the jitter from the caller.

use crate::{broker::retry, clock::Tick, source::SourceError};

/// The number of consecutive fetches without progress, and when the next one may start.
#[derive(Debug, Default)]
pub(super) struct RetryState {
    failures: u32,
    retry_at: Option<Tick>,
    error: Option<SourceError>,
}

impl RetryState {
    /// Records a fetch that failed with `error` or, without one, returned the key already cached.
    pub(super) fn record(&mut self, now: Tick, jitter: f64, error: Option<SourceError>) {
        self.failures = self.failures.saturating_add(1);
        let retry_after = error.as_ref().and_then(SourceError::retry_after);
        self.retry_at = Some(now + retry::delay(self.failures, retry_after, jitter));
        self.error = error;
    }

    /// The error of the last fetch; `None` if it succeeded or there was none.
    pub(super) fn error(&self) -> Option<&SourceError> {
        self.error.as_ref()
    }

    /// When the next fetch may start; `None` if it may start now.
    pub(super) fn retry_at(&self, now: Tick) -> Option<Tick> {
        self.retry_at.filter(|at| *at > now)
    }
}
