//! The result of all checks, worst first: what `claviger doctor --json` prints.

use std::env;

use serde::{Deserialize, Serialize};

use super::{
    finding::{Finding, Severity},
    without_credentials,
};
use crate::{
    clock::{Timestamp, whole_seconds},
    config::ChecklistEntry,
};

/// The version of the format. A reader ignores fields that it does not know.
const VERSION: u32 = 1;

/// The result of all checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Report {
    /// The version of the format.
    pub(crate) version: u32,
    /// When the checks ended.
    pub(crate) at: Timestamp,
    /// This program's version.
    pub(crate) claviger: String,
    /// The operating system.
    pub(crate) os: String,
    /// The processor.
    pub(crate) arch: String,
    /// The ids of all checks, in their order.
    pub(crate) checked: Vec<String>,
    /// What was found: the worst first, then in the order of the checks.
    pub(crate) findings: Vec<Finding>,
    /// What administrators must enter elsewhere.
    pub(crate) checklist: Vec<ChecklistEntry>,
}

impl Report {
    /// Sorts findings into a report, without what URLs in them may contain of secrets.
    pub(crate) fn new(
        at: Timestamp,
        checked: Vec<String>,
        mut findings: Vec<Finding>,
        checklist: Vec<ChecklistEntry>,
    ) -> Self {
        for finding in &mut findings {
            let evidence = finding.evidence.iter_mut();
            for text in evidence.chain([&mut finding.finding, &mut finding.remedy]) {
                *text = without_credentials(text);
            }
        }
        // Stable: the order of the checks is that of causes before their consequences.
        findings.sort_by_key(|finding| finding.severity);
        Self {
            version: VERSION,
            at: whole_seconds(at),
            claviger: env!("CARGO_PKG_VERSION").to_owned(),
            os: env::consts::OS.to_owned(),
            arch: env::consts::ARCH.to_owned(),
            checked,
            findings,
            checklist,
        }
    }

    /// How many findings have this severity.
    pub(crate) fn count(&self, severity: Severity) -> usize {
        let findings = self.findings.iter();
        findings
            .filter(|finding| finding.severity == severity)
            .count()
    }

    /// Whether a finding keeps a client from working.
    pub(crate) fn is_fatal(&self) -> bool {
        self.count(Severity::Fatal) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{check::Check, finding::Family};

    #[test]
    fn the_worst_is_first_and_causes_stay_before_consequences() {
        let severities = [
            Severity::Note,
            Severity::Fatal,
            Severity::Warning,
            Severity::Fatal,
        ];
        let findings = severities.iter().enumerate().map(|(index, severity)| {
            let check = Check::new(Family::Machine, *severity, "machine.x", "x");
            check.found(index.to_string(), [], "")
        });
        let report = Report::new(Timestamp::default(), vec![], findings.collect(), vec![]);
        let order: Vec<_> = report.findings.iter().map(|f| f.finding.as_str()).collect();
        assert_eq!(order, ["1", "3", "2", "0"]);
        assert_eq!(report.count(Severity::Fatal), 2);
        assert!(report.is_fatal());
        assert!(!Report::default().is_fatal());

        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }
}
