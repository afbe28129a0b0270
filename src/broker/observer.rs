//! What the broker reports about credentials as it happens: for the record of an audit.
//!
//! The broker knows this trait and no implementation. An observer must return at once.

use std::sync::Arc;

use crate::{
    credential::Credential,
    secret::Fingerprint,
    source::{Revocation, SourceError},
};

/// A credential that a client is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The credential.
    pub credential: Arc<Credential>,
    /// How it came about.
    pub reason: GrantReason,
}

/// How it came about that a client is served a certain credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantReason {
    /// It was in memory.
    Cached,
    /// The client has waited for it.
    Fetched,
    /// The client has waited for the source, which has a newer version.
    Rotation,
    /// The client says that the gateway has rejected the key that it was given before.
    RejectionStated,
    /// The client asks again before its cache lifetime is over, as after a 401.
    RejectionInferred,
}

/// Why a credential is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchCause {
    /// There is none yet.
    First,
    /// The one that was there has expired.
    Expired,
    /// The one that is there expires soon.
    AheadOfNeed,
    /// The source has a newer version.
    Rotation,
    /// A client says that the gateway has rejected the key.
    RejectionStated,
    /// A client asks as after a 401.
    RejectionInferred,
    /// The gateway has rejected the key in a probe.
    GatewayRejected,
    /// The policy rejects keys that were issued before a certain time.
    Policy,
    /// A user has asked for a new one.
    Forced,
}

/// Why a credential is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropCause {
    /// The source says that it is gone, or refuses the login.
    Denied,
    /// It was revoked with the login that another profile has ended.
    Revoked,
    /// Another user has signed in.
    OtherUser,
    /// Its profile or source was changed or removed.
    Reconfigured,
    /// A user has locked the broker.
    Locked,
    /// No client has asked for it for long.
    Unused,
    /// The central policy denies it.
    Policy,
}

/// A change of one entry's credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// The source has issued a credential, or renewed the lease of the one before.
    Obtained {
        /// The credential.
        credential: &'a Credential,
        /// Why it was fetched.
        cause: FetchCause,
    },
    /// The source has issued none.
    FetchFailed {
        /// Why one was to be fetched.
        cause: FetchCause,
        /// The error.
        error: &'a SourceError,
    },
    /// A newer credential is not served yet, because the gateway does not accept it.
    NotAccepted(&'a Credential),
    /// A newer credential that was held back is served from now on.
    Promoted(&'a Credential),
    /// The gateway rejects the credential, which is not served any more.
    Rejected(&'a Credential),
    /// The credential is not in memory any more.
    Dropped {
        /// The credential.
        credential: &'a Credential,
        /// Why.
        cause: DropCause,
    },
    /// A user has logged out.
    LoggedOut {
        /// The key that was in memory, if one was.
        fingerprint: Option<&'a Fingerprint>,
        /// What the source has revoked, or why it could not.
        revocation: &'a Result<Revocation, SourceError>,
    },
}

/// Receives every change of a credential.
pub trait Observer: Send + Sync + 'static {
    /// The credential of `profile`, which comes from `source`, has changed.
    fn on_change(&self, profile: &str, source: &str, change: Change<'_>);
}

/// Ignores every change.
pub(super) struct NoObserver;

impl Observer for NoObserver {
    fn on_change(&self, _: &str, _: &str, _: Change<'_>) {}
}
