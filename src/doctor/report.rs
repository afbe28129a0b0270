//! The result of all checks, worst first: what `claviger doctor --json` prints.

use serde::{Deserialize, Serialize};

use super::finding::{Finding, Severity};

/// The result of all checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// What was found: the worst first, then in the order of the checks.
    pub(crate) findings: Vec<Finding>,
}

impl Report {
    /// Sorts findings into a report.
    pub(crate) fn new(mut findings: Vec<Finding>) -> Self {
        // Stable: the order of the checks is that of causes before their consequences.
        findings.sort_by_key(|finding| finding.severity);
        Self { findings }
    }

    /// Whether a finding keeps a client from working.
    pub(crate) fn is_fatal(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.severity == Severity::Fatal)
    }
}
