//! Asking a gateway whether it takes a key: the trait that the broker knows.

mod http;

use async_trait::async_trait;

pub(crate) use self::http::HttpGateway;
use crate::secret::Secret;

/// A gateway that can be asked about a key.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Asks. It takes a few seconds at most and costs no tokens.
    async fn probe(&self, key: &Secret) -> ProbeResult;

    /// Whether the gateway's word counts, as far as is known.
    fn calibration(&self) -> Calibration;
}

/// What a gateway says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// It takes it.
    Accepted,
    /// It refuses it.
    Rejected,
    /// It said nothing that one could rely on; what, as the end of a sentence that starts with the gateway.
    Inconclusive(String),
}

/// Whether a gateway's word counts: it is asked about a deliberately wrong key once a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calibration {
    /// It has not been asked yet, or gave no answer that decides it.
    Unknown,
    /// It refuses a wrong key.
    Reliable,
    /// It takes any key: what it says proves nothing.
    AcceptsAnyKey,
}
