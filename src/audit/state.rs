//! What is known of the writer from outside.

use std::{
    mem,
    sync::{Mutex, MutexGuard},
};

use crate::sync;

/// The counts of the writer, and why it fails: all of one moment.
#[derive(Debug, Default)]
pub(super) struct State(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    written: u64,
    lost: u64,
    /// Lost, and not yet said in the log.
    unsaid: u64,
    error: Option<String>,
    copy_error: Option<String>,
}

/// How the log does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuditStatus {
    /// The records that were written since the daemon's start.
    pub(crate) written: u64,
    /// The records that are in no file.
    pub(crate) lost: u64,
    /// Why records are lost, or copies are not sent; `None` if all is well.
    pub(crate) error: Option<String>,
}

impl State {
    /// A record was written. Returns whether it is the first one after a failure.
    pub(super) fn on_written(&self) -> bool {
        let mut counts = self.counts();
        counts.written += 1;
        counts.error.take().is_some()
    }

    /// A record was lost because of `error`. Returns whether that is news.
    pub(super) fn on_lost(&self, error: &str) -> bool {
        let mut counts = self.counts();
        counts.lost += 1;
        counts.unsaid += 1;
        replace(&mut counts.error, Some(error))
    }

    /// Nothing was lost yet. Returns whether that is news.
    pub(super) fn set_error(&self, error: &str) -> bool {
        replace(&mut self.counts().error, Some(error))
    }

    /// A copy was sent, or not because of `error`. Returns whether a failure is news.
    pub(super) fn on_copied(&self, error: Option<&str>) -> bool {
        replace(&mut self.counts().copy_error, error)
    }

    /// How many records were lost since this was last called.
    pub(super) fn take_unsaid(&self) -> u64 {
        mem::take(&mut self.counts().unsaid)
    }

    /// These are not said after all.
    pub(super) fn put_back(&self, unsaid: u64) {
        self.counts().unsaid += unsaid;
    }

    pub(super) fn status(&self) -> AuditStatus {
        let counts = self.counts();
        let error = counts.error.as_ref().or(counts.copy_error.as_ref());
        AuditStatus {
            written: counts.written,
            lost: counts.lost,
            error: error.cloned(),
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        sync::lock(&self.0)
    }
}

/// Returns whether there is an error, and it is not the one before.
fn replace(error: &mut Option<String>, new: Option<&str>) -> bool {
    if error.as_deref() == new {
        return false;
    }
    *error = new.map(str::to_owned);
    new.is_some()
}
