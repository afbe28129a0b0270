//! Which policy counts, and when a newer one is looked for.
//!
//! Pure: `now` and the jitter are arguments. The mechanism reports each look and asks what is in
//! force.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    Acceptance, SignedPolicy,
    acceptance::{Refusal, accept},
    schedule::{LOOK_TIMEOUT, interval, worst_case},
};
use crate::clock::{Now, Tick, Timestamp};

/// How long after the last request for a key a newer policy is looked for: three times the cache
/// lifetime of Claude Code. An idle laptop sends nothing; its next request looks first.
const IN_USE: Duration = Duration::from_secs(900);

/// The longest time between two looks without a policy in force: a person may be waiting.
const MAX_INTERVAL_WITHOUT: Duration = Duration::from_secs(10);

/// The longest time that a request for a key waits for a look although a policy is in force: as
/// long as it waits for the source of a key that may be rejected.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The longest time that a request for a key waits without a policy in force: for the end of a look
/// that it starts, which has the reason for the failure.
const MAX_WAIT_WITHOUT: Duration = LOOK_TIMEOUT.saturating_add(Duration::from_millis(500));

/// How far in the future the time may be at which a policy was stored, by the wall clock: what
/// network time corrects. A later one counts as never.
const MAX_AHEAD: Duration = Duration::from_secs(300);

/// What a look has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// The policy that is published, whose signature is right.
    Published(SignedPolicy),
    /// The one that is known is still published.
    Unchanged,
    /// It failed: no answer, or no policy whose signature is right.
    Failed(String),
}

/// What follows from a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LookOutcome {
    /// A newer policy is in force from now on.
    Replaced,
    /// The same policy as before is the current one.
    Confirmed,
    /// The policy that was found must not be in force.
    Refused(Refusal),
    /// Nothing was found.
    Failed,
}

/// The policy of a daemon.
#[derive(Debug, Default)]
pub(crate) struct PolicyState {
    /// The lowest counter of the configuration, or of what the audit log has recorded.
    minimum_counter: u64,
    current: Option<Current>,
    /// When the last look started, and the random number that spreads the next one.
    last_look: Option<(Tick, f64)>,
    /// When the last look has ended.
    last_result: Option<Tick>,
    is_looking: bool,
    last_request: Option<Tick>,
    error: Option<String>,
}

#[derive(Debug)]
struct Current {
    accepted: Arc<Accepted>,
    /// When it was last seen to be the published one.
    seen: Seen,
}

/// A policy that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The policy.
    pub(crate) signed: SignedPolicy,
    /// When this daemon learned of each rotation, from this policy or one before it.
    rotations: BTreeMap<Timestamp, Tick>,
}

/// A moment, of which a daemon that starts knows the wall time only.
#[derive(Clone, Copy, Debug)]
struct Seen {
    tick: Option<Tick>,
    wall: Timestamp,
}

/// Whether there is a policy by which requests are judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// None was seen yet.
    Missing,
    /// The last one was not seen to be current for longer than its `max_age`.
    Expired {
        /// When it was seen last.
        seen: Timestamp,
    },
    /// This one.
    InForce(Arc<Accepted>),
}

impl PolicyState {
    /// The state of a daemon that has found `stored`, a policy that was seen at that time by the
    /// wall clock, and whose policies must have at least the counter `minimum`.
    pub(crate) fn new(now: Now, stored: Option<(SignedPolicy, Timestamp)>, minimum: u64) -> Self {
        let stored = stored.filter(|(policy, _)| policy.document.counter >= minimum);
        Self {
            minimum_counter: minimum,
            current: stored.map(|(policy, wall)| Current {
                accepted: Arc::new(Accepted::new(policy, None, now.tick)),
                seen: Seen { tick: None, wall },
            }),
            ..Self::default()
        }
    }

    /// Records a request for a key.
    pub(crate) fn on_request(&mut self, now: Now) {
        self.last_request = Some(now.tick);
    }

    /// Records that a look starts; `jitter` is a random number from 0 to 1.
    pub(crate) fn on_look_started(&mut self, now: Now, jitter: f64) {
        self.last_look = Some((now.tick, jitter));
        self.is_looking = true;
    }

    /// Records what a look that started at `started` has found.
    pub(crate) fn on_look(&mut self, now: Now, started: Now, look: Look) -> LookOutcome {
        self.last_result = Some(now.tick);
        self.is_looking = false;
        // The server has answered at some time since then.
        let seen = Seen {
            tick: Some(started.tick),
            wall: started.wall,
        };
        let current = self.current.as_mut();
        let new = match (look, current) {
            (Look::Failed(error), _) => {
                self.error = Some(error);
                return LookOutcome::Failed;
            }
            (Look::Unchanged, Some(current)) => {
                current.seen = seen;
                self.error = None;
                return LookOutcome::Confirmed;
            }
            (Look::Unchanged, None) => {
                self.error = Some("the server has sent no policy".to_owned());
                return LookOutcome::Failed;
            }
            (Look::Published(new), _) => new,
        };
        let last = self.current.as_mut();
        match accept(
            &new,
            last.as_ref().map(|last| &last.accepted.signed),
            self.minimum_counter,
        ) {
            Ok(Acceptance::Unchanged) => {
                if let Some(current) = last {
                    current.seen = seen;
                }
                self.error = None;
                LookOutcome::Confirmed
            }
            Ok(Acceptance::Newer) => {
                let before = last.as_ref().map(|last| &*last.accepted);
                let accepted = Arc::new(Accepted::new(new, before, now.tick));
                self.current = Some(Current { accepted, seen });
                self.error = None;
                LookOutcome::Replaced
            }
            Err(refusal) => {
                self.error = Some(format!("the published policy {refusal}"));
                LookOutcome::Refused(refusal)
            }
        }
    }

    /// Whether there is a policy by which requests are judged.
    #[must_use]
    pub(crate) fn standing(&self, now: Now) -> Standing {
        let Some(current) = &self.current else {
            return Standing::Missing;
        };
        let max_age = current.accepted.signed.document.max_age.get();
        match current.seen.age(now) > max_age {
            true => Standing::Expired {
                seen: current.seen.wall,
            },
            false => Standing::InForce(Arc::clone(&current.accepted)),
        }
    }

    /// Whether a look is under way.
    #[must_use]
    pub(crate) const fn is_looking(&self) -> bool {
        self.is_looking
    }

    /// The last good policy, expired or not, and when it was last seen to be the published one.
    #[must_use]
    pub(crate) fn last(&self) -> Option<(Arc<Accepted>, Timestamp)> {
        let current = self.current.as_ref()?;
        Some((Arc::clone(&current.accepted), current.seen.wall))
    }

    /// Why the last look has found no policy that may be in force; `None` if it has.
    #[must_use]
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// When the next look is due, while the daemon is in use or not.
    #[must_use]
    pub(crate) fn due(&self, now: Now) -> Tick {
        let Some((last, jitter)) = self.last_look else {
            return now.tick;
        };
        let watch = match self.standing(now) {
            Standing::InForce(policy) => policy.signed.document.watch.get(),
            Standing::Missing | Standing::Expired { .. } => MAX_INTERVAL_WITHOUT,
        };
        last + interval(watch, jitter)
    }

    /// When the next look starts without a request; `None` while the daemon is idle.
    #[must_use]
    pub(crate) fn next_look(&self, now: Now) -> Option<Tick> {
        let due = self.due(now);
        let end = self.last_request? + IN_USE;
        (due <= end && now.tick <= end).then_some(due)
    }

    /// How long a request waits for a look: not at all while the daemon is in use and looks on its
    /// own. Without a policy in force it cannot be answered otherwise.
    #[must_use]
    pub(crate) fn patience(&self, now: Now) -> Duration {
        match self.standing(now) {
            Standing::InForce(policy) => {
                let latest = worst_case(policy.signed.document.watch.get());
                let is_recent = |last: Tick| now.tick.since(last) <= latest;
                match self.last_result.is_some_and(is_recent) {
                    true => Duration::ZERO,
                    false => MAX_WAIT,
                }
            }
            // It has just failed.
            Standing::Missing | Standing::Expired { .. }
                if now.tick < self.due(now) && !self.is_looking =>
            {
                Duration::ZERO
            }
            Standing::Missing | Standing::Expired { .. } => MAX_WAIT_WITHOUT,
        }
    }
}

impl Accepted {
    fn new(signed: SignedPolicy, before: Option<&Self>, now: Tick) -> Self {
        let moments = signed.document.rotations();
        let known = |at| before.and_then(|before| before.rotations.get(&at).copied());
        let rotations = moments.map(|at| (at, known(at).unwrap_or(now)));
        Self {
            rotations: rotations.collect(),
            signed,
        }
    }

    /// When this daemon learned of the rotation `at`, which is one of the policy's.
    #[must_use]
    pub(crate) fn known_since(&self, at: Timestamp) -> Option<Tick> {
        self.rotations.get(&at).copied()
    }
}

impl Seen {
    /// The time since then; by the clock that says more, so that a wall clock that was set back
    /// prolongs nothing.
    fn age(self, now: Now) -> Duration {
        let since = now.wall.duration_since(self.wall);
        let by_wall = Duration::try_from(since).unwrap_or(Duration::ZERO);
        match self.tick {
            Some(tick) => now.tick.since(tick).max(by_wall),
            // Its file was changed, or the wall clock was wrong then or is now.
            None if since.unsigned_abs() > MAX_AHEAD && by_wall.is_zero() => Duration::MAX,
            None => by_wall,
        }
    }
}

#[cfg(test)]
#[path = "tests/state.rs"]
mod tests;
