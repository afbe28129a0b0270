//! A slot with a source, a gateway and clients, and a simple reference to compare the slot with.
//!
//! The reference contains only what has arrived: the last credential that was fetched, unless a
//! final error has dropped it, and the key that the gateway has rejected, unless it has accepted it
//! since. Whatever the slot does, it may serve nothing else.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// An event in the world.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Acquire {
        pid: u32,
        cache_lifetime: u64,
    },
    Refresh,
    /// Time passes by both clocks.
    Sleep {
        seconds: u64,
    },
    /// The timer fires, due or not.
    Timer,
    /// The wall clock is changed by so many seconds.
    SetWall {
        by: i64,
    },
    /// The source gets a new key; with `revoke` the gateway rejects the old one from now on.
    Rotate {
        revoke: bool,
    },
    SetSource(SourceHealth),
    SetGateway {
        up: bool,
    },
    /// The oldest action under way finishes.
    Finish,
    Logout,
}

/// What the source answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourceHealth {
    /// The current key.
    Up,
    /// Nothing.
    Down,
    /// A final error.
    Denying,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Now,
    pub(super) slot: Slot,
    /// The actions under way, oldest first.
    pub(super) actions: VecDeque<Action>,
    tickets: Vec<Ticket>,
    source: SourceHealth,
    gateway_is_up: bool,
    /// The number of the source's current key.
    key: u32,
    lifetime: Option<u64>,
    revoked: Vec<String>,
    pub(super) fetched_at: Vec<Tick>,
    /// The fetches that an event justifies, whatever the back-off.
    pub(super) justified_fetches: usize,
    /// The reference: the credential that may be served.
    last: Option<Credential>,
    /// The reference: the key that may not be served.
    rejected: Option<String>,
}

impl World {
    pub(super) fn new(lifetime: Option<u64>, watch: bool) -> Self {
        Self {
            now: at(0),
            slot: Slot::new(SlotConfig {
                watch: watch.then_some(Duration::from_secs(30)),
                has_gateway: true,
                max_age: None,
            }),
            actions: VecDeque::new(),
            tickets: Vec::new(),
            source: SourceHealth::Up,
            gateway_is_up: true,
            key: 1,
            lifetime,
            revoked: Vec::new(),
            fetched_at: Vec::new(),
            justified_fetches: 0,
            last: None,
            rejected: None,
        }
    }

    fn key_name(&self) -> String {
        format!("k{}", self.key)
    }

    pub(super) fn apply(&mut self, event: Event, jitter: f64) {
        match event {
            Event::Acquire {
                pid,
                cache_lifetime,
            } => {
                let request = AcquireRequest::new(
                    Duration::from_secs(cache_lifetime),
                    Some(ClientSession { pid, started: 0 }),
                );
                self.tickets.push(self.slot.acquire(self.now, request));
            }
            Event::Refresh => {
                self.justified_fetches += 1;
                self.tickets.push(self.slot.refresh());
            }
            Event::Sleep { seconds } => {
                let by = Duration::from_secs(seconds);
                self.now.tick = self.now.tick + by;
                self.now.wall = self.now.wall.saturating_add(by).unwrap();
            }
            Event::Timer => self.slot.on_timer(self.now),
            Event::SetWall { by } => {
                let by = jiff::SignedDuration::from_secs(by);
                self.now.wall = self.now.wall.saturating_add(by).unwrap();
            }
            Event::Rotate { revoke } => {
                if revoke {
                    self.revoked.push(self.key_name());
                }
                self.key += 1;
                // One for a revalidation that notices it, one for a rejection of the old key.
                self.justified_fetches += 2;
            }
            Event::SetSource(source) => self.source = source,
            Event::SetGateway { up } => self.gateway_is_up = up,
            Event::Finish => self.finish(jitter),
            Event::Logout => {
                self.slot.forget();
                self.justified_fetches += 1;
                self.last = None;
                self.rejected = None;
            }
        }
        for action in self.slot.take_actions() {
            if matches!(action, Action::Fetch { .. }) {
                self.fetched_at.push(self.now.tick);
            }
            self.actions.push_back(action);
        }
    }

    /// Finishes the oldest action, as the source and the gateway are now.
    fn finish(&mut self, jitter: f64) {
        match self.actions.pop_front() {
            None => {}
            Some(Action::Fetch { flight, .. }) => {
                let is_wanted = self.slot.flight.current() == Some(flight);
                let result = match self.source {
                    SourceHealth::Up => Ok(key(&self.key_name(), self.now, self.lifetime)),
                    SourceHealth::Down => Err(down()),
                    SourceHealth::Denying => Err(denied()),
                };
                if is_wanted {
                    match &result {
                        Ok(credential) => {
                            if self.rejected.as_deref() != Some(credential.secret.expose()) {
                                self.rejected = None;
                            }
                            self.last = Some(credential.clone());
                        }
                        Err(error) if error.is_final() => {
                            self.last = None;
                            self.rejected = None;
                        }
                        Err(_) => {}
                    }
                }
                self.slot.on_fetched(self.now, jitter, flight, result);
            }
            Some(Action::Probe { probe, credential }) => {
                let name = credential.secret.expose().to_owned();
                let result = match (self.gateway_is_up, self.revoked.contains(&name)) {
                    (false, _) => inconclusive(),
                    (true, true) => ProbeResult::Rejected,
                    (true, false) => ProbeResult::Accepted,
                };
                let is_wanted = !self.slot.probe.is_finished(probe);
                if is_wanted && result == ProbeResult::Rejected {
                    self.justified_fetches += 1;
                    self.rejected = Some(name);
                } else if is_wanted && result == ProbeResult::Accepted {
                    self.rejected = None;
                }
                self.slot.on_probed(self.now, probe, result);
            }
            Some(Action::Revalidate {
                revalidation,
                credential,
            }) => {
                let is_wanted = !self.slot.watch.is_finished(revalidation);
                let result = match self.source {
                    SourceHealth::Up if credential.secret.expose() == self.key_name() => {
                        Ok(Freshness::Fresh)
                    }
                    SourceHealth::Up => Ok(Freshness::Stale),
                    SourceHealth::Down => Err(down()),
                    SourceHealth::Denying => Err(denied()),
                };
                if is_wanted && result == Err(denied()) {
                    self.last = None;
                    self.rejected = None;
                }
                if is_wanted && result == Ok(Freshness::Stale) {
                    self.justified_fetches += 1;
                }
                self.slot
                    .on_revalidated(self.now, jitter, revalidation, result);
            }
        }
    }

    /// Checks what must be true after each event.
    pub(super) fn check(&mut self) -> Result<(), TestCaseError> {
        let fetches = self.actions.iter().filter(|action| match action {
            Action::Fetch { flight, .. } => self.slot.flight.current() == Some(*flight),
            _ => false,
        });
        prop_assert!(fetches.count() <= 1, "two flights at once");

        let waiting = mem::take(&mut self.tickets);
        for ticket in waiting {
            match self.slot.poll(self.now, ticket) {
                Outcome::Ready(credential) => {
                    prop_assert_eq!(
                        Some(&*credential),
                        self.last.as_ref(),
                        "served another than the last credential"
                    );
                    prop_assert!(!credential.is_expired(self.now), "served after its expiry");
                    let is_rejected = self.rejected.as_deref() == Some(credential.secret.expose());
                    prop_assert!(!is_rejected, "served although it was rejected");
                }
                Outcome::Failed(_) => {
                    let is_valid = self
                        .last
                        .as_ref()
                        .is_some_and(|last| !last.is_expired(self.now));
                    prop_assert!(
                        !is_valid || self.rejected.is_some(),
                        "failed although a valid credential is cached"
                    );
                }
                Outcome::Pending(poll_at) => {
                    prop_assert!(
                        !self.actions.is_empty() || poll_at.is_some(),
                        "pending without an action or a time"
                    );
                    self.tickets.push(ticket);
                }
            }
        }

        if let Some(cached) = self.slot.valid(self.now)
            && let Some(remaining) = cached.credential.remaining(self.now)
        {
            let renewal = self.slot.renewal_due(self.now, cached);
            prop_assert!(
                renewal.unwrap() < self.now.tick + remaining,
                "renewal due after the expiry"
            );
        }
        Ok(())
    }
}
