//! The daemon's server: accepts connections, within limits, until it is asked to end.

mod commands;
mod connection;
mod daemon;
mod handler;
mod limits;
mod report;
mod request_log;
mod shutdown;
mod variables;

use std::sync::Arc;

use tokio::{sync::Semaphore, task::JoinSet};

pub(crate) use self::{
    daemon::{Daemon, DaemonOptions},
    limits::Limits,
    shutdown::Shutdown,
};
use crate::listener::Listener;

/// Serves until the daemon's shutdown starts, or until the daemon has been idle for
/// `exit_when_idle`. The socket is removed before this returns.
pub(crate) async fn run(mut listener: Listener, daemon: Arc<Daemon>, limits: Limits) {
    let shutdown = &daemon.shutdown;
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        // Without a free place a connection waits in the system's queue, not in this process's
        // memory.
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place.ok(),
            () = shutdown.requested() => break,
        };
        let Some(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.requested() => break,
            () = idle(&daemon), if connections.is_empty() => {
                tracing::info!("idle: ending");
                break;
            }
            // Removes a connection that has ended; the loop starts again.
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
                // Mostly for lack of descriptors: connections that end release some.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(limits.accept_pause).await;
            }
        }
    }
    drop(listener);
    shutdown.close();
    let rest = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.farewell, rest).await.is_err() {
        tracing::warn!("closed connections that did not end in time");
    }
}

/// Returns when the daemon has been idle for `exit_when_idle`; never if that is not configured.
async fn idle(daemon: &Daemon) {
    match daemon.idle_at() {
        Some(at) => daemon.clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}
