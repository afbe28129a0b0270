//! What the broker knows of one profile's credential, and what follows from it. Pure: no clock, no chance, no I/O.
//!
//! The broker tells the slot what happened ([`Slot::ask`], [`Slot::land`], [`Slot::heard`], [`Slot::looked`],
//! [`Slot::wake`]) and asks it what to answer ([`Slot::answer`]) and what to do ([`Slot::take_errands`]). At most one
//! fetch is under way at any time: that is the single flight. The same goes for questions to the gateway and for looks
//! at the source's version.

mod course;
mod doubt;
mod trial;
mod trouble;
mod watch;

use std::{sync::Arc, time::Duration};

use self::{
    course::Course,
    doubt::Doubt,
    trial::{Consequence, Trial},
    trouble::Trouble,
    watch::Watch,
};
use super::{
    renewal,
    suspicion::{Hint, Session, Sessions},
};
use crate::{
    clock::{Now, Tick, Timestamp},
    credential::Credential,
    gateway::Verdict,
    secret::Fingerprint,
    source::{Look, SourceError},
};

/// A profile is in use while a client asked for it within this many of its cache lifetimes; after that it rests.
const IN_USE_LIFETIMES: u32 = 3;

/// What the number of lifetimes is counted in at least, for clients that cache for a second or not at all.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(60);

/// How long the first caller after a rest waits for a look whether the key was rotated meanwhile. A 401 would cost the
/// client about as much.
const WAKING_PATIENCE: Duration = Duration::from_secs(2);

/// What the configuration lets a slot do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// How often the source is looked at for a new version while the profile is in use; `None` is never.
    pub watch: Option<Duration>,
    /// Whether there is a gateway that can be asked.
    pub has_gateway: bool,
}

/// What a caller says when it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// How long the client will use the answer.
    pub cache_lifetime: Duration,
    /// The client's process, where it is known.
    pub session: Option<Session>,
}

/// A caller's place in the queue: what it waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticket {
    /// The flight whose landing answers it.
    flight: Option<u64>,
    /// The question to the gateway that comes first.
    trial: Option<u64>,
    /// The look that comes first, and until when it is waited for.
    look: Option<(u64, Tick)>,
    /// To whom the answer goes.
    ask: Option<Ask>,
}

/// What a caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Here it is.
    Serve(Arc<Credential>),
    /// Something is under way that will answer; ask again when something has happened, or at this time.
    Wait(Option<Tick>),
    /// There is none.
    Refuse(Refusal),
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub reason: Reason,
    /// How long from now until the next try.
    pub next_try: Duration,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The source gave none.
    Source(SourceError),
    /// The gateway rejects the one that the source still has.
    Rejected(Rejected),
}

/// A key that the gateway rejects and the source still has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Since when that is known.
    pub since: Timestamp,
    /// Which key.
    pub fingerprint: Fingerprint,
    /// Which version of it the source has, where it has versions.
    pub version: Option<u64>,
    /// How long ago it was first obtained.
    pub age: Duration,
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
    /// Ask the gateway about this key; then [`Slot::heard`].
    Try {
        /// The question's number.
        trial: u64,
        /// The key.
        credential: Arc<Credential>,
    },
    /// Look whether this is still what the source has; then [`Slot::looked`].
    Look {
        /// The look's number.
        look: u64,
        /// What is held.
        credential: Arc<Credential>,
    },
}

/// What `status` shows of a slot.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What is held and alive, rejected or not.
    pub credential: Option<Arc<Credential>>,
    /// Since when the gateway rejects it.
    pub rejected_since: Option<Timestamp>,
    /// When it was last known to be what the source has.
    pub seen_current: Option<Timestamp>,
    /// What went wrong last, unless something has gone right since.
    pub trouble: Option<SourceError>,
    /// When the slot will act of itself.
    pub due: Option<Tick>,
    /// How long the client that asked last uses an answer.
    pub cache_lifetime: Option<Duration>,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Slot {
    terms: Terms,
    held: Option<Held>,
    flight: Course,
    /// A refresh came while a flight was under way that may have looked before the change: fly once more.
    again: bool,
    trouble: Trouble,
    demand: Option<Demand>,
    sessions: Sessions,
    trial: Trial,
    doubt: Doubt,
    watch: Watch,
    errands: Vec<Errand>,
}

#[derive(Debug)]
struct Held {
    credential: Arc<Credential>,
    /// When this key, whichever lease or version it came with since, was first obtained.
    first_obtained: Tick,
    /// Fixed for this credential's life, see [`renewal::advisory_window`].
    draw: f64,
}

#[derive(Debug)]
struct Demand {
    asked_at: Tick,
    cache_lifetime: Duration,
}

impl Slot {
    /// An empty slot.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            watch: Watch::every(terms.watch),
            ..Self::default()
        }
    }

    /// A caller asks. Starts what is needed and allowed.
    pub fn ask(&mut self, now: Now, ask: Ask) -> Ticket {
        let was_in_use = self.is_in_use(now);
        self.demand = Some(Demand {
            asked_at: now.tick,
            cache_lifetime: ask.cache_lifetime,
        });
        let mut ticket = Ticket {
            ask: Some(ask),
            ..Ticket::default()
        };
        match self.need(now) {
            None | Some(renewal::Need::Mandatory) => ticket.flight = self.fetch_if_allowed(now),
            Some(renewal::Need::Advisory) => {
                self.fetch_if_allowed(now);
            }
            Some(renewal::Need::None) => {}
        }
        if ticket.flight.is_none() && self.alive(now).is_some() {
            if self.trial.rejected_since().is_some() {
                self.pursue(now, &mut ticket);
            } else {
                self.suspect(now, ask, &mut ticket);
            }
            if !was_in_use {
                ticket.look = self
                    .look_if_due(now)
                    .map(|look| (look, now.tick + WAKING_PATIENCE));
            }
        }
        ticket
    }

    /// Somebody wants a new credential now, whatever is there and whatever failed. The old one stays until the new one
    /// is in hand.
    pub fn refresh(&mut self) -> Ticket {
        let flight = self.flight.next();
        if self.flight.under_way().is_some() {
            self.again = true;
        } else {
            self.launch(None);
        }
        Ticket {
            flight: Some(flight),
            ..Ticket::default()
        }
    }

    /// What the holder of `ticket` is told.
    pub fn answer(&mut self, now: Now, ticket: Ticket) -> Answer {
        if self.is_awaited(now, ticket) {
            return Answer::Wait(
                ticket
                    .look
                    .map(|(_, until)| until)
                    .filter(|at| *at > now.tick),
            );
        }
        self.conclude(now, ticket)
    }

    /// What the holder of `ticket` is told when it can wait no longer; [`Answer::Wait`] where only waiting would help.
    pub fn give_up(&mut self, now: Now, ticket: Ticket) -> Answer {
        if self.is_awaited(now, ticket) && self.alive(now).is_none() {
            return Answer::Wait(None);
        }
        self.conclude(now, ticket)
    }

    /// What went wrong with the last fetch; `None` where it went well.
    pub fn last_error(&self) -> Option<&SourceError> {
        self.trouble.error()
    }

    /// A fetch has ended.
    pub fn land(
        &mut self,
        now: Now,
        draw: f64,
        flight: u64,
        result: Result<Credential, SourceError>,
    ) {
        if !self.flight.end(flight) {
            // Forgotten meanwhile: a logout, or another configuration.
            return;
        }
        match result {
            Ok(credential) => self.replace(now, draw, credential),
            Err(error) => self.fail(now, draw, error),
        }
        if std::mem::take(&mut self.again) {
            self.launch(None);
        }
    }

    /// The gateway has said what it thinks of the key.
    pub fn heard(&mut self, now: Now, trial: u64, verdict: Verdict) {
        match self.trial.hear(now, trial, verdict) {
            Consequence::None => {}
            Consequence::Reissue => {
                if self.flight.under_way().is_none() {
                    self.launch(None);
                }
            }
            Consequence::Doubt => {
                self.fetch_for_doubt(now);
            }
        }
    }

    /// A look has ended.
    pub fn looked(&mut self, now: Now, draw: f64, look: u64, result: Result<Look, SourceError>) {
        if !self.watch.end(look) {
            return;
        }
        match result {
            Ok(Look::Current) => self.watch.seen(now, draw),
            Ok(Look::Superseded) => {
                self.watch.failed(now, draw, None);
                // Whatever the last fetches brought: this one will bring something else.
                if self.flight.under_way().is_none() {
                    self.launch(None);
                }
            }
            Ok(Look::Untold) => self.watch.forget(),
            Err(error) if error.is_final() => self.fail(now, draw, error),
            Err(error) => self.watch.failed(now, draw, error.retry_after()),
        }
    }

    /// The time that [`Slot::due`] named has come, or may have.
    pub fn wake(&mut self, now: Now) {
        if !self.is_in_use(now) || self.alive(now).is_none() {
            return;
        }
        let is_rejected = self.trial.rejected_since().is_some();
        if is_rejected || self.need(now) != Some(renewal::Need::None) {
            self.fetch_if_allowed(now);
        }
        self.look_if_due(now);
    }

    /// When the slot next has something to do of itself; `None` while it rests.
    pub fn due(&self, now: Now) -> Option<Tick> {
        let held = self.alive(now).filter(|_| self.is_in_use(now))?;
        let fetch = match self.flight.under_way() {
            // Its landing is waited for.
            Some(_) => None,
            None => {
                let renewal = if self.trial.rejected_since().is_some() {
                    Some(now.tick)
                } else {
                    self.renewal_due(now, held)
                };
                renewal.map(|at| at.max(self.trouble.retry_at(now.tick).unwrap_or(at)))
            }
        };
        let look = self
            .watch
            .due()
            .filter(|_| self.flight.under_way().is_none());
        fetch.into_iter().chain(look).min()
    }

    /// Forgets the credential, and whatever is under way; gives back what is to be revoked.
    pub fn forget(&mut self) -> Option<Arc<Credential>> {
        // Who waits is answered, also who waits for the flight after this one: there is none.
        self.flight.forget();
        if std::mem::take(&mut self.again) {
            self.flight.start();
            self.flight.forget();
        }
        self.drop_held().map(|held| held.credential)
    }

    /// What the broker is to do now, once.
    pub fn take_errands(&mut self) -> Vec<Errand> {
        std::mem::take(&mut self.errands)
    }

    /// For `status`.
    pub fn snapshot(&self, now: Now) -> Snapshot {
        Snapshot {
            credential: self.alive(now).map(|held| Arc::clone(&held.credential)),
            rejected_since: self.trial.rejected_since(),
            seen_current: self.watch.seen_current(),
            trouble: self.last_error().cloned(),
            due: self.due(now),
            cache_lifetime: self.demand.as_ref().map(|demand| demand.cache_lifetime),
        }
    }

    /// What to say where there is nothing to serve.
    pub fn refusal(&self, now: Now) -> Refusal {
        let reason = match (self.rejected(now), self.last_error()) {
            (Some(rejected), _) => Reason::Rejected(rejected),
            (None, error) => Reason::Source(error.cloned().unwrap_or(SourceError::Forgotten)),
        };
        let next_try = self
            .trouble
            .retry_at(now.tick)
            .map_or(Duration::ZERO, |at| at.since(now.tick));
        Refusal { reason, next_try }
    }

    /// What an early second ask leads to.
    fn suspect(&mut self, now: Now, ask: Ask, ticket: &mut Ticket) {
        let Some(held) = &self.held else { return };
        let hint = ask.session.map_or(Hint::Mute, |session| {
            let current = held.credential.fingerprint();
            self.sessions
                .hint(session, &current, now.tick, ask.cache_lifetime)
        });
        match hint {
            Hint::Nothing => {}
            Hint::Mute => {
                if self.terms.has_gateway && self.trial.is_due_for_mute(now.tick) {
                    // Waited for: where a 401 is behind this, the next chance is a retry that may be far away.
                    ticket.trial = self.start_trial(now);
                }
            }
            Hint::Suspect { insists, given } if self.terms.has_gateway => {
                match self.trial.verdict_for(given, now.tick) {
                    None => {
                        ticket.trial = self.start_trial(now);
                        self.trial.doubt(insists);
                    }
                    Some(Verdict::Good) if !insists => {}
                    Some(_) => ticket.flight = self.fetch_for_doubt(now),
                }
            }
            Hint::Suspect { .. } => ticket.flight = self.fetch_for_doubt(now),
        }
    }

    /// The key is dead: is there another one by now, or does the gateway take it again?
    fn pursue(&mut self, now: Now, ticket: &mut Ticket) {
        ticket.flight = self.fetch_if_allowed(now);
        if ticket.flight.is_none()
            && self.terms.has_gateway
            && self.trial.verdict(now.tick).is_none()
        {
            ticket.trial = self.start_trial(now);
        }
    }

    /// Whether something is under way that `ticket` waits for.
    fn is_awaited(&self, now: Now, ticket: Ticket) -> bool {
        if ticket
            .flight
            .is_some_and(|flight| !self.flight.is_over(flight))
        {
            return true;
        }
        if let Some(trial) = ticket.trial {
            let is_settled = matches!(self.trial.verdict(now.tick), Some(Verdict::Good));
            // A verdict that is not good may have started a flight.
            return !self.trial.is_over(trial)
                || (!is_settled && self.flight.under_way().is_some());
        }
        if let Some((look, until)) = ticket.look
            && now.tick < until
        {
            // A look that found something new has started a flight.
            return !self.watch.is_over(look) || self.flight.under_way().is_some();
        }
        false
    }

    /// What is served or said with what is there.
    fn conclude(&mut self, now: Now, ticket: Ticket) -> Answer {
        let is_rejected = self.trial.rejected_since().is_some();
        let Some(held) = self.alive(now).filter(|_| !is_rejected) else {
            return Answer::Refuse(self.refusal(now));
        };
        let credential = Arc::clone(&held.credential);
        if let Some(ask) = ticket.ask
            && let Some(session) = ask.session
        {
            let key = credential.fingerprint();
            self.sessions
                .hand(session, &key, now.tick, ask.cache_lifetime);
        }
        Answer::Serve(credential)
    }

    fn rejected(&self, now: Now) -> Option<Rejected> {
        let held = self.alive(now)?;
        Some(Rejected {
            since: self.trial.rejected_since()?,
            fingerprint: held.credential.fingerprint(),
            version: held.credential.version,
            age: now.tick.since(held.first_obtained),
        })
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
        let cache_lifetime = self.cache_lifetime();
        let window = renewal::advisory_window(lifetime, cache_lifetime, held.draw);
        Some(renewal::need(lifetime, remaining, window, cache_lifetime))
    }

    /// When the advisory window opens; `None` for a credential without an end.
    fn renewal_due(&self, now: Now, held: &Held) -> Option<Tick> {
        let lifetime = held.credential.lifetime?;
        let window = renewal::advisory_window(lifetime, self.cache_lifetime(), held.draw);
        let left = held.credential.remaining(now)?;
        Some(now.tick + left.saturating_sub(window))
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
        if let Some(flight) = self.flight.under_way() {
            return Some(flight);
        }
        if self.trouble.retry_at(now.tick).is_some() {
            return None;
        }
        let is_rejected = self.trial.rejected_since().is_some();
        let renew = self
            .alive(now)
            .filter(|_| !is_rejected)
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

    /// As above, for a key that may be dead: a new one is wanted, and not often.
    fn fetch_for_doubt(&mut self, now: Now) -> Option<u64> {
        if let Some(flight) = self.flight.under_way() {
            return Some(flight);
        }
        let is_allowed = self.trouble.retry_at(now.tick).is_none() && self.doubt.may_ask(now.tick);
        is_allowed.then(|| self.launch(None))
    }

    fn launch(&mut self, renew: Option<Arc<Credential>>) -> u64 {
        let flight = self.flight.start();
        self.errands.push(Errand::Fetch { flight, renew });
        flight
    }

    fn start_trial(&mut self, now: Now) -> Option<u64> {
        let held = self.held.as_ref()?;
        let (trial, is_new) = self.trial.ask(now.tick);
        if is_new {
            let credential = Arc::clone(&held.credential);
            self.errands.push(Errand::Try { trial, credential });
        }
        Some(trial)
    }

    /// The look that is under way, or starts now because it is due.
    fn look_if_due(&mut self, now: Now) -> Option<u64> {
        if let Some(look) = self.watch.under_way() {
            return Some(look);
        }
        if self.flight.under_way().is_some() || self.watch.due().is_none_or(|due| due > now.tick) {
            return None;
        }
        let held = self.held.as_ref()?;
        let credential = Arc::clone(&held.credential);
        let look = self.watch.start();
        self.errands.push(Errand::Look { look, credential });
        Some(look)
    }

    fn replace(&mut self, now: Now, draw: f64, credential: Credential) {
        let before = self
            .alive(now)
            .filter(|held| held.credential.secret == credential.secret);
        let is_known = before.is_some();
        let is_no_better = before.is_some_and(|before| {
            let is_rejected = self.trial.rejected_since().is_some();
            let is_no_longer = before.credential.lifetime.is_some()
                && credential.remaining(now) <= before.credential.remaining(now);
            is_rejected || is_no_longer
        });
        let first_obtained = before.map_or(now.tick, |before| before.first_obtained);
        if is_no_better {
            self.trouble.add(now.tick, draw, None);
        } else {
            self.trouble = Trouble::default();
        }
        if !is_known {
            self.doubt = Doubt::default();
        }
        self.trial.hold(&credential.fingerprint());
        self.watch.obtained(now, draw);
        self.held = Some(Held {
            credential: Arc::new(credential),
            first_obtained,
            draw,
        });
    }

    fn fail(&mut self, now: Now, draw: f64, error: SourceError) {
        if error.is_final() {
            self.drop_held();
        }
        self.trouble.add(now.tick, draw, Some(error));
    }

    fn drop_held(&mut self) -> Option<Held> {
        self.trial.forget();
        self.watch.forget();
        self.held.take()
    }
}

#[cfg(test)]
mod tests;
