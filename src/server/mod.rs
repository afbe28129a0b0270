//! The daemon's server: accepts connections, within limits, until it is asked to end or has become
//! useless.

mod access;
mod admission;
mod central;
mod commands;
mod connection;
mod daemon;
mod handler;
mod idle;
mod limits;
mod locking;
mod login;
mod places;
mod prompts;
mod report;
mod request_log;
mod shutdown;
mod variables;
mod watchdog;

use std::{io, sync::Arc};

use tokio::task::JoinSet;

use self::{
    admission::Admission,
    watchdog::{EndReason, Watchdog},
};
pub(crate) use self::{
    daemon::{Daemon, DaemonOptions},
    limits::Limits,
    shutdown::Shutdown,
};
use crate::{
    clock::Tick,
    listener::{Listener, Peer, Stream},
    process::{Executable, FileStamp},
};

/// Serves until the daemon's shutdown starts, until the daemon has been idle for too long, or until
/// it has become useless: see [`EndReason`]. The socket is removed before this returns.
pub(crate) async fn run(listener: Listener, daemon: Arc<Daemon>, limits: Limits) {
    let mut server = Server::new(listener, &daemon, limits);
    let mut background = JoinSet::new();
    background.spawn({
        let daemon = Arc::clone(&daemon);
        async move { daemon.watch_policy().await }
    });
    loop {
        let wake_at = server.wake_at();
        tokio::select! {
            accepted = server.listener.accept() => server.on_accepted(accepted).await,
            () = daemon.shutdown.requested() => break,
            () = daemon.look_requested() => {}
            // Removes a connection that has ended.
            Some(_) = server.connections.join_next() => continue,
            () = daemon.clock.sleep_until(wake_at) => {}
        }
        daemon.drop_unused_keys();
        if server.should_end() {
            break;
        }
    }
    background.shutdown().await;
    server.end().await;
}

struct Server {
    listener: Listener,
    daemon: Arc<Daemon>,
    limits: Limits,
    admission: Admission,
    connections: JoinSet<()>,
    watchdog: Watchdog<FileStamp>,
    /// Whether the last accept(2) failed.
    is_failing: bool,
}

impl Server {
    fn new(listener: Listener, daemon: &Arc<Daemon>, limits: Limits) -> Self {
        let program = daemon.executable.as_ref().map(Executable::stamp);
        Self {
            listener,
            daemon: Arc::clone(daemon),
            limits,
            admission: Admission::new(&limits, Arc::clone(&daemon.clock)),
            connections: JoinSet::new(),
            watchdog: Watchdog::new(daemon.clock.now().tick, program),
            is_failing: false,
        }
    }

    /// The next moment at which an idle daemon wakes.
    fn wake_at(&self) -> Tick {
        let look = self.watchdog.next_look();
        let others = [self.idle_at(), self.daemon.unused_at()];
        others.into_iter().flatten().fold(look, Tick::min)
    }

    /// The moment at which the daemon has been idle for too long.
    fn idle_at(&self) -> Option<Tick> {
        let is_idle = self.connections.is_empty();
        self.daemon.idle_at().filter(|_| is_idle)
    }

    async fn on_accepted(&mut self, accepted: io::Result<(Stream, Peer)>) {
        match accepted {
            Ok((stream, peer)) => {
                self.is_failing = false;
                let place = self.admission.admit(peer.pid);
                let (daemon, limits) = (Arc::clone(&self.daemon), self.limits);
                self.connections.spawn(async move {
                    connection::serve(stream, peer, &daemon, limits, place).await;
                });
                // Connections that give way close their descriptor before the next one is accepted.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                if !self.is_failing {
                    // Mostly for lack of descriptors: connections that end release some.
                    tracing::warn!(event = "accept-failed", %error, "cannot accept a connection");
                }
                self.is_failing = true;
                let pause = match self.admission.give_way() {
                    true => self.limits.give_way_pause,
                    false => self.limits.accept_pause,
                };
                tokio::time::sleep(pause).await;
            }
        }
    }

    /// Looks at what the daemon depends on.
    fn should_end(&mut self) -> bool {
        let now = self.daemon.clock.now().tick;
        if self.idle_at().is_some_and(|at| at <= now) {
            tracing::info!(event = "daemon-idle", "idle: ending");
            return true;
        }
        let found = self.daemon.executable.as_ref().and_then(Executable::look);
        match self
            .watchdog
            .on_look(now, self.listener.is_reachable(), found)
        {
            None => false,
            Some(EndReason::SocketLost) => {
                tracing::warn!(
                    event = "socket-lost",
                    "the socket was removed or replaced: ending"
                );
                true
            }
            Some(EndReason::ProgramReplaced) => {
                tracing::info!(
                    event = "program-replaced",
                    "the program was replaced or removed: ending"
                );
                true
            }
        }
    }

    /// Closes the socket, and lets the connections under way finish.
    async fn end(self) {
        let Self {
            listener,
            daemon,
            limits,
            mut connections,
            ..
        } = self;
        drop(listener);
        daemon.shutdown.close();
        let rest = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(limits.farewell, rest).await.is_err() {
            tracing::warn!(
                event = "connections-closed",
                "closed connections that did not end in time"
            );
        }
    }
}

#[cfg(test)]
mod tests;
