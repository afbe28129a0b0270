//! The family `machine`: files, programs and processes of this machine.
//!
//! Each file has the facts of one subject, `observe`, and `check`, a pure function of the facts.
//! What differs between systems is in `system/`.

mod audit;
mod configuration;
mod daemon;
mod environment;
mod policy;
mod processes;
mod programs;
mod state;
mod store;
mod system;

#[cfg(test)]
pub(super) mod tests;

use super::{
    Context,
    check::Check,
    finding::{Family, Finding, Severity},
};

/// All checks of this family, in the order in which they run.
pub(crate) const CHECKS: &[Check] = &[
    environment::SOCKET_PATH,
    environment::PLACES,
    environment::NO_ACCOUNT,
    environment::IGNORED,
    environment::OVERRIDDEN,
    environment::FOREIGN_RUNTIME_DIR,
    environment::NO_RUNTIME_DIR,
    environment::UMASK,
    environment::WSL,
    configuration::MISSING,
    configuration::UNREADABLE,
    configuration::UNTRUSTED,
    configuration::INVALID,
    configuration::NAMED,
    configuration::READABLE_SECRET,
    configuration::QUESTIONABLE,
    configuration::USER_IGNORED,
    configuration::USER_ALLOWED,
    programs::MISSING,
    programs::NOEXEC,
    programs::NOT_EXECUTABLE,
    programs::UNSAFE,
    programs::HELPER_VERSION,
    programs::COPIES,
    state::UNSAFE,
    state::UNWRITABLE,
    state::DISK_FULL,
    state::NETWORK_HOME,
    audit::BROKEN,
    store::LOCKED,
    store::UNAVAILABLE,
    daemon::SOCKET_UNSAFE,
    daemon::NO_START,
    daemon::NO_ANSWER,
    daemon::LOCKED,
    daemon::VERSION,
    daemon::SECOND,
    daemon::OLD_CONFIGURATION,
    daemon::NO_LOG,
    daemon::NO_AUDIT,
    daemon::STALE_SOCKET,
    daemon::NOT_RUNNING,
    daemon::REPLACED,
    daemon::OTHER_SOCKET,
    daemon::LOG_ERRORS,
    policy::MISSING,
    policy::EXPIRED,
    policy::UNAVAILABLE,
    policy::NOT_KEPT,
];

/// A check of this family.
const fn check_of(severity: Severity, id: &'static str, detects: &'static str) -> Check {
    Check::new(Family::Machine, severity, id, detects)
}

/// Observes the machine and checks what was observed.
pub(crate) async fn check(context: &Context<'_>) -> Vec<Finding> {
    let progress = context.progress;
    progress("looking at the environment");
    let mut findings = environment::check(&environment::observe(context));
    progress("reading the configuration");
    findings.extend(configuration::check(&configuration::observe(context)));
    progress("looking at the programs");
    findings.extend(programs::check(&programs::observe()));
    progress("looking at the state directory");
    findings.extend(state::check(&state::observe(context)));
    progress("verifying the audit log");
    findings.extend(audit::check(&audit::observe(context)));
    progress("trying the secret store");
    findings.extend(store::check(&store::observe(context).await));
    progress("asking the daemon");
    let daemon = daemon::observe(context);
    findings.extend(daemon::check(&daemon));
    findings.extend(policy::check(daemon.policy()));
    findings
}
