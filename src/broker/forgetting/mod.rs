//! Dropping keys and logins from memory: at once because of the lock, or those that no client has
//! requested for long.
//!
//! Nothing is revoked: a source issues a key again at the next request, if the lock is off then.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::{AcquireError, Broker, DropCause, entries::Entries, slot::Slot};
use crate::{clock::Tick, source::Source};

impl Broker {
    /// Does `work`, unless the lock is on or is turned on meanwhile.
    ///
    /// # Errors
    ///
    /// [`AcquireError::Locked`], and those of `work`.
    pub(super) async fn unless_locked<T>(
        &self,
        work: impl Future<Output = Result<T, AcquireError>>,
    ) -> Result<T, AcquireError> {
        tokio::select! {
            // The lock first: nothing is started while it is on, and what arrives at the same
            // moment is not given.
            biased;
            locked = self.lock.locked() => Err(AcquireError::Locked(locked)),
            result = work => result,
        }
    }

    /// Drops all credentials, also those under way, with the variables of clients that they are
    /// for, and the secrets of all sources. Returns the tasks that wait for requests under way.
    pub(crate) fn drop_secrets(&self) -> JoinSet<()> {
        let drivers = self.profiles.values().flat_map(|of| of.remove_all());
        let mut tasks = JoinSet::new();
        for driver in drivers {
            driver.report_dropped(DropCause::Locked);
            driver.update(Slot::forget);
            tasks.spawn(async move { driver.drop_secrets().await });
        }
        for source in self.sources() {
            tasks.spawn(async move { source.forget().await });
        }
        tasks
    }

    /// Drops the credentials that no client has requested for `limit`. Returns whether that were
    /// the last ones: the logins are then unused, too.
    pub(crate) fn drop_unused(&self, now: Tick, limit: Duration) -> bool {
        let mut has_dropped = false;
        for entries in self.profiles.values() {
            for driver in entries.remove_unused(now, limit) {
                driver.report_dropped(DropCause::Unused);
                driver.update(Slot::forget);
                driver.close_gateway();
                has_dropped = true;
                tracing::info!(
                    event = "key-dropped",
                    profile = driver.profile,
                    "dropped a key that no client has asked for"
                );
            }
        }
        has_dropped && !self.is_used()
    }

    /// When [`Self::drop_unused`] has something to drop; `None` if that depends on further
    /// requests.
    pub(crate) fn unused_at(&self, limit: Duration) -> Option<Tick> {
        let drivers = self.profiles.values().flat_map(|of| of.all());
        let unused = drivers.filter_map(|driver| driver.lock().unused_at(limit));
        unused.min()
    }

    /// Whether a client has requested a credential that was not dropped since.
    pub(crate) fn is_used(&self) -> bool {
        let mut drivers = self.profiles.values().flat_map(|of| of.all());
        drivers.any(|driver| driver.lock().is_used())
    }

    fn sources(&self) -> impl Iterator<Item = Arc<dyn Source>> {
        let profiles = self.profiles.values();
        profiles.flat_map(|entries: &Arc<Entries>| entries.sources())
    }
}

#[cfg(test)]
mod tests;
