//! One record: what a line says beside its place in the chain.

use std::borrow::Cow;

use serde::{Deserialize, Serialize, Serializer};

use super::hash::Hash;
use crate::clock::Timestamp;

/// A word of the format: one of this program's, or any other in a line that was read.
pub(crate) type Word = Cow<'static, str>;

/// A record. The names of the fields are a contract; a field that does not apply is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    /// When it happened; milliseconds in a line.
    #[serde(serialize_with = "in_milliseconds")]
    pub(crate) time: Timestamp,
    /// `grant`, `refusal`, `change`, `login`, `config`, `daemon`, or `log` for the log itself.
    pub(crate) event: Word,
    /// What came of it, such as `served`, `obtained` or `dropped`.
    pub(crate) outcome: Word,
    /// Why it happened, such as `cached` or `forced`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<Word>,
    /// The user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// The profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) profile: Option<String>,
    /// The source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
    /// The first 12 hex digits of SHA-256 of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fingerprint: Option<String>,
    /// The key's version at the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<u64>,
    /// The kind of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client: Option<Word>,
    /// The process: the client's; in a record about the daemon, its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pid: Option<u32>,
    /// The program that the process executes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) executable: Option<String>,
    /// When the process was started, as the system reports it: in microseconds, since an epoch that
    /// differs between systems.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started: Option<u64>,
    /// The process that sent the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shim_pid: Option<u32>,
    /// The exit code of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<u8>,
    /// The message of a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// The counter of the central policy that was in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<u64>,
    /// A file that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// SHA-256 of that file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Hash>,
    /// How many records were lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lost: Option<u64>,
    /// SHA-256 of the line before this one, if a crash cut it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) torn: Option<Hash>,
    /// How many files of the log there were before this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous_files: Option<u32>,
}

/// The event of a record about the log itself.
pub(super) const LOG: &str = "log";

/// The outcome of the record that continues the log in a new file.
pub(super) const ROTATED: &str = "rotated";

/// The outcome of the record after a line that a crash cut.
pub(super) const RECOVERED: &str = "recovered";

/// The outcome of the record after others were lost.
pub(super) const GAP: &str = "gap";

impl Record {
    /// A record of `event` with `outcome`.
    #[must_use]
    pub(crate) fn new(time: Timestamp, event: &'static str, outcome: &'static str) -> Self {
        Self {
            time,
            event: event.into(),
            outcome: outcome.into(),
            ..Self::default()
        }
    }
}

fn in_milliseconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}
