//! The end of the daemon: requesting it, and waiting for the listener to close.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

/// A request that the server ends, and the news that it accepts no more connections. Clones are of
/// the same request.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown {
    requested: Arc<Notify>,
    closed: Arc<watch::Sender<bool>>,
}

impl Shutdown {
    /// No request yet.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self {
            requested: Arc::default(),
            closed: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Makes the server accept nothing more, finish the connections under way and return from
    /// [`run`](super::run).
    pub(crate) fn start(&self) {
        self.requested.notify_one();
    }

    /// Waits until [`Shutdown::start`] is called.
    pub(super) async fn requested(&self) {
        self.requested.notified().await;
    }

    /// Reports that no more connections are accepted.
    pub(super) fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Waits until no more connections are accepted.
    pub(crate) async fn listener_closed(&self) {
        // It cannot fail: `self` keeps the sender.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }
}
