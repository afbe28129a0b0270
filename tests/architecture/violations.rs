//! What a test has found, and how it fails.

/// The places that violate an invariant.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Violations(Vec<String>);

impl Violations {
    /// Adds one, at a line of a file.
    pub(crate) fn at(&mut self, file: &str, line: usize, problem: impl AsRef<str>) {
        self.add(format!("{file}:{line}: {}", problem.as_ref()));
    }

    /// Adds one that has no single place.
    pub(crate) fn add(&mut self, problem: impl Into<String>) {
        self.0.push(problem.into());
    }

    /// Passes if there are none.
    ///
    /// # Panics
    ///
    /// With `remedy` and every violation, if there are any.
    #[track_caller]
    pub(crate) fn assert_none(self, remedy: &str) {
        let count = self.0.len();
        assert!(
            count == 0,
            "{remedy}\n\n{}\n\n{count} violations",
            self.0.join("\n")
        );
    }
}
