//! What the driver and a slot exchange: requests, tickets, outcomes, actions and snapshots.

use std::{sync::Arc, time::Duration};

use crate::{
    broker::{
        observer::{DropCause, FetchCause, GrantReason},
        request::AcquireRequest,
    },
    client_kind::HelperContext,
    clock::{Tick, Timestamp},
    credential::Credential,
    gateway::{Inconclusive, ProbeResult},
    metrics::Rejection,
    secret::Fingerprint,
    source::SourceError,
};

/// What the configuration allows a slot to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SlotConfig {
    /// How often the source is asked for a new version while the profile is in use; `None` is
    /// never.
    pub(crate) watch: Option<Duration>,
    /// Whether a gateway can be probed.
    pub(crate) has_gateway: bool,
    /// How long a credential without an expiry is served after it was last seen to be current.
    pub(crate) max_age: Option<Duration>,
}

/// A caller's place in the queue: the operations whose results it waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// When it was drawn.
    pub(super) asked: Tick,
    /// The fetch that brings the credential.
    pub(super) flight: Option<u64>,
    /// The probe that decides whether the cached key may be served.
    pub(super) probe: Option<u64>,
    /// The fetch that may bring a newer key; waited for until `wait_until`.
    pub(super) refetch: Option<u64>,
    /// The revalidation that may start such a fetch; waited for until `wait_until`.
    pub(super) revalidation: Option<u64>,
    /// When the cached key is served although `refetch` or `revalidation` has not finished.
    pub(super) wait_until: Option<Tick>,
    /// The client keeps coming back for the key: it is refused the key if the source has returned
    /// it since then, unless the gateway accepts it.
    pub(super) refuse_if_confirmed_since: Option<Tick>,
    /// Whether the request hints at a 401.
    pub(super) is_suspect: bool,
    /// The request; `None` for a refresh, which no client session is behind.
    pub(super) request: Option<AcquireRequest>,
}

impl Ticket {
    /// What shows that the gateway has rejected the key of the ticket's client, if anything does.
    pub(crate) fn rejection(&self) -> Option<Rejection> {
        let request = self.request?;
        if request.context == HelperContext::Rejected {
            return Some(Rejection::Stated);
        }
        self.is_suspect.then_some(Rejection::Inferred)
    }

    /// How it came about that the caller is served `credential`.
    pub(crate) fn reason(&self, credential: &Credential) -> GrantReason {
        let is_new = credential.obtained.tick >= self.asked;
        match self.rejection() {
            Some(Rejection::Stated) => GrantReason::RejectionStated,
            Some(Rejection::Inferred) => GrantReason::RejectionInferred,
            None if is_new && self.flight.is_none() && self.revalidation.is_some() => {
                GrantReason::Rotation
            }
            None if is_new => GrantReason::Fetched,
            None => GrantReason::Cached,
        }
    }
}

/// What a caller gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The credential.
    Ready(Arc<Credential>),
    /// Nothing yet: poll again after the next change of the slot, or at this time.
    Pending(Option<Tick>),
    /// No credential.
    Failed(CredentialUnavailable),
}

/// Why no credential can be served, and when the source is next asked for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialUnavailable {
    /// The cause.
    pub(crate) reason: Reason,
    /// The time from now until the next attempt may start; zero if it may start at once.
    pub(crate) next_try: Duration,
}

/// Why no credential can be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The source issued none.
    Source(SourceError),
    /// The gateway rejects the key that the source still issues.
    Rejected(Rejected),
    /// A central rotation rejects the key that the source still issues.
    Outdated(Outdated),
    /// A key without an expiry is cached, but for longer than `max_age` it has not been seen to be
    /// the source's current one.
    TooOld {
        /// When it was last seen to be current.
        seen_current: Timestamp,
        /// Why the source has issued none since; `None` if it has not been asked.
        error: Option<Box<SourceError>>,
    },
}

/// A key that the gateway rejects and the source still issues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// When the rejection was first seen.
    pub(crate) since: Timestamp,
    /// The key.
    pub(crate) fingerprint: Fingerprint,
    /// The key's version at the source, if the source has versions.
    pub(crate) version: Option<u64>,
    /// How long ago the key was first obtained.
    pub(crate) age: Duration,
    /// What shows it.
    pub(crate) evidence: Evidence,
}

/// A key that was issued before a central rotation, and that the source still issues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outdated {
    /// The rotation.
    pub(crate) rotate_after: Timestamp,
    /// The key.
    pub(crate) fingerprint: Fingerprint,
    /// The key's version at the source, if the source has versions.
    pub(crate) version: Option<u64>,
    /// When it was issued, or if its issuer does not report that, when it was first obtained.
    pub(crate) issued: Timestamp,
}

/// What shows that the gateway rejects a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// A probe.
    Probe,
    /// The pauses between a client's requests double, as after one 401 after another, although the
    /// source still has the key. No probe can tell: for this reason, or because the gateway is not
    /// probed at all.
    ClientRetries(Option<Box<Inconclusive>>),
}

/// What the driver must do for the slot. It reports the result with the method named below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Renew a lease or have the source issue a credential; then
    /// [`Slot::on_fetched`](super::Slot::on_fetched).
    Fetch {
        /// The fetch's number.
        flight: u64,
        /// The credential whose lease can be renewed, if there is one.
        renew: Option<Arc<Credential>>,
        /// Why.
        cause: FetchCause,
    },
    /// Probe the gateway with this key; then [`Slot::on_probed`](super::Slot::on_probed).
    Probe {
        /// The probe's number.
        probe: u64,
        /// The cached credential.
        credential: Arc<Credential>,
    },
    /// Probe the gateway with a key that may replace the cached one; then
    /// [`Slot::on_successor_probed`](super::Slot::on_successor_probed).
    ProbeSuccessor {
        /// The probe's number.
        probe: u64,
        /// The credential of the source.
        credential: Arc<Credential>,
    },
    /// Ask the source whether this is still its credential; then
    /// [`Slot::on_revalidated`](super::Slot::on_revalidated).
    Revalidate {
        /// The revalidation's number.
        revalidation: u64,
        /// The cached credential.
        credential: Arc<Credential>,
    },
}

/// A change of the credential that follows from an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SlotChange {
    /// A successor that was probed is served from now on.
    Promoted(Arc<Credential>),
    /// The gateway rejects the cached credential.
    Rejected(Arc<Credential>),
    /// The cached credential is dropped.
    Dropped {
        /// The credential.
        credential: Arc<Credential>,
        /// Why.
        cause: DropCause,
    },
}

/// The last probe of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LastProbe {
    /// When it finished.
    pub(crate) at: Timestamp,
    /// What it reported.
    pub(crate) result: ProbeResult,
}

/// What `status` reports about a slot.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The cached credential if it has not expired, rejected or not.
    pub(crate) credential: Option<Arc<Credential>>,
    /// Since when the gateway rejects it.
    pub(crate) rejected_since: Option<Timestamp>,
    /// What shows that the gateway rejects it.
    pub(crate) rejection_evidence: Option<Evidence>,
    /// When it was last known to be the source's current one.
    pub(crate) seen_current: Option<Timestamp>,
    /// The error of the last fetch, unless it succeeded.
    pub(crate) last_error: Option<SourceError>,
    /// The last probe of the credential.
    pub(crate) last_probe: Option<LastProbe>,
    /// A newer credential of the source, which the gateway does not accept yet.
    pub(crate) successor: Option<Arc<Credential>>,
    /// When a credential without an expiry is no longer served, unless it is seen to be current
    /// until then.
    pub(crate) usable_until: Option<Timestamp>,
    /// When the slot next acts without a request.
    pub(crate) next_deadline: Option<Tick>,
    /// The cache lifetime of the last client that sent a request.
    pub(crate) cache_lifetime: Option<Duration>,
}
