//! Variables that get round the helper or the gateway.

use super::facts::{Facts, Variable};
use crate::{
    claude_code::{
        settings::Scope,
        variables::{BYPASSES, Bypass, Effect},
    },
    doctor::{
        check::Check,
        finding::{Finding, Severity},
    },
};

/// Another key is sent.
pub(super) const KEY_REPLACED: Check = super::check_of(
    Severity::Fatal,
    "client.key-replaced",
    "a variable whose value is sent in place of the helper's key",
);

/// Requests go elsewhere.
pub(super) const GATEWAY_LEFT: Check = super::check_of(
    Severity::Fatal,
    "client.gateway-left",
    "a variable that sends requests to another server than the gateway",
);

/// The helper does not run.
pub(super) const HELPER_SKIPPED: Check = super::check_of(
    Severity::Fatal,
    "client.helper-skipped",
    "a variable with which the client runs no helper",
);

/// Anthropic is asked, too.
pub(super) const ASKS_ANTHROPIC: Check = super::check_of(
    Severity::Warning,
    "client.asks-anthropic",
    "a variable with which the client also asks Anthropic's servers",
);

/// The managed settings leave the user free.
pub(super) const OPEN: Check = super::check_of(
    Severity::Note,
    "client.bypasses-open",
    "variables that get round a managed helper, and that the managed 'env' does not blank",
);

/// Values with which the client takes a switch for off.
const OFF: [&str; 4] = ["0", "false", "no", "off"];

/// The header that a value of `ANTHROPIC_CUSTOM_HEADERS` replaces. An `Authorization` in it has no
/// effect beside a helper (measured with 2.1.197, 2.1.329 and 2.1.332).
const KEY_HEADER: &str = "x-api-key";

/// Checks the variables if a helper is in force.
pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let Some(helper) = facts.settings.helpers().next() else {
        return Vec::new();
    };
    let set = BYPASSES.iter().filter_map(|bypass| found(facts, bypass));
    let open = (helper.scope == Scope::Managed).then(|| open(facts));
    set.chain(open.flatten()).collect()
}

fn found(facts: &Facts<'_>, bypass: &Bypass) -> Option<Finding> {
    let name = bypass.name;
    let variable = in_force(facts, bypass)?;
    let value = variable.value.expose();
    let (check, finding) = match bypass.effect {
        Effect::ReplacesApiKey | Effect::ReplacesBearer => {
            let finding = format!("Claude Code sends the value of '{name}' in place of the key");
            (KEY_REPLACED, finding)
        }
        Effect::ReplacesHeaders if sets_key_header(value) => {
            let finding = format!("Claude Code sends the header of '{name}' in place of the key");
            (KEY_REPLACED, finding)
        }
        Effect::ReplacesHeaders => return None,
        _ if OFF.contains(&value.trim().to_ascii_lowercase().as_str()) => return None,
        Effect::LeavesGateway => {
            let finding = format!("'{name}' makes Claude Code leave the gateway");
            (GATEWAY_LEFT, finding)
        }
        Effect::SkipsHelper => {
            let finding = format!("'{name}' makes Claude Code run no helper");
            (HELPER_SKIPPED, finding)
        }
        Effect::AsksAnthropic => {
            let finding = format!("'{name}' makes Claude Code ask Anthropic's servers, too");
            (ASKS_ANTHROPIC, finding)
        }
    };
    let place = variable.place;
    let fix = match variable.scope {
        None => format!("unset '{name}' and remove it from the files that set it"),
        Some(_) => format!("remove '{name}' from 'env'"),
    };
    Some(check.found(finding, [place], facts.remedy(variable.scope, &fix)))
}

/// The variable as the client sees it; two of them are read before any settings.
fn in_force<'a>(facts: &'a Facts<'_>, bypass: &Bypass) -> Option<Variable<'a>> {
    let of_shell = facts.of_environment(bypass.name);
    let of_shell = of_shell.filter(|variable| !variable.value.expose().trim().is_empty());
    match of_shell {
        Some(variable) if bypass.shell_wins => Some(variable),
        _ => facts.variable(bypass.name),
    }
}

/// Whether one of the lines `NAME: VALUE` names the header of the key.
fn sets_key_header(headers: &str) -> bool {
    let names = headers.lines().filter_map(|line| line.split_once(':'));
    { names }.any(|(name, _)| name.trim().eq_ignore_ascii_case(KEY_HEADER))
}

fn open(facts: &Facts<'_>) -> Option<Finding> {
    let is_managed = |bypass: &&Bypass| {
        let values = facts.settings.variable(bypass.name);
        { values }.any(|setting| setting.scope == Scope::Managed)
    };
    let open = BYPASSES.iter().filter(|bypass| !is_managed(bypass));
    let open: Vec<_> = open
        .map(|bypass| format!("not in 'env': {}", bypass.name))
        .collect();
    let fix = "set these variables to \"\" in 'env' of the managed settings";
    (!open.is_empty()).then(|| {
        OPEN.found(
            "users and projects can get round the managed helper by variables",
            open,
            facts.remedy(Some(Scope::Managed), fix),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::Fixture, *};

    const HELPER: &str = r#"{"apiKeyHelper": "exec /bin/claviger-helper"}"#;

    fn ids(facts: &Facts<'_>) -> Vec<String> {
        let findings = check(facts);
        assert!(!format!("{findings:?}").contains("canary"));
        findings
            .into_iter()
            .map(|finding| finding.id.replace("client.", ""))
            .collect()
    }

    #[test]
    fn each_variable_is_found_in_the_environment_and_in_settings() {
        for bypass in BYPASSES {
            let (value, expected) = match bypass.effect {
                Effect::ReplacesApiKey | Effect::ReplacesBearer => ("sk-canary", "key-replaced"),
                Effect::ReplacesHeaders => ("X-A: 1\\nX-Api-Key: sk-canary", "key-replaced"),
                Effect::LeavesGateway => ("canary", "gateway-left"),
                Effect::SkipsHelper => ("1", "helper-skipped"),
                Effect::AsksAnthropic => ("sk-canary", "asks-anthropic"),
            };
            let name = bypass.name;
            let mut facts = Fixture::facts(&[(Scope::User, HELPER)]);
            Fixture::set(&mut facts, &[(name, &value.replace("\\n", "\n"))]);
            assert_eq!(ids(&facts), [expected], "{name}");
            let text = format!(r#"{{"env": {{"{name}": "{value}"}}}}"#);
            let layers = [(Scope::User, HELPER), (Scope::Project, &text)];
            assert_eq!(ids(&Fixture::facts(&layers)), [expected], "{name}");
        }
    }

    #[test]
    fn what_is_blank_or_off_or_another_header_has_no_effect() {
        for (name, value) in [
            ("ANTHROPIC_API_KEY", ""),
            ("ANTHROPIC_API_KEY", " "),
            ("CLAUDE_CODE_USE_BEDROCK", "0"),
            ("CLAUDE_CODE_SIMPLE", "False"),
            ("ANTHROPIC_CUSTOM_HEADERS", "x-tenant: x-api-key"),
            ("ANTHROPIC_CUSTOM_HEADERS", "Authorization: Bearer canary"),
        ] {
            let mut facts = Fixture::facts(&[(Scope::User, HELPER)]);
            Fixture::set(&mut facts, &[(name, value)]);
            assert_eq!(ids(&facts), [""; 0], "{name}={value}");
        }
    }

    #[test]
    fn a_blank_managed_value_closes_all_but_those_of_the_shell() {
        let blank: Vec<_> = BYPASSES
            .iter()
            .map(|bypass| format!(r#""{}": """#, bypass.name))
            .collect();
        let managed = format!(
            r#"{{"apiKeyHelper": "claviger-helper", "env": {{{}}}}}"#,
            blank.join(",")
        );
        for bypass in BYPASSES {
            let mut facts = Fixture::facts(&[(Scope::Managed, &managed)]);
            assert_eq!(ids(&facts), [""; 0]);
            Fixture::set(&mut facts, &[(bypass.name, "X-Api-Key: canary")]);
            assert_eq!(
                !ids(&facts).is_empty(),
                bypass.shell_wins,
                "{}",
                bypass.name
            );
        }
        let open = Fixture::facts(&[(Scope::Managed, HELPER)]);
        assert_eq!(ids(&open), ["bypasses-open"]);
    }

    #[test]
    fn without_a_helper_the_variables_are_the_users_own() {
        let mut facts = Fixture::facts(&[]);
        Fixture::set(&mut facts, &[("ANTHROPIC_API_KEY", "sk-canary")]);
        assert_eq!(ids(&facts), [""; 0]);
    }
}
