//! The lock after a request to lock or unlock: what `claviger lock --json` and `claviger unlock
//! --json` print, and what the daemon sends for them. The names are a contract.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// The lock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LockReport {
    /// Whether it is on.
    pub(crate) locked: bool,
    /// Since when; `None` if it is off, or if that is not known.
    pub(crate) since: Option<Timestamp>,
    /// Whether the request has changed it.
    pub(crate) changed: bool,
    /// Why the next daemon does not have it: its file cannot be changed.
    pub(crate) unsaved: Option<String>,
}
