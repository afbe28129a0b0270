//! What the daemon lets a connection take: every number with its reason.

use std::time::Duration;

/// What the daemon lets a connection take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once: two hundred shims of one start, and as many again. More wait in the system's queue.
    pub(crate) connections: usize,
    /// From accepting to the last byte of the request: a shim has it ready before it connects.
    pub(crate) request: Duration,
    /// From the answer being there to its last byte taken: a shim waits for nothing else.
    pub(crate) response: Duration,
    /// After a failed accept(2): long enough for a descriptor to be freed, short enough not to be noticed.
    pub(crate) accept_pause: Duration,
    /// What is under way when the daemon ends may take this much longer; systemd and launchd wait longer still.
    pub(crate) farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 400,
            request: Duration::from_secs(2),
            response: Duration::from_secs(2),
            accept_pause: Duration::from_millis(100),
            farewell: Duration::from_secs(2),
        }
    }
}
