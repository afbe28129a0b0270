//! What the broker knows of one profile's credential, and what follows from it. Pure: no clock, no chance, no I/O.
//!
//! The broker tells the slot what happened ([`Slot::acquire`], [`Slot::on_fetched`], [`Slot::on_probed`], [`Slot::on_revalidated`],
//! [`Slot::on_timer`]) and asks it what to answer ([`Slot::poll`]) and what to do ([`Slot::take_actions`]). At most one
//! fetch is under way at any time: that is the single flight. The same goes for questions to the gateway and for looks
//! at the source's version.

mod in_flight;
mod probe;
mod refetch_limiter;
mod rejection;
mod retry_state;
mod types;
mod watch;

use std::{sync::Arc, time::Duration};

pub use self::types::{AcquireRequest, CredentialUnavailable, Snapshot};
pub(crate) use self::types::{Action, Outcome, Reason, Rejected, SlotConfig, Ticket};
use self::{
    in_flight::InFlight,
    probe::{Consequence, ProbeState},
    refetch_limiter::RefetchLimiter,
    retry_state::RetryState,
    watch::Watch,
};
use super::{client_retry::Sessions, renewal};
use crate::{
    clock::{Now, Tick},
    credential::Credential,
    gateway::ProbeResult,
    source::{Freshness, SourceError},
};

/// A profile is in use while a client asked for it within this many of its cache lifetimes; after that it rests.
const IN_USE_LIFETIMES: u32 = 3;

/// What the number of lifetimes is counted in at least, for clients that cache for a second or not at all.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(60);

/// How long a caller waits, who could be served, for the source to say that there is nothing newer: the first one after a
/// rest, and one whose key may be dead. A 401 would cost the client about as much.
const MAX_REVALIDATION_WAIT: Duration = Duration::from_secs(1);

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    config: SlotConfig,
    held: Option<Cached>,
    flight: InFlight,
    /// A refresh came while a flight was under way that may have looked before the change: fly once more.
    again: bool,
    retry: RetryState,
    last_request: Option<LastRequest>,
    sessions: Sessions,
    probe: ProbeState,
    refetch_limiter: RefetchLimiter,
    watch: Watch,
    actions: Vec<Action>,
}

#[derive(Debug)]
struct Cached {
    credential: Arc<Credential>,
    /// When this key, whichever lease or version it came with since, was first obtained.
    first_obtained: Tick,
    /// When the source was last seen to have it.
    confirmed: Tick,
    /// Fixed for this credential's life, see [`renewal::advisory_window`].
    jitter: f64,
}

#[derive(Debug)]
struct LastRequest {
    asked_at: Tick,
    cache_lifetime: Duration,
}

impl Slot {
    /// An empty slot.
    #[must_use]
    pub(crate) fn new(config: SlotConfig) -> Self {
        Self {
            config,
            watch: Watch::every(config.watch),
            ..Self::default()
        }
    }

    /// A caller asks. Starts what is needed and allowed.
    pub(crate) fn acquire(&mut self, now: Now, request: AcquireRequest) -> Ticket {
        let was_in_use = self.is_in_use(now);
        self.last_request = Some(LastRequest {
            asked_at: now.tick,
            cache_lifetime: request.cache_lifetime,
        });
        let mut ticket = Ticket {
            request: Some(request),
            ..Ticket::default()
        };
        match self.urgency(now) {
            None | Some(renewal::Urgency::Mandatory) => ticket.flight = self.fetch_if_allowed(now),
            Some(renewal::Urgency::Advisory) => {
                self.fetch_if_allowed(now);
            }
            Some(renewal::Urgency::None) => {}
        }
        if ticket.flight.is_none() && self.valid(now).is_some() {
            if self.probe.rejected_since().is_some() {
                self.recheck_rejected(now, &mut ticket);
            } else {
                self.check_for_rejection(now, request, &mut ticket);
            }
            if !was_in_use {
                ticket.revalidation = self.revalidate_if_due(now);
            }
            ticket.wait_until = Some(now.tick + MAX_REVALIDATION_WAIT);
        }
        ticket
    }

    /// Somebody wants a new credential now, whatever is there and whatever failed. The old one stays until the new one
    /// is in hand.
    pub(crate) fn refresh(&mut self) -> Ticket {
        let flight = self.flight.next();
        if self.flight.current().is_some() {
            self.again = true;
        } else {
            self.start_fetch(None);
        }
        Ticket {
            flight: Some(flight),
            ..Ticket::default()
        }
    }

    /// What the holder of `ticket` is told.
    pub(crate) fn poll(&mut self, now: Now, ticket: Ticket) -> Outcome {
        if self.is_pending(now, ticket) {
            return Outcome::Pending(ticket.wait_until.filter(|until| *until > now.tick));
        }
        self.resolve(now, ticket)
    }

    /// What the holder of `ticket` is told when it can wait no longer; [`Outcome::Pending`] where only waiting would help.
    pub(crate) fn poll_at_deadline(&mut self, now: Now, ticket: Ticket) -> Outcome {
        if self.is_pending(now, ticket) && self.valid(now).is_none() {
            return Outcome::Pending(None);
        }
        self.resolve(now, ticket)
    }

    /// What went wrong with the last fetch; `None` where it went well.
    pub(crate) fn last_error(&self) -> Option<&SourceError> {
        self.retry.error()
    }

    /// A fetch has ended.
    pub(crate) fn on_fetched(
        &mut self,
        now: Now,
        jitter: f64,
        flight: u64,
        result: Result<Credential, SourceError>,
    ) {
        if !self.flight.end(flight) {
            // Forgotten meanwhile: a logout, or another configuration.
            return;
        }
        match result {
            Ok(credential) => self.replace(now, jitter, credential),
            Err(error) => self.fail(now, jitter, error),
        }
        if std::mem::take(&mut self.again) {
            self.start_fetch(None);
        }
    }

    /// The gateway has said what it thinks of the key.
    pub(crate) fn on_probed(&mut self, now: Now, probe: u64, result: ProbeResult) {
        match self.probe.on_probed(now, probe, result) {
            Consequence::None => {}
            Consequence::Reissue => {
                if self.flight.current().is_none() {
                    self.start_fetch(None);
                }
            }
            Consequence::Refetch => {
                self.refetch_if_allowed(now);
            }
        }
    }

    /// A look has ended.
    pub(crate) fn on_revalidated(
        &mut self,
        now: Now,
        jitter: f64,
        revalidation: u64,
        result: Result<Freshness, SourceError>,
    ) {
        if !self.watch.end(revalidation) {
            return;
        }
        match result {
            Ok(Freshness::Fresh) => {
                self.watch.seen(now, jitter);
                if let Some(held) = &mut self.held {
                    held.confirmed = now.tick;
                }
            }
            Ok(Freshness::Stale) => {
                self.watch.failed(now, jitter, None);
                // Whatever the last fetches brought: this one will bring something else.
                if self.flight.current().is_none() {
                    self.start_fetch(None);
                }
            }
            Ok(Freshness::Unknown) => self.watch.forget(),
            Err(error) if error.is_final() => self.fail(now, jitter, error),
            Err(error) => self.watch.failed(now, jitter, error.retry_after()),
        }
    }

    /// The time that [`Slot::next_deadline`] named has come, or may have.
    pub(crate) fn on_timer(&mut self, now: Now) {
        if !self.is_in_use(now) || self.valid(now).is_none() {
            return;
        }
        let is_rejected = self.probe.rejected_since().is_some();
        if is_rejected || self.urgency(now) != Some(renewal::Urgency::None) {
            self.fetch_if_allowed(now);
        }
        self.revalidate_if_due(now);
    }

    /// When the slot next has something to do of itself; `None` while it rests.
    pub(crate) fn next_deadline(&self, now: Now) -> Option<Tick> {
        let held = self.valid(now).filter(|_| self.is_in_use(now))?;
        let fetch = match self.flight.current() {
            // Its landing is waited for.
            Some(_) => None,
            None => {
                let renewal = if self.probe.rejected_since().is_some() {
                    Some(now.tick)
                } else {
                    self.renewal_due(now, held)
                };
                renewal.map(|at| at.max(self.retry.retry_at(now.tick).unwrap_or(at)))
            }
        };
        let revalidation = self.watch.due().filter(|_| self.flight.current().is_none());
        fetch.into_iter().chain(revalidation).min()
    }

    /// Forgets the credential, and whatever is under way; gives back what is to be revoked.
    pub(crate) fn forget(&mut self) -> Option<Arc<Credential>> {
        // Who waits is answered, also who waits for the flight after this one: there is none.
        self.flight.forget();
        if std::mem::take(&mut self.again) {
            self.flight.start();
            self.flight.forget();
        }
        self.drop_held().map(|held| held.credential)
    }

    /// What the broker is to do now, once.
    pub(crate) fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// For `status`.
    pub(crate) fn snapshot(&self, now: Now) -> Snapshot {
        Snapshot {
            credential: self.valid(now).map(|held| Arc::clone(&held.credential)),
            rejected_since: self.probe.rejected_since(),
            seen_current: self.watch.seen_current(),
            last_error: self.last_error().cloned(),
            next_deadline: self.next_deadline(now),
            cache_lifetime: self
                .last_request
                .as_ref()
                .map(|last_request| last_request.cache_lifetime),
        }
    }

    /// What to say where there is nothing to serve.
    pub(crate) fn unavailable(&self, now: Now) -> CredentialUnavailable {
        let reason = match (self.rejected(now), self.last_error()) {
            (Some(rejected), _) => Reason::Rejected(rejected),
            (None, error) => Reason::Source(error.cloned().unwrap_or(SourceError::Forgotten)),
        };
        let next_try = self
            .retry
            .retry_at(now.tick)
            .map_or(Duration::ZERO, |at| at.since(now.tick));
        CredentialUnavailable { reason, next_try }
    }

    /// Whether something is under way that `ticket` waits for.
    fn is_pending(&self, now: Now, ticket: Ticket) -> bool {
        if ticket
            .flight
            .is_some_and(|flight| !self.flight.is_finished(flight))
        {
            return true;
        }
        if ticket
            .probe
            .is_some_and(|probe| !self.probe.is_finished(probe))
        {
            return true;
        }
        let is_flying = self.flight.current().is_some();
        if ticket.probe.is_some() && is_flying && self.probe.rejected_since().is_some() {
            // The flight that the verdict has started.
            return true;
        }
        if ticket.wait_until.is_none_or(|until| now.tick >= until) {
            return false;
        }
        let is_suspected = ticket.probe.is_some()
            && is_flying
            && !matches!(self.probe.result(now.tick), Some(ProbeResult::Accepted));
        is_suspected
            || ticket.refetch.is_some_and(|flight| !self.flight.is_finished(flight))
            // A look that found something new has started a flight.
            || ticket.revalidation.is_some_and(|revalidation| !self.watch.is_finished(revalidation) || is_flying)
    }

    /// What is served or said with what is there.
    fn resolve(&mut self, now: Now, ticket: Ticket) -> Outcome {
        let is_rejected = self.probe.rejected_since().is_some();
        let Some(held) = self.valid(now).filter(|_| !is_rejected) else {
            return Outcome::Failed(self.unavailable(now));
        };
        let credential = Arc::clone(&held.credential);
        if let Some(request) = ticket.request
            && let Some(session) = request.session
        {
            let key = credential.fingerprint();
            self.sessions
                .record(session, &key, now.tick, request.cache_lifetime);
        }
        Outcome::Ready(credential)
    }

    fn rejected(&self, now: Now) -> Option<Rejected> {
        let held = self.valid(now)?;
        Some(Rejected {
            since: self.probe.rejected_since()?,
            fingerprint: held.credential.fingerprint(),
            version: held.credential.version,
            age: now.tick.since(held.first_obtained),
        })
    }

    fn valid(&self, now: Now) -> Option<&Cached> {
        self.held
            .as_ref()
            .filter(|held| !held.credential.is_expired(now))
    }

    /// How soon a successor is needed; `None` where there is nothing to be succeeded.
    fn urgency(&self, now: Now) -> Option<renewal::Urgency> {
        let held = self.valid(now)?;
        let (Some(lifetime), Some(remaining)) =
            (held.credential.lifetime, held.credential.remaining(now))
        else {
            return Some(renewal::Urgency::None);
        };
        let cache_lifetime = self.cache_lifetime();
        let window = renewal::advisory_window(lifetime, cache_lifetime, held.jitter);
        Some(renewal::urgency(
            lifetime,
            remaining,
            window,
            cache_lifetime,
        ))
    }

    /// When the advisory window opens; `None` for a credential without an end.
    fn renewal_due(&self, now: Now, held: &Cached) -> Option<Tick> {
        let lifetime = held.credential.lifetime?;
        let window = renewal::advisory_window(lifetime, self.cache_lifetime(), held.jitter);
        let left = held.credential.remaining(now)?;
        Some(now.tick + left.saturating_sub(window))
    }

    fn cache_lifetime(&self) -> Duration {
        self.last_request
            .as_ref()
            .map_or(Duration::ZERO, |last_request| last_request.cache_lifetime)
    }

    fn is_in_use(&self, now: Now) -> bool {
        self.last_request.as_ref().is_some_and(|last_request| {
            let lifetime = last_request.cache_lifetime.max(SHORTEST_LIFETIME);
            now.tick.since(last_request.asked_at) <= lifetime * IN_USE_LIFETIMES
        })
    }

    /// The flight that will bring a successor, under way or started now; `None` while a failure is too fresh.
    fn fetch_if_allowed(&mut self, now: Now) -> Option<u64> {
        if let Some(flight) = self.flight.current() {
            return Some(flight);
        }
        if self.retry.retry_at(now.tick).is_some() {
            return None;
        }
        let is_rejected = self.probe.rejected_since().is_some();
        let renew = self
            .valid(now)
            .filter(|_| !is_rejected)
            .map(|held| &held.credential)
            .filter(|credential| {
                credential
                    .lease
                    .as_ref()
                    .is_some_and(|lease| lease.renewable)
            })
            .map(Arc::clone);
        Some(self.start_fetch(renew))
    }

    fn start_fetch(&mut self, renew: Option<Arc<Credential>>) -> u64 {
        let flight = self.flight.start();
        self.actions.push(Action::Fetch { flight, renew });
        flight
    }

    /// The look that is under way, or starts now because it is due.
    fn revalidate_if_due(&mut self, now: Now) -> Option<u64> {
        if let Some(revalidation) = self.watch.current() {
            return Some(revalidation);
        }
        if self.flight.current().is_some() || self.watch.due().is_none_or(|due| due > now.tick) {
            return None;
        }
        let held = self.held.as_ref()?;
        let credential = Arc::clone(&held.credential);
        let revalidation = self.watch.start();
        self.actions.push(Action::Revalidate {
            revalidation,
            credential,
        });
        Some(revalidation)
    }

    fn replace(&mut self, now: Now, jitter: f64, credential: Credential) {
        let before = self
            .valid(now)
            .filter(|held| held.credential.secret == credential.secret);
        let is_known = before.is_some();
        let is_no_better = before.is_some_and(|before| {
            let is_rejected = self.probe.rejected_since().is_some();
            let is_no_longer = before.credential.lifetime.is_some()
                && credential.remaining(now) <= before.credential.remaining(now);
            is_rejected || is_no_longer
        });
        let first_obtained = before.map_or(now.tick, |before| before.first_obtained);
        if is_no_better {
            self.retry.add(now.tick, jitter, None);
        } else {
            self.retry = RetryState::default();
        }
        if !is_known {
            self.refetch_limiter = RefetchLimiter::default();
        }
        self.probe.hold(&credential.fingerprint());
        self.watch.obtained(now, jitter);
        self.held = Some(Cached {
            credential: Arc::new(credential),
            first_obtained,
            confirmed: now.tick,
            jitter,
        });
    }

    fn fail(&mut self, now: Now, jitter: f64, error: SourceError) {
        if error.is_final() {
            self.drop_held();
        }
        self.retry.add(now.tick, jitter, Some(error));
    }

    fn drop_held(&mut self) -> Option<Cached> {
        self.probe.forget();
        self.watch.forget();
        self.held.take()
    }
}

#[cfg(test)]
mod tests;
