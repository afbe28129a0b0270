//! When a managed configuration that has disappeared counts as removed.

use std::time::Duration;

use crate::clock::Tick;

/// How long a managed configuration is missing before the user's own may be read. Device management
/// replaces a file by removing and writing it, which takes seconds at most; an administrator who
/// removes it for good can wait as long as this.
const GRACE: Duration = Duration::from_secs(60);

/// What is known of the managed configuration's file. The file exists or does not when it is read;
/// what it contains does not matter here.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Absence {
    /// Whether the file existed when it was last seen, or is not yet missing for long enough.
    was_present: bool,
    /// When the file was first missing.
    since: Option<Tick>,
}

impl Absence {
    /// Takes note of whether the file exists. Returns whether the configuration counts as removed:
    /// never if the file exists; at once if it has not existed since the daemon started.
    pub(super) fn counts(&mut self, exists: bool, now: Tick) -> bool {
        if exists {
            *self = Self {
                was_present: true,
                since: None,
            };
            return false;
        }
        if !self.was_present {
            return true;
        }
        let since = *self.since.get_or_insert(now);
        if now.since(since) >= GRACE {
            *self = Self::default();
        }
        !self.was_present
    }

    /// Whether an absence that did not count counts now.
    pub(super) fn is_due(&self, now: Tick) -> bool {
        self.since.is_some_and(|since| now.since(since) >= GRACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Tick {
        Tick(Duration::from_secs(seconds))
    }

    #[test]
    fn a_file_that_never_existed_is_absent_at_once() {
        let mut absence = Absence::default();
        assert!(absence.counts(false, at(0)));
        assert!(absence.counts(false, at(100)));
        assert!(!absence.is_due(at(200)));
    }

    #[test]
    fn an_absence_counts_after_a_minute() {
        let mut absence = Absence::default();
        assert!(!absence.counts(true, at(0)));
        assert!(!absence.counts(false, at(1000)), "from when it is noticed");
        assert!(!absence.counts(false, at(1059)));
        assert!(!absence.is_due(at(1059)));
        assert!(absence.is_due(at(1060)));
        assert!(absence.counts(false, at(1060)));
        assert!(absence.counts(false, at(1061)));
        assert!(!absence.is_due(at(5000)));
    }

    #[test]
    fn a_file_that_comes_back_starts_anew() {
        let mut absence = Absence::default();
        absence.counts(true, at(0));
        absence.counts(false, at(10));
        assert!(!absence.counts(true, at(69)));
        assert!(!absence.is_due(at(100)));
        assert!(!absence.counts(false, at(100)));
        assert!(!absence.counts(false, at(159)));
        assert!(absence.counts(false, at(160)));
    }
}
