//! The demo's error.

use std::io;

/// Why the demo ended early. Everything that it made is removed.
#[derive(Debug)]
pub(crate) enum DemoError {
    /// A signal; with the exit code for it.
    Interrupted(u8),
    /// Its output cannot be written.
    Output(io::Error),
    /// A step failed.
    Step {
        /// The end of a sentence, without its full stop.
        problem: String,
        /// What to do now, which follows from the cause; may be empty.
        hint: String,
    },
}

impl DemoError {
    /// The machine does not allow a step.
    pub(super) fn machine(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Step {
            problem: problem.into(),
            hint: hint.into(),
        }
    }

    /// Claviger itself is wrong.
    pub(super) fn bug(problem: impl Into<String>) -> Self {
        let hint = "report this with the lines above; everything that was made is removed";
        Self::machine(problem, hint)
    }
}

/// An error of stdout.
impl From<io::Error> for DemoError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
