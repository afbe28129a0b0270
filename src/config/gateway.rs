//! A gateway's address, and whether a client's `ANTHROPIC_BASE_URL` means it.

use url::Url;

/// A gateway's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayUrl(Url);

impl GatewayUrl {
    /// The address.
    #[must_use]
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}
