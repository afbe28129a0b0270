//! One thing at a time, numbered: whoever waits for it knows when it is over, and a result that comes after everything
//! was forgotten is known for what it is.

/// One kind of errand.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    current: Option<u64>,
    ended: u64,
}

impl InFlight {
    pub(super) fn current(&self) -> Option<u64> {
        self.current
    }

    /// The number of the one that starts now. None is under way.
    pub(super) fn start(&mut self) -> u64 {
        let number = self.next();
        self.current = Some(number);
        number
    }

    /// The number of the one that will start after what is under way.
    pub(super) fn next(&self) -> u64 {
        self.current.unwrap_or(self.ended) + 1
    }

    /// Whether `number` is the one that was under way; it is no longer.
    pub(super) fn end(&mut self, number: u64) -> bool {
        let is_it = self.current == Some(number);
        if is_it {
            self.current = None;
            self.ended = number;
        }
        is_it
    }

    /// What is under way counts as over: its result is not wanted any more.
    pub(super) fn forget(&mut self) {
        self.ended = self.current.take().unwrap_or(self.ended);
    }

    pub(super) fn is_finished(&self, number: u64) -> bool {
        number <= self.ended
    }
}
