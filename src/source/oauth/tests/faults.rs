//! Faults of a fake: an operation fails or waits, before or after it had its effect.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Semaphore;

use crate::sync;

/// Before or after the operation has its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Before,
    After,
}

/// What an operation does instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Fails(Moment),
    /// It waits until [`Faults::release`].
    Waits(Moment),
}

/// The faults of the next operations, in order.
pub(super) struct Faults {
    next: Mutex<VecDeque<Fault>>,
    waiting: AtomicUsize,
    released: Semaphore,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            next: Mutex::default(),
            waiting: AtomicUsize::default(),
            released: Semaphore::new(0),
        }
    }
}

impl Faults {
    pub(super) fn add(&self, fault: Fault) {
        sync::lock(&self.next).push_back(fault);
    }

    pub(super) fn add_many(&self, fault: Fault, count: usize) {
        (0..count).for_each(|_| self.add(fault));
    }

    pub(super) fn clear(&self) {
        sync::lock(&self.next).clear();
    }

    /// Lets all operations go on that wait.
    pub(super) fn release(&self) {
        self.released
            .add_permits(self.waiting.swap(0, Ordering::SeqCst));
    }

    /// Whether an operation waits.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// Called by an operation at both moments, in this order. Returns whether it fails now.
    pub(super) async fn fails(&self, moment: Moment) -> bool {
        let fault = {
            let mut next = sync::lock(&self.next);
            let is_due = match next.front() {
                None => false,
                Some(Fault::Fails(at) | Fault::Waits(at)) => *at == moment,
            };
            if is_due { next.pop_front() } else { None }
        };
        if let Some(Fault::Waits(_)) = fault {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            self.released.acquire().await.unwrap().forget();
        }
        matches!(fault, Some(Fault::Fails(_)))
    }
}
