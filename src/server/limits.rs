//! The server's limits: every number with its reason.

use std::time::Duration;

/// How long before the caller's deadline the daemon answers, so that the answer arrives in time.
pub(super) const ANSWER_MARGIN: Duration = Duration::from_millis(300);

/// The longest deadline that a caller can set. Claude Code gives a helper ten minutes, but shows a
/// notice after ten seconds, and a fetch goes on without its callers: one that asks again finds its
/// result. The command line waits this long for a refresh.
pub(super) const LONGEST_DEADLINE: Duration = Duration::from_secs(60);

/// How long `status` waits for the logins of all profiles: the system's secret store may wait for
/// its own user to unlock it.
pub(super) const LOGIN_LOOKUP_TIMEOUT: Duration = Duration::from_secs(1);

/// The most connections at once, if the system allows as many: two hundred shims that start
/// together, as many that wait for each of two sources that are down, and their commands.
const MOST_CONNECTIONS: usize = 1000;

/// The fewest connections, however low the system's limit is: beyond it accept(2) fails, and
/// connections give way.
const FEWEST_CONNECTIONS: usize = 8;

/// The most connections of one process: a shim has one, a program that relays those of a container
/// has one for each shim there.
const MOST_OF_ONE_PROCESS: usize = 64;

/// The descriptors that are not for connections: the log, the system's event queue and signals, and
/// what sources need (connections to servers, pipes to programs, files), for several at once.
const RESERVED_DESCRIPTORS: u64 = 64;

/// The limits on connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most connections at once. For a further one another gives way.
    pub(super) connections: usize,
    /// The most connections at once of one process.
    pub(super) per_process: usize,
    /// From accepting to the last byte of the request: a shim has it ready before it connects.
    pub(super) request: Duration,
    /// From the first byte of the answer to the last: a shim does nothing else meanwhile.
    pub(super) response: Duration,
    /// The pause after a failed accept(2): long enough for a descriptor to become free, too short
    /// to be noticed.
    pub(super) accept_pause: Duration,
    /// The same if a connection gives way: it closes its descriptor at once, and a shim may wait
    /// behind many others.
    pub(super) give_way_pause: Duration,
    /// How long connections under way may take when the daemon ends. systemd and launchd wait
    /// longer.
    pub(super) farewell: Duration,
}

impl Limits {
    /// The limits of a process that may have `descriptors` open; `None` is without limit.
    #[must_use]
    pub(crate) fn new(descriptors: Option<u64>) -> Self {
        let available = descriptors.map_or(MOST_CONNECTIONS, |all| {
            let left = all - RESERVED_DESCRIPTORS.min(all / 2);
            usize::try_from(left).unwrap_or(MOST_CONNECTIONS)
        });
        let connections = available.clamp(FEWEST_CONNECTIONS, MOST_CONNECTIONS);
        Self {
            connections,
            // Others have places, however few there are.
            per_process: MOST_OF_ONE_PROCESS.min(connections / 4),
            request: Duration::from_secs(2),
            response: Duration::from_secs(2),
            accept_pause: Duration::from_millis(100),
            give_way_pause: Duration::from_millis(1),
            farewell: Duration::from_secs(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connections_leave_descriptors_to_the_sources() {
        let connections = |descriptors| Limits::new(descriptors).connections;
        assert_eq!(connections(None), 1000);
        assert_eq!(connections(Some(u64::MAX)), 1000);
        assert_eq!(connections(Some(1024)), 960);
        assert_eq!(connections(Some(256)), 192);
        assert_eq!(connections(Some(64)), 32);
        assert_eq!(connections(Some(16)), 8);
        assert_eq!(connections(Some(0)), 8);
        for descriptors in [0, 16, 64, 256, 1024, 20_000] {
            let limits = Limits::new(Some(descriptors));
            assert!((2..=limits.connections / 2).contains(&limits.per_process));
        }
    }
}
