//! The demo's output.

use std::{
    fmt,
    io::{self, Write as _},
};

use crate::clock::{Clock as _, SystemClock, Tick};

/// Prints each step with the time that it took.
pub(super) struct Progress {
    last: Tick,
}

impl Progress {
    pub(super) fn start() -> Self {
        Self {
            last: SystemClock.now().tick,
        }
    }

    /// Starts the time of the next step.
    pub(super) fn restart(&mut self) {
        *self = Self::start();
    }

    /// Prints a step that has just ended, with the time since the step before.
    pub(super) fn done(&mut self, step: fmt::Arguments<'_>) -> io::Result<()> {
        let now = SystemClock.now().tick;
        let took = now.since(self.last).as_secs_f64() * 1000.0;
        self.last = now;
        writeln!(io::stdout(), "{took:8.1} ms  {step}")
    }
}
