//! What a logout did for each profile: what `claviger logout --json` prints, and what the daemon
//! sends for it, one JSON object for each profile. The names are a contract.

use serde::{Deserialize, Serialize};

use crate::status_report::FailureReport;

/// A lease or login that is not valid any more.
pub(crate) const REVOKED: &str = "revoked";

/// A lease or login that stays valid until it expires.
pub(crate) const STAYS_VALID: &str = "stays-valid";

/// No lease or login.
pub(crate) const NONE: &str = "none";

/// What a logout did for one profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LogoutReport {
    /// The profile's name.
    pub(crate) name: String,
    /// The name of its source.
    pub(crate) source: String,
    /// The fingerprint of the key that the daemon forgot; `None` if it had none.
    pub(crate) forgotten: Option<String>,
    /// The lease of the key at the source: [`REVOKED`], [`STAYS_VALID`] or [`NONE`]; `None` if the
    /// source failed.
    pub(crate) lease: Option<String>,
    /// The login at the source, as for the lease.
    pub(crate) login: Option<String>,
    /// Why the source has not revoked what it should have.
    pub(crate) failure: Option<FailureReport>,
}
