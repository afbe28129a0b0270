//! How often a doubt that nobody can settle may cost a fetch.

use std::time::Duration;

use crate::clock::Tick;

/// The first time that a doubt found the key unchanged, the next has to wait this long; then twice as long, and so on.
const FIRST: Duration = Duration::from_secs(10);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(300);

/// Doubts in a row that found the key unchanged.
#[derive(Debug, Default)]
pub(super) struct RefetchLimiter {
    unchanged: u32,
    again_at: Option<Tick>,
}

impl RefetchLimiter {
    /// Whether the source may be asked because of a doubt. It counts as having been asked then.
    pub(super) fn allow(&mut self, now: Tick) -> bool {
        if self.again_at.is_some_and(|at| now < at) {
            return false;
        }
        let wait = FIRST
            .saturating_mul(1 << self.unchanged.min(8))
            .min(LONGEST);
        self.unchanged = self.unchanged.saturating_add(1);
        self.again_at = Some(now + wait);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_doubt_costs_a_dozen_fetches_and_some() {
        let mut limiter = RefetchLimiter::default();
        let asked = (0..3600)
            .filter(|second| limiter.allow(Tick(Duration::from_secs(*second))))
            .count();
        assert!((12..=17).contains(&asked), "{asked}");
    }
}
