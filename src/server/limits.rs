//! The server's limits: every number with its reason.

use std::time::Duration;

/// How long before the caller's deadline the daemon answers, so that the answer arrives in time.
pub(super) const ANSWER_MARGIN: Duration = Duration::from_millis(300);

/// The longest deadline that a caller can set: Claude Code gives a helper ten minutes.
pub(super) const LONGEST_DEADLINE: Duration = Duration::from_secs(600);

/// The limits on connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most connections at once: two hundred shims that start together, and as many again.
    /// Further ones wait in the system's queue.
    pub(super) connections: usize,
    /// From accepting to the last byte of the request: a shim has it ready before it connects.
    pub(super) request: Duration,
    /// From the first byte of the answer to the last: a shim does nothing else meanwhile.
    pub(super) response: Duration,
    /// The pause after a failed accept(2): long enough for a descriptor to become free, too short
    /// to be noticed.
    pub(super) accept_pause: Duration,
    /// How long connections under way may take when the daemon ends. systemd and launchd wait
    /// longer.
    pub(super) farewell: Duration,
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
