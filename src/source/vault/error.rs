//! Why a request has no result.

use super::{error_response::ErrorResponse, response::MalformedResponse};
use crate::{network::TransportError, source::SourceError};

/// Why a request has no result. [`super::status`] turns it into a [`SourceError`].
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum RequestError {
    /// No response arrived.
    #[error("{0}")]
    NoResponse(TransportError),
    /// The status is not a success.
    #[error("status {}", .0.status)]
    Status(ErrorResponse),
    /// A redirect that is not followed.
    #[error("redirected to '{to}'")]
    Redirected {
        /// The host and port, with the scheme if that is the reason.
        to: String,
        /// Why it is not followed: "which 'redirect_hosts' does not list".
        reason: String,
    },
    /// A web page instead of JSON.
    #[error("a web page (status {})", .0.status)]
    WebPage(ErrorResponse),
    /// The response is not Vault's.
    #[error(transparent)]
    Malformed(#[from] MalformedResponse),
    /// The request was not sent, because of an error on this machine.
    #[error(transparent)]
    NotSent(#[from] SourceError),
}
