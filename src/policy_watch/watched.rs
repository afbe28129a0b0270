//! The policy at one place: its state, and one look for a newer one.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{sync::watch, task};

use super::{
    error::NoPolicy,
    event::PolicyEvent,
    file::{PolicyFile, StoredPolicy},
    publisher::{Fetched, Publisher},
};
use crate::{
    clock::{Clock, Now, Tick, Timestamp},
    config::{PolicyConfig, PolicyPlace},
    network::{TransportError, one_line},
    policy::{Accepted, LOOK_TIMEOUT, Look, LookOutcome, PolicyState, Standing, verify},
    sync,
};

/// How many times within its `max_age` a policy is written again because it was seen: what a
/// daemon that starts believes may be so much too early.
const WRITES: u32 = 16;

/// The policy at one place.
pub(super) struct Watched {
    pub(super) config: PolicyConfig,
    place: PolicyPlace,
    publisher: Box<dyn Publisher>,
    file: PolicyFile,
    state: Mutex<State>,
    /// How many looks have ended.
    pub(super) looks: watch::Sender<u64>,
}

struct State {
    policy: PolicyState,
    /// The entity tag of the policy's text.
    etag: Option<String>,
    /// What the file contains.
    stored: Option<StoredPolicy>,
    file_error: Option<String>,
}

/// What a request waits for.
pub(super) struct Wait {
    /// For at most this long.
    pub(super) patience: Duration,
    looked: watch::Receiver<u64>,
}

/// What is known of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PolicyStatus {
    /// Where it is published.
    pub(crate) place: String,
    /// Whether one counts.
    pub(crate) standing: Standing,
    /// The last good one, and when it was last seen to be the published one.
    pub(crate) last: Option<(Arc<Accepted>, Timestamp)>,
    /// Why the last look has found none that may be in force.
    pub(crate) error: Option<String>,
    /// Why the last good one is not kept for the next daemon.
    pub(crate) file_error: Option<String>,
}

impl Watched {
    /// The policy of `config`, which is published at `place`; from `file` if that has one. Its
    /// counter is at least `minimum`.
    pub(super) fn new(
        config: &PolicyConfig,
        place: &PolicyPlace,
        publisher: Box<dyn Publisher>,
        minimum: u64,
        file: PolicyFile,
        now: Now,
    ) -> Self {
        let (read, error) = match file.read() {
            Ok(read) => (read, None),
            Err(error) => (None, Some(error)),
        };
        let stored = read.and_then(|stored| {
            let policy = verify(stored.policy.as_bytes(), &config.public_keys).ok()?;
            Some((policy, stored))
        });
        let (policy, stored) = stored.unzip();
        let seen = policy.zip(stored.as_ref().map(|stored| stored.seen_at));
        if let Some(reason) = &error {
            let reason = reason.clone();
            PolicyEvent::FileFailed { reason }.log("");
        }
        let policy = PolicyState::new(now, seen, minimum);
        // The server must send its text if the stored one does not count.
        let known = stored.as_ref().filter(|_| policy.last().is_some());
        Self {
            config: config.clone(),
            place: place.clone(),
            publisher,
            file,
            state: Mutex::new(State {
                etag: known.and_then(|stored| stored.etag.clone()),
                policy,
                stored,
                file_error: error,
            }),
            looks: watch::Sender::new(0),
        }
    }

    /// Records a request for a key; returns what it waits for.
    pub(super) fn on_request(&self, now: Now) -> Wait {
        // In this order: a look that ends in between is noticed.
        let looked = self.looks.subscribe();
        let mut state = sync::lock(&self.state);
        state.policy.on_request(now);
        Wait {
            patience: state.policy.patience(now),
            looked,
        }
    }

    /// When the next look starts; `None` while the daemon is idle.
    pub(super) fn next_look(&self, now: Now) -> Option<Tick> {
        sync::lock(&self.state).policy.next_look(now)
    }

    /// The policy by which requests are judged.
    ///
    /// # Errors
    ///
    /// [`NoPolicy`].
    pub(super) fn in_force(&self, now: Now) -> Result<Arc<Accepted>, NoPolicy> {
        let state = sync::lock(&self.state);
        let place = self.place.quoted();
        let error = state.policy.error().map(str::to_owned);
        match (state.policy.standing(now), state.policy.last()) {
            (Standing::InForce(policy), _) => Ok(policy),
            (Standing::Expired { seen }, Some(_)) if seen > now.wall => {
                Err(NoPolicy::Ahead { place, seen, error })
            }
            (Standing::Expired { seen }, Some((policy, _))) => Err(NoPolicy::Expired {
                place,
                seen,
                max_age: policy.signed.document.max_age.to_string(),
                error,
            }),
            (Standing::Missing | Standing::Expired { .. }, _) => {
                Err(NoPolicy::Missing { place, error })
            }
        }
    }

    /// The counter of the last good policy.
    pub(super) fn counter(&self) -> Option<u64> {
        let last = sync::lock(&self.state).policy.last();
        last.map(|(policy, _)| policy.signed.document.counter)
    }

    /// What is known.
    pub(super) fn status(&self, now: Now) -> PolicyStatus {
        let state = sync::lock(&self.state);
        PolicyStatus {
            place: self.place.to_string(),
            standing: state.policy.standing(now),
            last: state.policy.last(),
            error: state.policy.error().map(str::to_owned),
            file_error: state.file_error.clone(),
        }
    }

    /// Looks once, within [`LOOK_TIMEOUT`]. Returns what has changed.
    pub(super) async fn look(&self, clock: &dyn Clock, jitter: f64) -> Vec<PolicyEvent> {
        let started = clock.now();
        let etag = {
            let mut state = sync::lock(&self.state);
            state.policy.on_look_started(started, jitter);
            state.etag.clone()
        };
        let fetched = tokio::select! {
            fetched = self.publisher.fetch(etag.as_deref()) => fetched,
            () = clock.sleep_until(started.tick + LOOK_TIMEOUT) => {
                // As the publisher says it, which has the same limit: one failure is one event.
                Err(TransportError::TimedOut(LOOK_TIMEOUT).to_string())
            }
        };
        let (look, etag) = match fetched {
            Ok(Fetched::Unchanged) => (Look::Unchanged, etag),
            Ok(Fetched::Text { text, etag }) => (self.verified(&text), etag),
            Err(reason) => (Look::Failed(reason), None),
        };
        let (mut events, stored) = self.on_look(clock.now(), started, look, etag);
        if let Some(stored) = stored {
            events.extend(self.keep(stored).await);
        }
        for event in &events {
            event.log(&self.place.to_string());
        }
        events
    }

    /// Drops the secrets that the next look obtains again, after one that is under way.
    pub(super) async fn forget(&self) {
        let mut looks = self.looks.subscribe();
        let is_looking = sync::lock(&self.state).policy.is_looking();
        if is_looking {
            // It cannot fail: `self` owns the sender.
            let _ = looks.changed().await;
        }
        self.publisher.forget().await;
    }

    /// Lets the requests go on that wait for a look.
    pub(super) fn finish_look(&self) {
        self.looks.send_modify(|looks| *looks += 1);
    }

    fn verified(&self, text: &[u8]) -> Look {
        match verify(text, &self.config.public_keys) {
            Ok(policy) => Look::Published(policy),
            // It repeats parts of what the server has sent.
            Err(error) => Look::Failed(one_line(&format!("the answer {error}"))),
        }
    }

    /// Returns what has changed, and what is to be kept.
    fn on_look(
        &self,
        now: Now,
        started: Now,
        look: Look,
        etag: Option<String>,
    ) -> (Vec<PolicyEvent>, Option<StoredPolicy>) {
        let mut state = sync::lock(&self.state);
        let before = state.policy.error().map(str::to_owned);
        let outcome = state.policy.on_look(now, started, look);
        let error = state.policy.error().map(str::to_owned);
        let is_news = error != before;
        let Some((policy, seen)) = state.policy.last().filter(|_| error.is_none()) else {
            let reason = error.unwrap_or_default();
            let event = match outcome {
                LookOutcome::Refused(_) => PolicyEvent::Refused { reason },
                _ => PolicyEvent::Failed { reason },
            };
            return (is_news.then_some(event).into_iter().collect(), None);
        };
        let counter = policy.signed.document.counter;
        let event = match outcome {
            LookOutcome::Replaced => Some(PolicyEvent::Accepted {
                counter,
                key_id: policy.signed.key_id.clone(),
            }),
            _ => before.map(|_| PolicyEvent::Resumed { counter }),
        };
        state.etag = etag;
        let stored = StoredPolicy::new(&policy.signed.text, seen, state.etag.as_deref());
        let max_age = policy.signed.document.max_age.get();
        let is_written = state.stored.as_ref().is_some_and(|before| {
            let since = seen.duration_since(before.seen_at);
            before.policy == stored.policy
                && before.etag == stored.etag
                && since.unsigned_abs() < max_age / WRITES
        });
        (event.into_iter().collect(), (!is_written).then_some(stored))
    }

    /// Writes the file. Returns a failure that is news.
    async fn keep(&self, stored: StoredPolicy) -> Option<PolicyEvent> {
        let file = self.file.clone();
        let content = stored.clone();
        let written = task::spawn_blocking(move || file.write(&content)).await;
        // It is interrupted if the daemon ends.
        let written = written.unwrap_or_else(|error| Err(sync::interruption(&error).to_owned()));
        let mut state = sync::lock(&self.state);
        let error = match written {
            Ok(()) => {
                state.stored = Some(stored);
                None
            }
            Err(error) => Some(error),
        };
        let is_news = error.is_some() && error != state.file_error;
        state.file_error.clone_from(&error);
        error
            .filter(|_| is_news)
            .map(|reason| PolicyEvent::FileFailed { reason })
    }
}

impl Wait {
    /// Waits for the end of a look.
    pub(super) async fn looked(&mut self) {
        // It fails if the configuration has changed, which ends the wait, too.
        let _ = self.looked.changed().await;
    }
}
