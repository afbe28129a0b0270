//! What a run of the helper means, for each client.
//!
//! Measured with the clients themselves; a new client is a new row.

use std::time::Duration;

use crate::client_kind::ClientKind;

/// The shortest cache lifetime with which an early request carries information. A client that
/// caches for less comes back as early without a 401 as with one.
pub(crate) const MIN_INFORMATIVE_LIFETIME: Duration = Duration::from_secs(5);

/// What the requests of a client tell about 401s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// What an early request tells.
    pub(super) early_request: EarlyRequest,
    /// The shortest time in which the client meets a 401 and comes back for it. An earlier request,
    /// one of many shims with the same parent process for example, justifies a probe at most.
    pub(super) min_retry_delay: Duration,
    /// Whether the client runs the helper again because of a 401 at all. If not, a rejected key is
    /// found only by verifying it.
    pub(crate) retries: bool,
}

/// What a request within the cache lifetime tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EarlyRequest {
    /// The gateway may have rejected the key.
    PossibleReject,
    /// Nothing: the client requests a key as often without a 401.
    Uninformative,
    /// Nothing, and a client that meets a 401 says so.
    Nothing,
}

/// The rule for a client of this kind that caches a key for `cache_lifetime`.
#[must_use]
pub(crate) fn rule(client: ClientKind, cache_lifetime: Duration) -> Rule {
    let millis = Duration::from_millis;
    match client {
        // 1.1 s after a 401, 0.6 s in 2.1.197.
        ClientKind::ClaudeCode => Rule {
            early_request: informative_if(cache_lifetime),
            min_retry_delay: millis(500),
            retries: true,
        },
        // Sets CLAUDE_HELPER_CONTEXT after a 401.
        ClientKind::ClaudeDesktop => Rule {
            early_request: EarlyRequest::Nothing,
            min_retry_delay: millis(500),
            retries: true,
        },
        // 0.2 s after a 401.
        ClientKind::Codex => Rule {
            early_request: informative_if(cache_lifetime),
            min_retry_delay: millis(100),
            retries: true,
        },
        // At every request; about 1.1 s after a 401.
        ClientKind::Copilot => Rule {
            early_request: EarlyRequest::Uninformative,
            min_retry_delay: millis(800),
            retries: true,
        },
        // At every request. A 401 ends the turn: a request at once shows that there was none, and
        // one after a 401 follows the next prompt.
        ClientKind::Pi => Rule {
            early_request: EarlyRequest::Uninformative,
            min_retry_delay: millis(1000),
            retries: true,
        },
        // A tool that runs with one key asks for no other.
        ClientKind::Hermes | ClientKind::Exec => Rule {
            early_request: EarlyRequest::Nothing,
            min_retry_delay: millis(500),
            retries: false,
        },
    }
}

/// Whether a client of this kind requests the key only if it needs another one, not at every
/// request to the gateway.
#[must_use]
pub(crate) fn is_informative(client: ClientKind) -> bool {
    rule(client, Duration::MAX).early_request != EarlyRequest::Uninformative
}

fn informative_if(cache_lifetime: Duration) -> EarlyRequest {
    if cache_lifetime < MIN_INFORMATIVE_LIFETIME {
        EarlyRequest::Uninformative
    } else {
        EarlyRequest::PossibleReject
    }
}
