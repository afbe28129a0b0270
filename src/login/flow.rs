//! How the user can sign in.

/// How the user can sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// As configured.
    Configured,
    /// On any device (RFC 8628).
    Device,
    /// On any device if the server offers that: no browser can be opened here.
    NoBrowser,
}
