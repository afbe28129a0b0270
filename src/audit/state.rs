//! What is known of the writer from outside.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::sync;

/// The counts of the writer, and why it fails.
#[derive(Debug, Default)]
pub(super) struct State {
    written: AtomicU64,
    lost: AtomicU64,
    /// Lost, and not yet said in the log.
    unsaid: AtomicU64,
    error: Mutex<Option<String>>,
    copy_error: Mutex<Option<String>>,
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
        self.written.fetch_add(1, Relaxed);
        sync::lock(&self.error).take().is_some()
    }

    /// A record was lost because of `error`. Returns whether that is news.
    pub(super) fn on_lost(&self, error: &str) -> bool {
        self.lost.fetch_add(1, Relaxed);
        self.unsaid.fetch_add(1, Relaxed);
        self.set_error(error)
    }

    /// Nothing was lost yet. Returns whether that is news.
    pub(super) fn set_error(&self, error: &str) -> bool {
        replace(&self.error, Some(error))
    }

    /// A copy was sent, or not because of `error`. Returns whether a failure is news.
    pub(super) fn on_copied(&self, error: Option<&str>) -> bool {
        replace(&self.copy_error, error)
    }

    /// How many records were lost since this was last called.
    pub(super) fn take_unsaid(&self) -> u64 {
        self.unsaid.swap(0, Relaxed)
    }

    /// These are not said after all.
    pub(super) fn put_back(&self, unsaid: u64) {
        self.unsaid.fetch_add(unsaid, Relaxed);
    }

    pub(super) fn status(&self) -> AuditStatus {
        let error = sync::lock(&self.error).clone();
        AuditStatus {
            written: self.written.load(Relaxed),
            lost: self.lost.load(Relaxed),
            error: error.or_else(|| sync::lock(&self.copy_error).clone()),
        }
    }
}

/// Returns whether there is an error, and it is not the one before.
fn replace(error: &Mutex<Option<String>>, new: Option<&str>) -> bool {
    let mut error = sync::lock(error);
    let is_news = new.is_some() && error.as_deref() != new;
    if error.as_deref() != new {
        *error = new.map(str::to_owned);
    }
    is_news
}
