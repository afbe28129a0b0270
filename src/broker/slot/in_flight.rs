//! At most one operation of a kind at a time, identified by a number.
//!
//! Pure. A caller that waits for a number learns when that operation has finished, and a result
//! that arrives after its operation was abandoned is recognized and ignored.

/// The operation of one kind that is under way, if any: a fetch, a probe or a revalidation.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    current: Option<u64>,
    last_finished: u64,
}

impl InFlight {
    /// The number of the operation under way.
    pub(super) fn current(&self) -> Option<u64> {
        self.current
    }

    /// Starts an operation and returns its number. The previous one must have finished.
    pub(super) fn start(&mut self) -> u64 {
        let number = self.next();
        self.current = Some(number);
        number
    }

    /// The number of the first operation that has not started yet.
    pub(super) fn next(&self) -> u64 {
        self.current.unwrap_or(self.last_finished) + 1
    }

    /// Finishes operation `number`. Returns `false` if it is not the one under way: its result must
    /// be ignored.
    pub(super) fn finish(&mut self, number: u64) -> bool {
        let is_current = self.current == Some(number);
        if is_current {
            self.current = None;
            self.last_finished = number;
        }
        is_current
    }

    /// Makes the operation under way count as finished; its result will be ignored.
    pub(super) fn abandon(&mut self) {
        self.last_finished = self.current.take().unwrap_or(self.last_finished);
    }

    /// Whether operation `number` has finished or was abandoned.
    pub(super) fn is_finished(&self, number: u64) -> bool {
        number <= self.last_finished
    }
}
