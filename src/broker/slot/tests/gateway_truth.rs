//! A gateway with a truth for each route and key: what it accepts on messages, and what its probed
//! route tells about that.

use std::collections::BTreeMap;

use super::*;
use crate::{
    gateway::{Calibration, Rejection},
    secret::Fingerprint,
};

/// What the probed route tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProbedRoute {
    /// 200 or 401.
    Checks,
    /// 403 for a good key, 401 for another.
    Restricted,
    /// 200 or 403.
    Forbids,
    /// 200 or 500: no client runs its helper because of it.
    Raises,
    /// 200 for every key.
    AcceptsAny,
    /// 404.
    Missing,
    /// 403 for every key: it wants a header.
    RefusesAll,
    /// There is no probe.
    Off,
}

#[derive(Debug)]
pub(super) struct GatewayTruth {
    route: ProbedRoute,
    pub(super) is_up: bool,
    up_since: Tick,
    pub(super) now: Tick,
    /// The keys that are accepted on messages, and since when.
    accepted: BTreeMap<String, Tick>,
    /// Whether the probed route has accepted a key before: only then a rejection counts.
    has_accepted: bool,
}

impl GatewayTruth {
    /// A gateway that accepts the first key.
    pub(super) fn new(route: ProbedRoute) -> Self {
        Self {
            route,
            is_up: true,
            up_since: Tick::default(),
            now: Tick::default(),
            accepted: BTreeMap::from([("k1".to_owned(), Tick::default())]),
            has_accepted: false,
        }
    }

    pub(super) fn is_probed(&self) -> bool {
        self.route != ProbedRoute::Off
    }

    pub(super) fn set_up(&mut self, is_up: bool) {
        if is_up && !self.is_up {
            self.up_since = self.now;
        }
        self.is_up = is_up;
    }

    pub(super) fn accept(&mut self, key: String) {
        self.accepted.entry(key).or_insert(self.now);
    }

    pub(super) fn revoke(&mut self, key: &str) {
        self.accepted.remove(key);
    }

    /// Whether messages with this key are answered.
    pub(super) fn accepts(&self, key: &str) -> bool {
        self.accepted.contains_key(key)
    }

    /// Since when the key with this fingerprint is accepted on messages; `None` also while the
    /// gateway is down.
    pub(super) fn accepted_since(&self, fingerprint: &Fingerprint) -> Option<Tick> {
        let of = |key: &str| Secret::new(key.to_owned()).fingerprint();
        let mut accepted = self.accepted.iter();
        let (_, since) = accepted.find(|(key, _)| of(key) == *fingerprint)?;
        self.is_up.then_some((*since).max(self.up_since))
    }

    /// Whether a client that is refused runs its helper again.
    pub(super) fn tells_clients(&self) -> bool {
        self.route != ProbedRoute::Raises
    }

    /// Whether a probe now tells the truth about every key.
    pub(super) fn can_tell(&self) -> bool {
        let can_check = matches!(
            self.route,
            ProbedRoute::Checks
                | ProbedRoute::Restricted
                | ProbedRoute::Forbids
                | ProbedRoute::Raises
        );
        self.is_up && can_check && self.has_accepted
    }

    pub(super) fn calibration(&self) -> Calibration {
        match self.route {
            _ if !self.is_up => Calibration::Unknown,
            ProbedRoute::Checks | ProbedRoute::Restricted => {
                Calibration::Reliable(Rejection::Unauthorized)
            }
            ProbedRoute::Forbids | ProbedRoute::RefusesAll => {
                Calibration::Reliable(Rejection::Forbidden)
            }
            ProbedRoute::Raises => Calibration::Reliable(Rejection::Other),
            ProbedRoute::AcceptsAny => Calibration::AcceptsAnyKey,
            ProbedRoute::Missing | ProbedRoute::Off => Calibration::NoRoute,
        }
    }

    /// What a probe with `key` reports, as the gateway's implementation decides it.
    pub(super) fn probe(&mut self, key: &str) -> ProbeResult {
        if !self.is_up {
            return inconclusive();
        }
        let is_accepted = self.accepts(key);
        let result = match self.route {
            ProbedRoute::AcceptsAny | ProbedRoute::Off => {
                ProbeResult::Inconclusive(Inconclusive::AcceptsAnyKey)
            }
            ProbedRoute::Missing => {
                ProbeResult::Inconclusive(Inconclusive::NoRoute { status: 404 })
            }
            ProbedRoute::RefusesAll => {
                ProbeResult::Inconclusive(Inconclusive::Unproven { status: 403 })
            }
            ProbedRoute::Restricted if is_accepted => ProbeResult::Known,
            _ if is_accepted => ProbeResult::Accepted,
            _ if self.has_accepted => ProbeResult::Rejected,
            _ => ProbeResult::Inconclusive(Inconclusive::Unproven { status: 401 }),
        };
        self.has_accepted |= matches!(result, ProbeResult::Accepted | ProbeResult::Known);
        result
    }
}
