//! What the broker knows of one profile's credential, and what follows from it. Pure: no clock, no chance, no I/O.
//!
//! The broker tells the slot what happened ([`Slot::ask`], [`Slot::land`], [`Slot::wake`]) and asks it what to answer
//! ([`Slot::answer`]) and what to do ([`Slot::take_errand`]). At most one fetch is under way at any time: that is the
//! single flight.

use std::{sync::Arc, time::Duration};

use super::{backoff, renewal};
use crate::{
    clock::{Now, Tick},
    credential::Credential,
    source::SourceError,
};

/// A profile is in use while a client asked for it within this many of its cache lifetimes; after that it rests.
const IN_USE_LIFETIMES: u32 = 3;

/// What the number of lifetimes is counted in at least, for clients that cache for a second or not at all.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(60);

/// What a caller says when it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// How long the client will use the answer.
    pub cache_lifetime: Duration,
}

/// A caller's place in the queue: what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The flight whose landing answers it; `None` where what is there answers it.
    awaits: Option<u64>,
}

/// What a caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Here it is.
    Serve(Arc<Credential>),
    /// Something is under way that will answer.
    Wait,
    /// There is none.
    Refuse(Refusal),
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What went wrong last.
    pub error: SourceError,
    /// How long from now until the next try.
    pub next_try: Duration,
}

/// What the broker is to do for the slot. It says so to the slot when it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Have the source issue a credential, or renew this one where that is possible; then [`Slot::land`].
    Fetch {
        /// The flight's number.
        flight: u64,
        /// The credential whose lease may be renewed.
        renew: Option<Arc<Credential>>,
    },
}

/// What `status` shows of a slot.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What would be served.
    pub credential: Option<Arc<Credential>>,
    /// What went wrong last, unless something has gone right since.
    pub trouble: Option<SourceError>,
    /// When the slot will act of itself.
    pub due: Option<Tick>,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Slot {
    held: Option<Held>,
    flight: Option<u64>,
    landed: u64,
    /// A refresh came while a flight was under way that may have looked before the change: fly once more.
    again: bool,
    trouble: Option<Trouble>,
    demand: Option<Demand>,
    errand: Option<Errand>,
}

#[derive(Debug)]
struct Held {
    credential: Arc<Credential>,
    /// Fixed for this credential's life, see [`renewal::advisory_window`].
    draw: f64,
}

/// Failures in a row.
#[derive(Debug)]
struct Trouble {
    /// `None`: the source answered well, but gave nothing better than what was there.
    error: Option<SourceError>,
    failures: u32,
    retry_at: Tick,
}

#[derive(Debug)]
struct Demand {
    asked_at: Tick,
    cache_lifetime: Duration,
}

impl Slot {
    /// A caller asks. Starts a fetch where one is needed and allowed.
    pub fn ask(&mut self, now: Now, ask: Ask) -> Ticket {
        self.demand = Some(Demand {
            asked_at: now.tick,
            cache_lifetime: ask.cache_lifetime,
        });
        let awaits = match self.need(now) {
            Some(renewal::Need::None) => None,
            Some(renewal::Need::Advisory) => {
                self.fetch_if_allowed(now);
                None
            }
            Some(renewal::Need::Mandatory) | None => self.fetch_if_allowed(now),
        };
        Ticket { awaits }
    }

    /// Somebody wants a new credential now, whatever is there and whatever failed. The old one stays until the new one
    /// is in hand.
    pub fn refresh(&mut self) -> Ticket {
        let awaits = match self.flight {
            Some(flight) => {
                self.again = true;
                flight + 1
            }
            None => self.launch(None),
        };
        Ticket {
            awaits: Some(awaits),
        }
    }

    /// What the holder of `ticket` is told.
    pub fn answer(&self, now: Now, ticket: Ticket) -> Answer {
        if ticket.awaits.is_some_and(|flight| flight > self.landed) {
            return Answer::Wait;
        }
        match self.alive(now) {
            Some(held) => Answer::Serve(Arc::clone(&held.credential)),
            None => Answer::Refuse(self.refusal(now)),
        }
    }

    /// What the holder of `ticket` is told when it can wait no longer.
    pub fn give_up(&self, now: Now, ticket: Ticket) -> Answer {
        match self.answer(now, ticket) {
            Answer::Wait => match self.alive(now) {
                Some(held) => Answer::Serve(Arc::clone(&held.credential)),
                None => Answer::Wait,
            },
            answer => answer,
        }
    }

    /// What went wrong with the last fetch; `None` where it went well.
    pub fn last_error(&self) -> Option<&SourceError> {
        self.trouble.as_ref()?.error.as_ref()
    }

    /// A fetch has ended.
    pub fn land(
        &mut self,
        now: Now,
        draw: f64,
        flight: u64,
        result: Result<Credential, SourceError>,
    ) {
        if self.flight != Some(flight) {
            // Forgotten meanwhile: a logout, or another configuration.
            return;
        }
        self.flight = None;
        self.landed = flight;
        match result {
            Ok(credential) => self.replace(now, draw, credential),
            Err(error) => self.fail(now, draw, error),
        }
        if std::mem::take(&mut self.again) {
            self.launch(None);
        }
    }

    /// The time that [`Slot::due`] named has come, or may have.
    pub fn wake(&mut self, now: Now) {
        if self.is_in_use(now) && self.need(now) != Some(renewal::Need::None) {
            self.fetch_if_allowed(now);
        }
    }

    /// When the slot next has something to do of itself; `None` while it rests.
    pub fn due(&self, now: Now) -> Option<Tick> {
        if !self.is_in_use(now) || self.flight.is_some() {
            return None;
        }
        let renewal = match self.alive(now) {
            Some(held) => {
                let window = self.advisory_window(held)?;
                let left = held.credential.remaining(now)?;
                now.tick + left.saturating_sub(window)
            }
            // Nothing to keep fresh: whoever asks next starts a fetch.
            None => return None,
        };
        let allowed = self
            .trouble
            .as_ref()
            .map_or(now.tick, |trouble| trouble.retry_at);
        Some(renewal.max(allowed))
    }

    /// Forgets the credential, and a flight that is under way; gives back what is to be revoked.
    pub fn forget(&mut self) -> Option<Arc<Credential>> {
        // Who waits for the flight is answered: there is none.
        self.landed = self.flight.take().unwrap_or(self.landed);
        let held = self.held.take();
        *self = Self {
            landed: self.landed,
            ..Self::default()
        };
        held.map(|held| held.credential)
    }

    /// What the broker is to do now, once.
    pub fn take_errand(&mut self) -> Option<Errand> {
        self.errand.take()
    }

    /// For `status`.
    pub fn snapshot(&self, now: Now) -> Snapshot {
        Snapshot {
            credential: self.alive(now).map(|held| Arc::clone(&held.credential)),
            trouble: self.last_error().cloned(),
            due: self.due(now),
        }
    }

    fn alive(&self, now: Now) -> Option<&Held> {
        self.held
            .as_ref()
            .filter(|held| !held.credential.is_expired(now))
    }

    /// How soon a successor is needed; `None` where there is nothing to be succeeded.
    fn need(&self, now: Now) -> Option<renewal::Need> {
        let held = self.alive(now)?;
        let (Some(lifetime), Some(remaining)) =
            (held.credential.lifetime, held.credential.remaining(now))
        else {
            return Some(renewal::Need::None);
        };
        let window = self.advisory_window(held)?;
        Some(renewal::need(
            lifetime,
            remaining,
            window,
            self.cache_lifetime(),
        ))
    }

    /// `None` for a credential without an end.
    fn advisory_window(&self, held: &Held) -> Option<Duration> {
        let lifetime = held.credential.lifetime?;
        Some(renewal::advisory_window(
            lifetime,
            self.cache_lifetime(),
            held.draw,
        ))
    }

    fn cache_lifetime(&self) -> Duration {
        self.demand
            .as_ref()
            .map_or(Duration::ZERO, |demand| demand.cache_lifetime)
    }

    fn is_in_use(&self, now: Now) -> bool {
        self.demand.as_ref().is_some_and(|demand| {
            let lifetime = demand.cache_lifetime.max(SHORTEST_LIFETIME);
            now.tick.since(demand.asked_at) <= lifetime * IN_USE_LIFETIMES
        })
    }

    /// The flight that will bring a successor, under way or started now; `None` while a failure is too fresh.
    fn fetch_if_allowed(&mut self, now: Now) -> Option<u64> {
        if self.flight.is_some() {
            return self.flight;
        }
        if self
            .trouble
            .as_ref()
            .is_some_and(|trouble| now.tick < trouble.retry_at)
        {
            return None;
        }
        let renew = self
            .alive(now)
            .map(|held| &held.credential)
            .filter(|credential| {
                credential
                    .lease
                    .as_ref()
                    .is_some_and(|lease| lease.renewable)
            })
            .map(Arc::clone);
        Some(self.launch(renew))
    }

    fn launch(&mut self, renew: Option<Arc<Credential>>) -> u64 {
        let flight = self.landed + 1;
        self.flight = Some(flight);
        self.errand = Some(Errand::Fetch { flight, renew });
        flight
    }

    fn replace(&mut self, now: Now, draw: f64, credential: Credential) {
        let before = self.alive(now).map(|held| Arc::clone(&held.credential));
        let is_stale = before.is_some_and(|before| {
            before.secret == credential.secret
                && before.lifetime.is_some()
                && credential.remaining(now) <= before.remaining(now)
        });
        self.trouble = is_stale.then(|| {
            let failures = self.trouble.as_ref().map_or(0, |trouble| trouble.failures) + 1;
            Trouble {
                error: None,
                failures,
                retry_at: now.tick + backoff::delay(failures, None, draw),
            }
        });
        self.held = Some(Held {
            credential: Arc::new(credential),
            draw,
        });
    }

    fn fail(&mut self, now: Now, draw: f64, error: SourceError) {
        let failures = self.trouble.as_ref().map_or(0, |trouble| trouble.failures) + 1;
        let wait = backoff::delay(failures, error.retry_after(), draw);
        if error.is_final() {
            self.held = None;
        }
        self.trouble = Some(Trouble {
            error: Some(error),
            failures,
            retry_at: now.tick + wait,
        });
    }

    /// What to say where there is nothing to serve.
    pub fn refusal(&self, now: Now) -> Refusal {
        let next_try = self
            .trouble
            .as_ref()
            .map_or(Duration::ZERO, |t| t.retry_at.since(now.tick));
        Refusal {
            error: self.last_error().cloned().unwrap_or(SourceError::Forgotten),
            next_try,
        }
    }
}

#[cfg(test)]
#[path = "slot/tests.rs"]
mod tests;
