//! One check, as the table of all checks lists it.

use serde::Serialize;

use super::finding::{Family, Finding, Severity};

/// A check: its name, what it is about, and how much it matters if it finds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// Stable, for scripts and documents: `FAMILY.PROBLEM`.
    pub(crate) id: &'static str,
    /// How much a finding matters.
    pub(crate) severity: Severity,
    /// What it is about.
    pub(crate) family: Family,
    /// What it detects, in one line.
    pub(crate) detects: &'static str,
}

impl Check {
    /// A check of the family that `id` starts with.
    pub(crate) const fn new(
        family: Family,
        severity: Severity,
        id: &'static str,
        detects: &'static str,
    ) -> Self {
        Self {
            id,
            severity,
            family,
            detects,
        }
    }

    /// What this check found on the machine: the problem, in one sentence without a full stop, what
    /// was seen, and the one thing to do now.
    pub(crate) fn found(
        &self,
        finding: impl Into<String>,
        evidence: impl IntoIterator<Item = String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding {
            id: self.id.to_owned(),
            severity: self.severity,
            family: self.family,
            profile: None,
            finding: finding.into(),
            evidence: evidence.into_iter().collect(),
            remedy: remedy.into(),
        }
    }
}

/// Declares the checks of a family, each as a constant, and the list of all of them.
macro_rules! checks {
    ($family:ident: $($name:ident: $severity:ident, $id:literal, $detects:literal;)*) => {
        $(
            #[doc = $detects]
            pub(super) const $name: $crate::doctor::check::Check =
                $crate::doctor::check::Check::new(
                    $crate::doctor::finding::Family::$family,
                    $crate::doctor::finding::Severity::$severity,
                    $id,
                    $detects,
                );
        )*
        /// All checks of this family.
        pub(crate) const CHECKS: &[$crate::doctor::check::Check] = &[$($name),*];
    };
}
pub(crate) use checks;
