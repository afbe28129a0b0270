//! Probing a gateway: does it accept a key? The trait that the broker knows, and its answers.

pub(crate) mod http;

use async_trait::async_trait;

pub(crate) use self::http::HttpGateway;
use crate::secret::Secret;

/// A gateway that can be probed with a key.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Probes the gateway with `key`. Returns within a few seconds and costs no tokens.
    async fn probe(&self, key: &Secret) -> ProbeResult;

    /// Whether the gateway's answers are reliable, as far as is known.
    fn calibration(&self) -> Calibration;
}

/// What a probe reports about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// The gateway accepts the key.
    Accepted,
    /// The gateway rejects the key.
    Rejected,
    /// The probe proves nothing, for this reason: "timed out after 2 s".
    Inconclusive(String),
}

/// Whether a gateway's answers are reliable: once a day it is probed with an invalid key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calibration {
    /// The gateway has not been probed with an invalid key yet, or the probe was inconclusive.
    Unknown,
    /// The gateway rejects an invalid key.
    Reliable,
    /// The gateway accepts an invalid key, so accepting one proves nothing.
    AcceptsAnyKey,
}
