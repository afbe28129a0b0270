//! A slot with a source and a gateway, and a simple reference to compare the slot with.
//!
//! The reference contains only what has arrived: the credentials that were fetched since the last
//! final error or logout, and what the gateway has reported about each. Whatever the slot does, it
//! may serve nothing else.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::{gateway_truth::GatewayTruth, *};
use crate::secret::Fingerprint;

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

/// A request that was sent to the source or to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upstream {
    Fetch,
    Probe,
    Revalidate,
}

/// A caller that waits.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) pid: u32,
    pub(super) ticket: Ticket,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) now: Now,
    pub(super) slot: Slot,
    /// The actions under way, oldest first.
    pub(super) actions: VecDeque<Action>,
    pub(super) callers: Vec<Caller>,
    pub(super) source: SourceHealth,
    pub(super) gateway: GatewayTruth,
    /// The number of the source's current key.
    pub(super) key: u32,
    version: u64,
    /// Counts what makes a key as good as a new one: a refresh, a logout, a new version, a change
    /// at the gateway.
    pub(super) epoch: u32,
    lifetime: Option<u64>,
    pub(super) upstream: Vec<(Tick, Upstream)>,
    /// The fetches and probes that an event justifies, whatever the limits.
    pub(super) justified: usize,
    /// The reference: what was fetched, the latest last.
    arrived: Vec<Credential>,
    /// The reference: the key that the gateway has rejected last.
    rejected: Option<String>,
}

impl World {
    pub(super) fn new(lifetime: Option<u64>, watch: bool, gateway: GatewayTruth) -> Self {
        Self {
            now: at(0),
            slot: Slot::new(SlotConfig {
                watch: watch.then_some(Duration::from_secs(30)),
                has_gateway: gateway.is_probed(),
                max_age: Some(Duration::from_secs(43_200)),
            }),
            actions: VecDeque::new(),
            callers: Vec::new(),
            source: SourceHealth::Up,
            gateway,
            key: 1,
            version: 1,
            epoch: 0,
            lifetime,
            upstream: Vec::new(),
            justified: 0,
            arrived: Vec::new(),
            rejected: None,
        }
    }

    /// The source's current key.
    pub(super) fn key_name(&self) -> String {
        format!("k{}", self.key)
    }

    pub(super) fn acquire(&mut self, pid: u32, request: AcquireRequest) {
        let ticket = self.slot.acquire(self.now, request);
        self.callers.push(Caller { pid, ticket });
        self.collect();
    }

    pub(super) fn refresh(&mut self) {
        self.justified += 2;
        self.epoch += 1;
        let ticket = self.slot.refresh();
        self.callers.push(Caller { pid: 0, ticket });
        self.rejected = None;
        self.collect();
    }

    /// Whether the gateway has accepted the key with this fingerprint on messages for longer.
    pub(super) fn has_been_accepted_for(&self, key: &Fingerprint, span: Duration) -> bool {
        let since = self.gateway.accepted_since(key);
        since.is_some_and(|since| self.now.tick.since(since) > span)
    }

    /// Time passes by both clocks.
    pub(super) fn sleep(&mut self, by: Duration) {
        self.now.tick = self.now.tick + by;
        self.now.wall = self.now.wall.saturating_add(by).unwrap();
    }

    /// The wall clock is changed.
    pub(super) fn set_wall(&mut self, seconds: i64) {
        let by = jiff::SignedDuration::from_secs(seconds);
        self.now.wall = self.now.wall.saturating_add(by).unwrap();
    }

    /// The timer fires, due or not.
    pub(super) fn timer(&mut self) {
        self.slot.on_timer(self.now);
        self.collect();
    }

    /// The source gets a new key.
    pub(super) fn rotate(&mut self) {
        self.key += 1;
        self.new_version();
    }

    /// The source gets a new version with the same key.
    pub(super) fn new_version(&mut self) {
        self.version += 1;
        self.epoch += 1;
        // A revalidation that notices it, a trial with a probe of each key, a rejection.
        self.justified += 5;
    }

    /// The gateway takes or refuses other keys from now on.
    pub(super) fn change_gateway(&mut self, change: impl FnOnce(&mut GatewayTruth)) {
        self.gateway.now = self.now.tick;
        self.epoch += 1;
        change(&mut self.gateway);
        self.justified += 3;
    }

    pub(super) fn log_out(&mut self) {
        self.slot.forget();
        self.justified += 2;
        self.epoch += 1;
        self.arrived.clear();
        self.rejected = None;
        self.collect();
    }

    fn collect(&mut self) {
        for action in self.slot.take_actions() {
            let upstream = match action {
                Action::Fetch { .. } => Upstream::Fetch,
                Action::Probe { .. } | Action::ProbeSuccessor { .. } => Upstream::Probe,
                Action::Revalidate { .. } => Upstream::Revalidate,
            };
            self.upstream.push((self.now.tick, upstream));
            self.actions.push_back(action);
        }
    }

    /// Finishes the oldest action, as the source and the gateway are now.
    pub(super) fn finish(&mut self, jitter: f64) {
        match self.actions.pop_front() {
            None => {}
            Some(Action::Fetch { flight, .. }) => self.finish_fetch(jitter, flight),
            Some(Action::Probe { probe, credential }) => {
                let key = credential.secret.expose();
                let result = self.gateway.probe(key);
                let is_wanted = !self.slot.probe.is_finished(probe);
                self.learn(is_wanted, key, &result);
                self.slot.on_calibrated(self.gateway.calibration());
                self.slot.on_probed(self.now, probe, result);
            }
            Some(Action::ProbeSuccessor { probe, credential }) => {
                let key = credential.secret.expose();
                let result = self.gateway.probe(key);
                let successor = self.slot.successor.as_ref();
                let is_wanted = successor.is_some_and(|successor| {
                    successor.is_undecided() && successor.cached.credential.secret.expose() == key
                });
                self.learn(is_wanted, key, &result);
                self.slot.on_calibrated(self.gateway.calibration());
                self.slot.on_successor_probed(self.now, probe, result);
            }
            Some(Action::Revalidate {
                revalidation,
                credential,
            }) => self.finish_revalidation(jitter, revalidation, &credential),
        }
        self.collect();
    }

    /// Finishes all actions, and those that follow.
    pub(super) fn finish_all(&mut self, jitter: f64) {
        while !self.actions.is_empty() {
            self.finish(jitter);
        }
    }

    fn finish_fetch(&mut self, jitter: f64, flight: u64) {
        let is_wanted = self.slot.flight.current() == Some(flight);
        let result = match self.source {
            SourceHealth::Up => Ok(Credential {
                version: Some(self.version),
                ..key(&self.key_name(), self.now, self.lifetime)
            }),
            SourceHealth::Down => Err(down()),
            SourceHealth::Denying => Err(denied()),
        };
        if is_wanted {
            match &result {
                Ok(credential) => {
                    let is_new_version = self
                        .arrived
                        .last()
                        .is_none_or(|last| last.version != credential.version);
                    if is_new_version
                        && self.rejected.as_deref() == Some(credential.secret.expose())
                    {
                        self.rejected = None;
                    }
                    self.arrived.push(credential.clone());
                }
                Err(error) if error.is_final() => {
                    self.arrived.clear();
                    self.rejected = None;
                }
                Err(_) => {}
            }
        }
        self.slot.on_fetched(self.now, jitter, flight, result);
    }

    fn finish_revalidation(&mut self, jitter: f64, revalidation: u64, credential: &Credential) {
        let is_wanted = !self.slot.watch.is_finished(revalidation);
        let result = match self.source {
            SourceHealth::Up if credential.version == Some(self.version) => Ok(Freshness::Fresh),
            SourceHealth::Up => Ok(Freshness::Stale),
            SourceHealth::Down => Err(down()),
            SourceHealth::Denying => Err(denied()),
        };
        if is_wanted && result == Err(denied()) {
            self.arrived.clear();
            self.rejected = None;
        }
        if is_wanted && result == Ok(Freshness::Stale) {
            self.justified += 1;
        }
        self.slot
            .on_revalidated(self.now, jitter, revalidation, result);
    }

    fn learn(&mut self, is_wanted: bool, key: &str, result: &ProbeResult) {
        match result {
            ProbeResult::Rejected if is_wanted => {
                self.justified += 1;
                self.rejected = Some(key.to_owned());
            }
            ProbeResult::Accepted | ProbeResult::Known
                if is_wanted && self.rejected.as_deref() == Some(key) =>
            {
                self.rejected = None;
            }
            _ => {}
        }
    }

    /// Answers the callers that need not wait: the process, and what it gets.
    pub(super) fn answer(&mut self) -> Result<Vec<(u32, Outcome)>, TestCaseError> {
        let mut answers = Vec::new();
        for caller in mem::take(&mut self.callers) {
            match self.slot.poll(self.now, caller.ticket) {
                Outcome::Pending(poll_at) => {
                    prop_assert!(
                        !self.actions.is_empty() || poll_at.is_some(),
                        "pending without an action or a time"
                    );
                    self.callers.push(caller);
                }
                outcome => {
                    self.check(&outcome)?;
                    answers.push((caller.pid, outcome));
                }
            }
        }
        Ok(answers)
    }

    /// Checks what is true of every answer.
    fn check(&self, outcome: &Outcome) -> Result<(), TestCaseError> {
        let latest = self.arrived.last();
        match outcome {
            Outcome::Ready(credential) => {
                let has_arrived = self.arrived.iter().any(|one| *one == **credential);
                prop_assert!(has_arrived, "served what the source has not returned");
                prop_assert!(!credential.is_expired(self.now), "served after its expiry");
                let is_rejected = self.rejected.as_deref() == Some(credential.secret.expose());
                prop_assert!(!is_rejected, "served although it was rejected");
                let is_latest = latest.is_some_and(|latest| latest.secret == credential.secret);
                prop_assert!(
                    is_latest || self.slot.successor.is_some(),
                    "served an old key although its successor is not being tried"
                );
            }
            Outcome::Failed(CredentialUnavailable {
                reason: Reason::Source(_),
                ..
            }) => {
                let is_valid = latest.is_some_and(|last| !last.is_expired(self.now));
                prop_assert!(!is_valid, "failed although a valid credential is cached");
            }
            Outcome::Failed(_) | Outcome::Pending(_) => {}
        }
        Ok(())
    }

    /// Checks what is true at any time.
    pub(super) fn check_state(&self) -> Result<(), TestCaseError> {
        let count = |kind: fn(&Action) -> bool| self.actions.iter().filter(|a| kind(a)).count();
        let fetches = self.actions.iter().filter(|action| match action {
            Action::Fetch { flight, .. } => self.slot.flight.current() == Some(*flight),
            _ => false,
        });
        prop_assert!(fetches.count() <= 1, "two flights at once");
        prop_assert!(
            self.slot.successor.is_none()
                || count(|action| matches!(action, Action::ProbeSuccessor { .. })) <= 2,
            "a pile of trials"
        );
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
