//! The family `machine`: files, programs and processes of this machine.

mod configuration;

use super::{
    Context,
    check::Check,
    finding::{Family, Finding, Severity},
};

/// All checks of this family.
pub(crate) const CHECKS: &[Check] = &[configuration::MISSING];

/// A check of this family.
const fn check_of(severity: Severity, id: &'static str, detects: &'static str) -> Check {
    Check::new(Family::Machine, severity, id, detects)
}

/// Observes the machine and checks what was observed.
pub(crate) async fn check(context: &Context<'_>) -> Vec<Finding> {
    (context.progress)("looking at the configuration");
    configuration::check(context.config)
}
