//! GitHub Copilot CLI: variables of its environment.

use super::{caller::Caller, command::Command, facts::Facts};
use crate::{
    client_kind::ClientKind,
    doctor::{
        check::Check,
        finding::{Finding, Severity},
    },
};

/// Copilot asks its own servers.
pub(super) const NO_BASE_URL: Check = super::check_of(
    Severity::Fatal,
    "client.copilot-base-url",
    "Copilot with the command and without 'COPILOT_PROVIDER_BASE_URL'",
);

/// The variable with the command.
pub(super) const COMMAND: &str = "COPILOT_PROVIDER_API_KEY_COMMAND";

/// The variable with the gateway.
pub(super) const BASE_URL: &str = "COPILOT_PROVIDER_BASE_URL";

/// The command of Copilot, if it runs the shim.
pub(super) fn callers(facts: &Facts<'_>) -> Option<Caller> {
    let variable = facts.of_environment(COMMAND)?;
    let command = Command::parse(variable.value.expose());
    facts.runs_shim(&command).then_some(Caller {
        kind: ClientKind::Copilot,
        name: "Copilot",
        place: variable.place,
        scope: None,
        command,
    })
}

/// Checks the variable beside the command.
pub(super) fn check(facts: &Facts<'_>) -> Option<Finding> {
    let caller = callers(facts)?;
    let base_url = facts.of_environment(BASE_URL);
    let is_set = base_url.is_some_and(|url| !url.value.expose().trim().is_empty());
    (!is_set).then(|| {
        NO_BASE_URL.found(
            "Copilot runs claviger-helper and does not know its gateway",
            [caller.place],
            format!("set '{BASE_URL}' to the address of the gateway"),
        )
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::{super::fixture::Fixture, *};

    #[test]
    fn the_command_needs_a_gateway() {
        let shim = (COMMAND, "/bin/claviger-helper --client copilot");
        for (variables, is_found) in [
            (&[shim][..], true),
            (&[shim, (BASE_URL, " ")], true),
            (&[shim, (BASE_URL, "https://gw.example.com/v1")], false),
            (&[(COMMAND, "/bin/corp-key")], false),
            (&[], false),
        ] {
            let mut facts = Facts::default();
            Fixture::set(&mut facts, variables);
            assert_eq!(check(&facts).is_some(), is_found, "{variables:?}");
        }
    }
}
