//! When a daemon has become useless: its socket is no longer its own, or another program has taken
//! the place of its own.
//!
//! Pure: the time and what was found are arguments.

use std::time::Duration;

use crate::clock::Tick;

/// The time between two looks of an idle daemon. Another look follows if the program has changed,
/// so that the daemon ends within a minute of the change.
const LOOK_INTERVAL: Duration = Duration::from_secs(55);

/// How long the change of a program must stand: an installer may remove the old file before it has
/// written the new one, and the daemon goes on meanwhile.
const SETTLE_TIME: Duration = Duration::from_secs(2);

/// Why a daemon ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndReason {
    /// No client reaches its socket any more.
    SocketLost,
    /// The file that it was started from has been replaced or removed.
    ProgramReplaced,
}

/// Decides when to look and what follows. `F` identifies a file.
#[derive(Debug)]
pub(super) struct Watchdog<F> {
    /// The program; `None` if it is not known.
    program: Option<F>,
    /// What has the program's path instead, and since when that was found.
    change: Option<(Option<F>, Tick)>,
    next_look: Tick,
}

impl<F: PartialEq> Watchdog<F> {
    /// A watchdog for a daemon that was started from `program`.
    pub(super) fn new(now: Tick, program: Option<F>) -> Self {
        Self {
            program,
            change: None,
            next_look: now + LOOK_INTERVAL,
        }
    }

    /// The latest moment of the next look.
    pub(super) fn next_look(&self) -> Tick {
        self.next_look
    }

    /// Takes note of what was found: whether clients reach the socket, and the file that has the
    /// program's path.
    pub(super) fn on_look(
        &mut self,
        now: Tick,
        is_reachable: bool,
        found: Option<F>,
    ) -> Option<EndReason> {
        self.next_look = now + LOOK_INTERVAL;
        if !is_reachable {
            return Some(EndReason::SocketLost);
        }
        if self.program.is_none() || self.program == found {
            self.change = None;
            return None;
        }
        let since = match &self.change {
            Some((before, since)) if *before == found => *since,
            _ => now,
        };
        self.change = Some((found, since));
        self.next_look = since + SETTLE_TIME;
        (now >= self.next_look).then_some(EndReason::ProgramReplaced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Tick = Tick(Duration::from_secs(100));

    fn watchdog() -> Watchdog<u8> {
        Watchdog::new(START, Some(1))
    }

    #[test]
    fn a_daemon_looks_once_in_a_while_if_nothing_changes() {
        let mut watchdog = watchdog();
        let mut now = watchdog.next_look();
        assert_eq!(now, START + LOOK_INTERVAL);
        for _ in 0..3 {
            assert_eq!(watchdog.on_look(now, true, Some(1)), None);
            assert_eq!(watchdog.next_look(), now + LOOK_INTERVAL);
            now = watchdog.next_look();
        }
    }

    #[test]
    fn a_lost_socket_ends_the_daemon_at_once() {
        let reason = watchdog().on_look(START, false, Some(1));
        assert_eq!(reason, Some(EndReason::SocketLost));
    }

    #[test]
    fn a_replaced_or_removed_program_ends_it_within_a_minute() {
        for found in [Some(2), None] {
            let mut watchdog = watchdog();
            let first = watchdog.next_look();
            assert_eq!(watchdog.on_look(first, true, found), None);
            let second = watchdog.next_look();
            let reason = watchdog.on_look(second, true, found);
            assert_eq!(reason, Some(EndReason::ProgramReplaced));
            assert!(second.since(START) <= Duration::from_secs(60));
        }
    }

    #[test]
    fn looks_in_between_do_not_postpone_the_end() {
        let mut watchdog = watchdog();
        let half = SETTLE_TIME / 2;
        assert_eq!(watchdog.on_look(START, true, Some(2)), None);
        assert_eq!(watchdog.on_look(START + half, true, Some(2)), None);
        let reason = watchdog.on_look(START + SETTLE_TIME, true, Some(2));
        assert_eq!(reason, Some(EndReason::ProgramReplaced));
    }

    #[test]
    fn an_installation_is_waited_for() {
        let mut watchdog = watchdog();
        // Removed, half written, written.
        assert_eq!(watchdog.on_look(START, true, None), None);
        let late = START + SETTLE_TIME;
        assert_eq!(watchdog.on_look(late, true, Some(2)), None);
        assert_eq!(watchdog.next_look(), late + SETTLE_TIME);
        // The old version is installed again.
        let later = late + SETTLE_TIME;
        assert_eq!(watchdog.on_look(later, true, Some(1)), None);
        assert_eq!(watchdog.next_look(), later + LOOK_INTERVAL);
    }

    #[test]
    fn a_program_that_is_not_known_has_not_changed() {
        let mut watchdog = Watchdog::<u8>::new(START, None);
        for now in [START, START + LOOK_INTERVAL] {
            assert_eq!(watchdog.on_look(now, true, None), None);
        }
    }
}
