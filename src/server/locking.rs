//! The lock, and the time after which unused keys are dropped.
//!
//! Both drop keys and what obtains them from memory. A login that a store has is read from it
//! again; one that is in memory only ends. Nothing is revoked at a server: that is what a logout is
//! for, and a lock must not depend on the network.

use std::{sync::Arc, time::Duration};

use claviger_wire::{Failure, Response};

use super::{daemon::Daemon, report};
use crate::{
    clock::{Tick, whole_seconds},
    composition::InForce,
    lock::{LockReason, Locked},
    lock_report::LockReport,
};

/// The longest time that the answer to a lock waits for requests under way, whose results are
/// dropped when they arrive: most end within it.
const FORGET_TIMEOUT: Duration = Duration::from_secs(3);

impl Daemon {
    /// Gives no key from now on, and drops all keys and logins from memory.
    pub(super) async fn turn_lock_on(self: &Arc<Self>) -> Result<Vec<Response>, Failure> {
        let forget = async {
            let forgotten = tokio::spawn(Arc::clone(self).forget_everything());
            let until = self.clock.now().tick + FORGET_TIMEOUT;
            tokio::select! {
                // It fails only if the daemon ends.
                _ = forgotten => {}
                () = self.clock.sleep_until(until) => {}
            }
        };
        // In this order: the lock is on in memory before anything is dropped, and a slow disk
        // delays nothing.
        let (before, ()) = tokio::join!(self.lock.turn_on(self.clock.now().wall), forget);
        self.recorder.record("lock", "locked", |record| record);
        self.lock_report(before.is_none())
    }

    /// Gives keys again.
    pub(super) async fn turn_lock_off(&self) -> Result<Vec<Response>, Failure> {
        let before = self.lock.turn_off().await;
        self.recorder.record("lock", "unlocked", |record| record);
        self.lock_report(before.is_some())
    }

    fn lock_report(&self, changed: bool) -> Result<Vec<Response>, Failure> {
        let locked = self.lock.current();
        let report = LockReport {
            locked: locked.is_some(),
            since: locked.and_then(|locked| locked.since).map(whole_seconds),
            changed,
            unsaved: self.lock.unsaved(),
        };
        report::responses(&[report], None)
    }

    /// What is wrong with the file of the lock.
    pub(super) fn lock_error(&self, locked: Option<Locked>) -> Option<String> {
        match locked.map(|locked| locked.reason) {
            Some(LockReason::Unreadable(reason)) => Some(reason),
            Some(LockReason::Command) | None => self.lock.unsaved(),
        }
    }

    /// Drops all keys and logins from memory; those of a login under way when it has ended.
    async fn forget_everything(self: Arc<Self>) {
        let login = self.logins.under_way();
        self.forget().await;
        if let Some(mut end) = login {
            end.wait().await;
            if self.lock.current().is_some() {
                self.forget().await;
            }
        }
    }

    async fn forget(&self) {
        if let Some(in_force) = self.composition.in_force() {
            in_force.broker.drop_secrets().join_all().await;
        }
        self.sessions.forget().await;
        self.policy.forget().await;
    }

    /// Drops the keys that no client has asked for during `drop_keys_after`, and the logins if no
    /// key is left.
    pub(super) fn drop_unused_keys(self: &Arc<Self>) {
        let Some(limit) = self.drop_keys_after() else {
            return;
        };
        let Some(in_force) = self.composition.in_force() else {
            return;
        };
        if in_force.broker.drop_unused(self.clock.now().tick, limit) {
            let daemon = Arc::clone(self);
            tokio::spawn(async move { daemon.forget().await });
        }
    }

    /// Leaves the logins to their stores, from which a look for `status` has read them, if
    /// `drop_keys_after` is configured and no key is in use.
    pub(super) async fn release_unused_logins(&self, in_force: &InForce) {
        if self.drop_keys_after().is_some() && !in_force.broker.is_used() {
            self.sessions.release().await;
        }
    }

    /// When a key has not been asked for during `drop_keys_after`, if no request comes before.
    pub(super) fn unused_at(&self) -> Option<Tick> {
        let limit = self.drop_keys_after()?;
        self.composition.in_force()?.broker.unused_at(limit)
    }

    fn drop_keys_after(&self) -> Option<Duration> {
        let in_force = self.composition.in_force()?;
        in_force.config.daemon.drop_keys_after.get()
    }
}
