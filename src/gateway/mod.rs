//! Asking a gateway whether it takes a key: the trait that the broker knows.

mod http;

use async_trait::async_trait;

pub use self::http::HttpGateway;
use crate::secret::Secret;

/// A gateway that can be asked about a key.
#[async_trait]
pub trait Gateway: Send + Sync {
    /// Asks. It takes a few seconds at most and costs no tokens.
    async fn verdict(&self, key: &Secret) -> Verdict;

    /// Whether the gateway's word counts, as far as is known.
    fn standing(&self) -> Standing;
}

/// What a gateway says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It takes it.
    Good,
    /// It refuses it.
    Rejected,
    /// It said nothing that one could rely on; what, as the end of a sentence that starts with the gateway.
    Unclear(String),
}

/// Whether a gateway's word counts: it is asked about a deliberately wrong key once a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has not been asked yet, or gave no answer that decides it.
    Unknown,
    /// It refuses a wrong key.
    Counts,
    /// It takes any key: what it says proves nothing.
    TakesAnyKey,
}
