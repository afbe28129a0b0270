//! Operations of the system that block: none of them holds up the daemon.

use tokio::{task, time};

use super::{StoreError, TIMEOUT};
use crate::sync;

/// Runs `operation` of the store of this name on a thread for blocking work, and waits at most
/// [`TIMEOUT`] for it. What has started then is not undone.
///
/// # Errors
///
/// That of `operation`, or [`StoreError::Unavailable`].
pub(super) async fn run<T: Send + 'static>(
    store: &str,
    operation: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match time::timeout(TIMEOUT, task::spawn_blocking(operation)).await {
        Ok(Ok(result)) => result,
        // It has panicked, in a test, or the daemon ends.
        Ok(Err(error)) => Err(StoreError::failed(
            store,
            sync::interruption(&error).to_owned(),
        )),
        Err(_) => Err(StoreError::timed_out(store)),
    }
}
