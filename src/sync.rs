//! Locks and tasks that a panic has left behind.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::JoinError;

/// Locks `mutex`, poisoned or not.
///
/// A panic ends the process in a release build; in a test a second panic would hide the first.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a task has no result. The error's own text repeats the message of a panic, which may contain
/// a secret.
pub(crate) fn interruption(error: &JoinError) -> &'static str {
    match error.is_panic() {
        true => "internal error: see the log",
        false => "the daemon is ending",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_message_of_a_panic_is_not_repeated() {
        let task = tokio::spawn(async { panic!("sk-canary") });
        let error = task.await.unwrap_err();
        assert!(error.to_string().contains("sk-canary"));
        assert_eq!(interruption(&error), "internal error: see the log");
        let task = tokio::spawn(std::future::pending::<()>());
        task.abort();
        assert_eq!(
            interruption(&task.await.unwrap_err()),
            "the daemon is ending"
        );
    }
}
