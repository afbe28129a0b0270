//! The daemon's front door: accepts connections, within limits, until it is told to end.

mod connection;
mod handler;
mod limits;
mod report;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, Semaphore, watch},
    task::JoinSet,
};

pub(crate) use self::{
    handler::{Daemon, DaemonOptions},
    limits::Limits,
};
use crate::{clock::Clock, listener::Listener};

/// Says that the daemon is to end, and when the door is closed. Clones are the same door.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown {
    requested: Arc<Notify>,
    closed: Arc<watch::Sender<bool>>,
}

impl Shutdown {
    /// An open door.
    #[must_use]
    pub(crate) fn new() -> Self {
        Self {
            requested: Arc::default(),
            closed: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Accept nothing more, let what is under way come to its end, then return from [`run`].
    pub(crate) fn start(&self) {
        self.requested.notify_one();
    }

    /// Waits until nothing more is accepted.
    pub(crate) async fn listener_closed(&self) {
        // It can't fail: `self` keeps the sender.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

/// Serves until the door is closed, or until nobody has asked for anything for `exit_when_idle`. The socket is gone when
/// this returns.
pub(crate) async fn run(
    mut listener: Listener,
    daemon: Arc<Daemon>,
    shutdown: Shutdown,
    clock: Arc<dyn Clock>,
    limits: Limits,
) {
    let paths = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        // Whoever finds no place waits in the system's queue, not in our memory.
        let place = tokio::select! {
            place = Arc::clone(&paths).acquire_owned() => place.ok(),
            () = shutdown.requested.notified() => break,
        };
        let Some(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.requested.notified() => break,
            () = idle(&daemon, &*clock), if connections.is_empty() => {
                tracing::info!("nobody has asked for anything for a while: ending");
                break;
            }
            // Only to be rid of what has ended: the loop starts again.
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, peer)) => {
                let daemon = Arc::clone(&daemon);
                connections.spawn(async move {
                    connection::serve(stream, peer, &daemon, limits).await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of descriptors, mostly: what is under way will free some.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(limits.accept_pause).await;
            }
        }
    }
    drop(listener);
    shutdown.closed.send_replace(true);
    let rest = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.farewell, rest).await.is_err() {
        tracing::warn!("connections were cut off at the end");
    }
}

/// Returns when nobody has asked for anything for as long as the configuration says; never where it says nothing.
async fn idle(daemon: &Daemon, clock: &dyn Clock) {
    match daemon.idle_at() {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// How much earlier than its deadline a caller is answered, so that the answer arrives in time.
pub(crate) const ANSWER_MARGIN: Duration = Duration::from_millis(300);

/// How long a caller's deadline may be at most: the client itself gives a helper ten minutes.
pub(crate) const LONGEST_DEADLINE: Duration = Duration::from_secs(600);
