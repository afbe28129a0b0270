//! What a check found.

use serde::{Deserialize, Serialize};

/// How much a finding matters. The order is that of the report: worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// A client has no key, or a wrong one, or sends it to another server.
    Fatal,
    /// It works now, and will fail or is less safe than the roll-out means it to be.
    Warning,
    /// Worth knowing when something else fails.
    Note,
}

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Family {
    /// Files, programs and processes of this machine.
    Machine,
    /// The settings and variables of Claude Code and other clients.
    Client,
    /// How servers are reached.
    Network,
    /// Where keys come from.
    Source,
    /// The gateway that accepts them.
    Gateway,
}

/// What a check found. No field contains a secret: a report is pasted into tickets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// The check's name, such as `client.base-url-missing`: stable, for scripts and documents.
    pub(crate) id: String,
    /// How much it matters.
    pub(crate) severity: Severity,
    /// What it is about.
    pub(crate) family: Family,
    /// The profile that it concerns; `None` if it is the machine.
    pub(crate) profile: Option<String>,
    /// The problem, in one sentence without a full stop.
    pub(crate) finding: String,
    /// What was seen: a file with its line, an answer with its status, a path with its mode.
    pub(crate) evidence: Vec<String>,
    /// The one thing to do now.
    pub(crate) remedy: String,
}
