//! What the demo says, each step with its time.

use std::{
    fmt,
    io::{self, Write as _},
};

use crate::clock::{Clock as _, SystemClock, Tick};

/// Tells each step as it is done.
pub(super) struct Progress {
    last: Tick,
}

impl Progress {
    pub(super) fn start() -> Self {
        Self {
            last: SystemClock.now().tick,
        }
    }

    /// This is done now; it took the time since the step before.
    pub(super) fn done(&mut self, what: fmt::Arguments<'_>) -> io::Result<()> {
        let now = SystemClock.now().tick;
        let took = now.since(self.last).as_secs_f64() * 1000.0;
        self.last = now;
        writeln!(io::stdout(), "{took:8.1} ms  {what}")
    }
}
