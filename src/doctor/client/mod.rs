//! The family `client`: the settings, variables and programs of Claude Code and other clients.
//!
//! [`observe`](observe::observe) collects [`Facts`]; each file beside it judges one
//! subject. No finding contains a value that may be a secret: a variable's name and file, a URL's
//! scheme and host, and the path of a program, but never a variable's value or a foreign command.

mod arguments;
mod base_url;
mod bypass;
mod caller;
mod callers;
mod codex;
mod command;
mod copilot;
mod facts;
mod files;
#[cfg(test)]
mod fixture;
mod helper;
mod lifetime;
mod login;
mod observe;
mod outdated;
mod pi;
mod program;
#[cfg(test)]
pub(super) mod tests;
mod version;
mod wsl;

use std::collections::BTreeMap;

use self::facts::Facts;
use super::{
    Context,
    check::Check,
    finding::{Family, Finding, Severity},
    key_life::KeyLife,
};
use crate::client_kind::ClientKind;

/// All checks of this family.
pub(crate) const CHECKS: &[Check] = &[
    files::MANAGED_BROKEN,
    files::MANAGED_IGNORED,
    files::BROKEN,
    files::MANAGED_UNSAFE,
    files::DROP_IN,
    wsl::NOT_INHERITED,
    helper::MISSING,
    helper::NO_CLIENT,
    helper::FOREIGN,
    helper::OF_PROJECT,
    helper::SHADOWED,
    login::FORCED,
    login::COMPETING,
    bypass::HELPER_SKIPPED,
    bypass::KEY_REPLACED,
    bypass::GATEWAY_LEFT,
    bypass::ASKS_ANTHROPIC,
    bypass::OPEN,
    program::UNQUOTED,
    program::NOT_FOUND,
    program::NOT_EXECUTABLE,
    program::NOT_ABSOLUTE,
    program::OTHER_INSTALLATION,
    program::UNSAFE,
    program::WRAPPED,
    program::WITHOUT_EXEC,
    arguments::PROFILE,
    arguments::FORMAT,
    arguments::BEARER,
    arguments::CLIENT,
    arguments::REVEAL,
    arguments::HEADERS,
    base_url::MISSING,
    base_url::REFUSED,
    base_url::UNMANAGED,
    base_url::OF_PROJECT,
    base_url::OF_ENVIRONMENT,
    base_url::PLAIN_HTTP,
    base_url::PATH,
    lifetime::INVALID,
    lifetime::ZERO,
    lifetime::TOO_LONG,
    outdated::OLD,
    codex::TWO_KEYS,
    codex::TIMEOUT,
    codex::INTERVAL,
    copilot::NO_BASE_URL,
    pi::NO_MARK,
];

/// A check of this family.
const fn check_of(severity: Severity, id: &'static str, detects: &'static str) -> Check {
    Check::new(Family::Client, severity, id, detects)
}

/// Observes the clients and checks what was observed. `lives` are those of the keys, by profile.
pub(super) fn check(context: &Context<'_>, lives: BTreeMap<String, KeyLife>) -> Vec<Finding> {
    (context.progress)("looking at the settings of the clients");
    let facts = Facts {
        lives,
        ..observe::observe(context)
    };
    judge(&facts)
}

/// What is found in these facts, causes before their consequences.
fn judge(facts: &Facts<'_>) -> Vec<Finding> {
    let callers = callers::all(facts);
    let has_other = callers
        .iter()
        .any(|caller| caller.kind != ClientKind::ClaudeCode);
    let mut findings = files::check(facts);
    findings.extend(wsl::check(facts));
    findings.extend(helper::check(facts, has_other));
    findings.extend(login::check(facts));
    findings.extend(bypass::check(facts));
    for caller in &callers {
        findings.extend(program::check(facts, caller));
        findings.extend(arguments::check(facts, caller));
    }
    findings.extend(arguments::check_headers(facts));
    findings.extend(base_url::check(facts));
    findings.extend(lifetime::check(facts));
    findings.extend(outdated::check(facts));
    findings.extend(codex::check(facts));
    findings.extend(copilot::check(facts));
    findings.extend(pi::check(facts));
    findings
}
