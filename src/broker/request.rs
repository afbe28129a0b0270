//! A client's request for the credential: what it says about itself.

use std::time::Duration;

use crate::{
    client_kind::{ClientKind, HelperContext},
    client_session::ClientSession,
};

/// A client's request for the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcquireRequest {
    /// How long the client will use the credential before it requests one again.
    pub cache_lifetime: Duration,
    /// The client's process, if known.
    pub session: Option<ClientSession>,
    /// The client's program.
    pub client: ClientKind,
    /// Why the client asks, if it says so.
    pub context: HelperContext,
    /// Whether the key is for the headers of an MCP server or of telemetry, which several helpers
    /// of one client request beside the key for the gateway.
    pub is_for_headers: bool,
}

#[cfg(test)]
impl AcquireRequest {
    /// The request of a Claude Code that does not say why it asks.
    #[must_use]
    pub(crate) const fn new(cache_lifetime: Duration, session: Option<ClientSession>) -> Self {
        Self {
            cache_lifetime,
            session,
            client: ClientKind::ClaudeCode,
            context: HelperContext::Unstated,
            is_for_headers: false,
        }
    }
}
