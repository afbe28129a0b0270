//! Gives connections their place, and tells them when they must give it back.

use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::{
    limits::Limits,
    places::{Phase, Places},
};
use crate::{clock::Clock, sync};

/// The places for all connections. Clones share them.
#[derive(Clone)]
pub(super) struct Admission {
    places: Arc<Mutex<Places<Arc<Notify>>>>,
    clock: Arc<dyn Clock>,
}

/// The place of one connection, which is given back when this is dropped.
pub(super) struct Place {
    id: u64,
    displaced: Arc<Notify>,
    admission: Admission,
}

impl Admission {
    /// As many places as `limits` allows.
    pub(super) fn new(limits: &Limits, clock: Arc<dyn Clock>) -> Self {
        let places = Places::new(limits.connections, limits.per_process);
        Self {
            places: Arc::new(Mutex::new(places)),
            clock,
        }
    }

    /// Gives a connection of `process` a place; others may have to give way for it.
    pub(super) fn admit(&self, process: Option<u32>) -> Place {
        let displaced = Arc::new(Notify::new());
        let now = self.clock.now().tick;
        let (id, others) = sync::lock(&self.places).admit(now, process, Arc::clone(&displaced));
        for other in others {
            other.notify_one();
        }
        Place {
            id,
            displaced,
            admission: self.clone(),
        }
    }

    /// Makes one connection without a request give way; returns false if there is none.
    pub(super) fn give_way(&self) -> bool {
        let displaced = sync::lock(&self.places).give_way();
        displaced
            .inspect(|displaced| displaced.notify_one())
            .is_some()
    }
}

impl Place {
    /// Records what the connection is doing from now on.
    pub(super) fn enter(&self, phase: Phase) {
        let now = self.admission.clock.now().tick;
        sync::lock(&self.admission.places).enter(now, self.id, phase);
    }

    /// Returns when the connection must give its place to another one.
    pub(super) async fn displaced(&self) {
        self.displaced.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        sync::lock(&self.admission.places).release(self.id);
    }
}
