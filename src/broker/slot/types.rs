//! What the broker and a slot say to one another.

use std::{sync::Arc, time::Duration};

use crate::{
    client_session::ClientSession,
    clock::{Tick, Timestamp},
    credential::Credential,
    secret::Fingerprint,
    source::SourceError,
};

/// What the configuration lets a slot do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SlotConfig {
    /// How often the source is looked at for a new version while the profile is in use; `None` is never.
    pub(crate) watch: Option<Duration>,
    /// Whether there is a gateway that can be asked.
    pub(crate) has_gateway: bool,
}

/// What a caller says when it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcquireRequest {
    /// How long the client will use the answer.
    pub cache_lifetime: Duration,
    /// The client's process, where it is known.
    pub session: Option<ClientSession>,
}

/// A caller's place in the queue: what it waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// The flight whose landing answers it.
    pub(super) flight: Option<u64>,
    /// The question to the gateway that comes first.
    pub(super) probe: Option<u64>,
    /// The flight that may bring something better, and the look that may start one: waited for until then.
    pub(super) refetch: Option<u64>,
    pub(super) revalidation: Option<u64>,
    pub(super) wait_until: Option<Tick>,
    /// To whom the answer goes.
    pub(super) request: Option<AcquireRequest>,
}

/// What a caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Here it is.
    Ready(Arc<Credential>),
    /// Something is under way that will answer; ask again when something has happened, or at this time.
    Pending(Option<Tick>),
    /// There is none.
    Failed(CredentialUnavailable),
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialUnavailable {
    /// What is wrong.
    pub(crate) reason: Reason,
    /// How long from now until the next try.
    pub(crate) next_try: Duration,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The source gave none.
    Source(SourceError),
    /// The gateway rejects the one that the source still has.
    Rejected(Rejected),
}

/// A key that the gateway rejects and the source still has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rejected {
    /// Since when that is known.
    pub(crate) since: Timestamp,
    /// Which key.
    pub(crate) fingerprint: Fingerprint,
    /// Which version of it the source has, where it has versions.
    pub(crate) version: Option<u64>,
    /// How long ago it was first obtained.
    pub(crate) age: Duration,
}

/// What the broker is to do for the slot. It says so to the slot when it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Have the source issue a credential, or renew this one where that is possible; then [`Slot::on_fetched`](super::Slot::on_fetched).
    Fetch {
        /// The flight's number.
        flight: u64,
        /// The credential whose lease may be renewed.
        renew: Option<Arc<Credential>>,
    },
    /// Ask the gateway about this key; then [`Slot::on_probed`](super::Slot::on_probed).
    Probe {
        /// The question's number.
        probe: u64,
        /// The key.
        credential: Arc<Credential>,
    },
    /// Look whether this is still what the source has; then [`Slot::on_revalidated`](super::Slot::on_revalidated).
    Revalidate {
        /// The look's number.
        revalidation: u64,
        /// What is held.
        credential: Arc<Credential>,
    },
}

/// What `status` shows of a slot.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What is held and alive, rejected or not.
    pub(crate) credential: Option<Arc<Credential>>,
    /// Since when the gateway rejects it.
    pub(crate) rejected_since: Option<Timestamp>,
    /// When it was last known to be what the source has.
    pub(crate) seen_current: Option<Timestamp>,
    /// What went wrong last, unless something has gone right since.
    pub(crate) last_error: Option<SourceError>,
    /// When the slot will act of itself.
    pub(crate) next_deadline: Option<Tick>,
    /// How long the client that asked last uses an answer.
    pub(crate) cache_lifetime: Option<Duration>,
}
