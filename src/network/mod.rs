//! HTTP to the servers that a configuration names: the one place that builds clients, and the one
//! that finds out why a response did not arrive.
//!
//! ```text
//! NetworkConfig, principal ─▶ ClientSettings ─▶ HttpClient ─▶ HttpResponse or TransportError
//!                     proxy ──┘      └── roots, files: certificates
//! ```
//!
//! Nothing is read from this process's environment: neither a proxy nor a certificate store. What
//! a server or a proxy writes is a [`ForeignText`], which can be shown only after a check for the
//! secrets that were sent to it ([`RequestSecrets`]).

mod classify;
mod client;
mod error;
mod foreign_text;
#[cfg(feature = "test-util")]
pub(crate) mod fuzzing;
mod presented;
mod proxy;
mod roots;
mod settings;
mod setup_error;

pub use self::error::{ProxyError, ProxyFailure, ProxyOrigin, TlsError, TransportError};
pub(crate) use self::{
    client::{BodyError, HttpClient, HttpResponse},
    foreign_text::{ForeignText, RequestSecrets, one_line},
    settings::ClientSettings,
    setup_error::SetupError,
};
