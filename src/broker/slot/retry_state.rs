//! Fetches in a row that brought nothing better.

use crate::{broker::retry, clock::Tick, source::SourceError};

/// Fetches in a row that brought nothing better, and when the next one may start.
#[derive(Debug, Default)]
pub(super) struct RetryState {
    failures: u32,
    retry_at: Option<Tick>,
    error: Option<SourceError>,
}

impl RetryState {
    /// A fetch failed; or, without an error, brought what was there already.
    pub(super) fn add(&mut self, now: Tick, jitter: f64, error: Option<SourceError>) {
        self.failures = self.failures.saturating_add(1);
        let retry_after = error.as_ref().and_then(SourceError::retry_after);
        self.retry_at = Some(now + retry::delay(self.failures, retry_after, jitter));
        self.error = error;
    }

    /// What went wrong last; `None` where nothing did or a fetch has succeeded since.
    pub(super) fn error(&self) -> Option<&SourceError> {
        self.error.as_ref()
    }

    /// When the next fetch may start; `None` where it may at once.
    pub(super) fn retry_at(&self, now: Tick) -> Option<Tick> {
        self.retry_at.filter(|at| *at > now)
    }
}
