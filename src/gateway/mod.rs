//! Probing a gateway: does it accept a key? The trait that the broker knows, and its answers.

pub(crate) mod http;
mod inconclusive;

use async_trait::async_trait;

pub(crate) use self::http::HttpGateway;
pub(crate) use self::inconclusive::Inconclusive;
use crate::secret::Secret;

/// A gateway that can be probed with a key.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Probes the gateway with `key`. Returns within a few seconds and costs no tokens.
    async fn probe(&self, key: &Secret) -> ProbeResult;

    /// Whether the gateway's answers are reliable for the key that was probed last, as far as is
    /// known.
    fn calibration(&self) -> Calibration;

    /// Forgets the calibration, and what was learnt from keys other than those that the gateway
    /// itself has accepted: a user has asked for a refresh, because the gateway may have changed.
    fn recalibrate(&self);

    /// Closes the idle connections, whose buffers may contain keys. What was learnt stays: it
    /// contains no key.
    fn forget(&self) {}
}

/// What a probe reports about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// The gateway accepts the key.
    Accepted,
    /// The gateway does not allow the key on the probed route, and answers a wrong key in another
    /// way: it knows this one.
    Known,
    /// The gateway rejects the key.
    Rejected,
    /// The probe proves nothing, for this reason.
    Inconclusive(Inconclusive),
}

impl ProbeResult {
    /// The name in `status` and in the metrics.
    #[must_use]
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Known => "known",
            Self::Rejected => "rejected",
            Self::Inconclusive(_) => "inconclusive",
        }
    }

    /// Whether the gateway has told the key apart from a wrong one.
    #[must_use]
    pub(crate) fn is_accepting(&self) -> bool {
        matches!(self, Self::Accepted | Self::Known)
    }
}

/// Whether a gateway's answers are reliable: once a day it is probed with a wrong key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calibration {
    /// The gateway has not been probed with a wrong key yet, or the probe was inconclusive.
    Unknown,
    /// The gateway rejects a wrong key, in this way.
    Reliable(Rejection),
    /// The gateway accepts a wrong key, so accepting one proves nothing.
    AcceptsAnyKey,
    /// The gateway lacks the probed route, whatever the key.
    NoRoute,
}

/// How a gateway rejects a key, which decides what a client makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// 401: the client runs its helper again.
    Unauthorized,
    /// 403: recent clients run their helper again, older ones end the turn.
    Forbidden,
    /// Another status, such as 400 or 500: the client does not run its helper.
    Other,
}
