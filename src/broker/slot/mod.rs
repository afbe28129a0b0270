//! What the broker knows of one profile's credential, and what follows from it. Pure: no clock, no chance, no I/O.
//!
//! The broker tells the slot what happened ([`Slot::acquire`], [`Slot::on_fetched`], [`Slot::on_probed`], [`Slot::on_revalidated`],
//! [`Slot::on_timer`]) and asks it what to answer ([`Slot::poll`]) and what to do ([`Slot::take_actions`]). At most one
//! fetch is under way at any time: that is the single flight. The same goes for questions to the gateway and for looks
//! at the source's version.

mod fetching;
mod in_flight;
mod poll;
mod probe;
mod refetch_limiter;
mod rejection;
mod retry_state;
mod schedule;
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

/// How long a caller waits, who could be served, for the source to say that there is nothing newer: the first one after a
/// rest, and one whose key may be dead. A 401 would cost the client about as much.
const MAX_REVALIDATION_WAIT: Duration = Duration::from_secs(1);

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    config: SlotConfig,
    cached: Option<Cached>,
    flight: InFlight,
    /// A refresh came while a flight was under way that may have looked before the change: fly once more.
    follow_up_queued: bool,
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
            self.follow_up_queued = true;
        } else {
            self.start_fetch(None);
        }
        Ticket {
            flight: Some(flight),
            ..Ticket::default()
        }
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
            Ok(credential) => self.store(now, jitter, credential),
            Err(error) => self.record_failure(now, jitter, error),
        }
        if std::mem::take(&mut self.follow_up_queued) {
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
                if let Some(cached) = &mut self.cached {
                    cached.confirmed = now.tick;
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
            Err(error) if error.is_final() => self.record_failure(now, jitter, error),
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

    /// Forgets the credential, and whatever is under way; gives back what is to be revoked.
    pub(crate) fn forget(&mut self) -> Option<Arc<Credential>> {
        // Who waits is answered, also who waits for the flight after this one: there is none.
        self.flight.forget();
        if std::mem::take(&mut self.follow_up_queued) {
            self.flight.start();
            self.flight.forget();
        }
        self.drop_cached().map(|cached| cached.credential)
    }

    /// What the broker is to do now, once.
    pub(crate) fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }
}

#[cfg(test)]
mod tests;
