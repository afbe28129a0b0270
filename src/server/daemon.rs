//! The state of a running daemon.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use super::shutdown::Shutdown;
use crate::{
    broker::Jitter,
    clock::{Clock, Now, Tick},
    composition::Composition,
    config::Locations,
    sync,
};

/// What a daemon is made from.
pub(crate) struct DaemonOptions {
    /// The files that may contain its configuration.
    pub(crate) locations: Locations,
    /// The socket, or the pipe's name, that it listens on.
    pub(crate) socket: PathBuf,
    /// Whether that is the user's usual socket, and not one that variables name.
    #[expect(
        dead_code,
        reason = "the server will end an idle daemon on an unusual one"
    )]
    pub(crate) is_usual_socket: bool,
    /// Its time.
    pub(crate) clock: Arc<dyn Clock>,
    /// The random part of its delays.
    pub(crate) jitter: Jitter,
    /// Its log file; `None` if it logs to stderr.
    pub(crate) log: Option<PathBuf>,
    /// Why it does not log.
    pub(crate) log_error: Option<String>,
}

/// A running daemon: what is in force, and the facts that `status` reports about the process.
pub(crate) struct Daemon {
    pub(super) composition: Composition,
    pub(super) socket: PathBuf,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) started: Now,
    pub(super) log: Option<PathBuf>,
    pub(super) log_error: Option<String>,
    pub(super) shutdown: Shutdown,
    last_request: Mutex<Tick>,
}

impl Daemon {
    /// Reads the configuration. A daemon with a broken one starts too: it answers requests with the
    /// error and reads the file again when that changes.
    #[must_use]
    pub(crate) fn new(options: DaemonOptions, shutdown: Shutdown) -> Self {
        let DaemonOptions {
            locations,
            socket,
            is_usual_socket: _,
            clock,
            jitter,
            log,
            log_error,
        } = options;
        let started = clock.now();
        Self {
            composition: Composition::new(locations, Arc::clone(&clock), jitter),
            socket,
            clock,
            started,
            log,
            log_error,
            shutdown,
            last_request: Mutex::new(started.tick),
        }
    }

    /// Restarts the time after which an idle daemon ends.
    pub(super) fn on_request(&self) {
        *sync::lock(&self.last_request) = self.clock.now().tick;
    }

    /// The moment at which the daemon ends if no request comes; `None` if it stays.
    pub(super) fn idle_at(&self) -> Option<Tick> {
        let config = self.composition.in_force()?.config;
        let last_request = *sync::lock(&self.last_request);
        Some(last_request + config.daemon.exit_when_idle.get()?)
    }
}
