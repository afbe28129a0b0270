//! Which `apiKeyHelper` Claude Code runs.

use super::{
    command::Command,
    facts::{Facts, place},
};
use crate::{
    claude_code::settings::Scope,
    doctor::{
        check::Check,
        finding::{Finding, Severity},
    },
};

/// Claude Code is there, and runs no helper.
pub(super) const MISSING: Check = super::check_of(
    Severity::Fatal,
    "client.helper-missing",
    "no 'apiKeyHelper' in any settings of Claude Code",
);

/// Nothing of Claude Code is there.
pub(super) const NO_CLIENT: Check = super::check_of(
    Severity::Note,
    "client.not-set-up",
    "no client that runs claviger-helper",
);

/// The helper in force is another program.
pub(super) const FOREIGN: Check = super::check_of(
    Severity::Fatal,
    "client.helper-foreign",
    "an 'apiKeyHelper' in force that does not run claviger-helper",
);

/// The helper in force is a project's.
pub(super) const OF_PROJECT: Check = super::check_of(
    Severity::Warning,
    "client.helper-of-project",
    "an 'apiKeyHelper' in force that only a project's settings name",
);

/// A helper is not in force.
pub(super) const SHADOWED: Check = super::check_of(
    Severity::Note,
    "client.helper-shadowed",
    "another 'apiKeyHelper' that is not in force",
);

const KEY: &str = "apiKeyHelper";

/// Checks which helper is in force. `has_other` is whether another client runs the shim.
pub(super) fn check(facts: &Facts<'_>, has_other: bool) -> Vec<Finding> {
    let Some((helper, command)) = facts.helper() else {
        return without(facts, has_other).into_iter().collect();
    };
    let mut findings = Vec::new();
    let own = place(&helper, KEY);
    let scope = Some(helper.scope);
    if !facts.runs_shim(&command) {
        let program = match &command {
            Command::Other {
                program: Some(program),
            } => format!("'{program}'"),
            _ => "another command".to_owned(),
        };
        let fix = format!(
            "name claviger-helper in '{KEY}' of '{}'",
            helper.file.display()
        );
        findings.push(FOREIGN.found(
            format!("Claude Code runs {program} for its key, not claviger-helper"),
            [own.clone()],
            facts.remedy(scope, &fix),
        ));
    } else if matches!(helper.scope, Scope::Project | Scope::ProjectLocal)
        && facts
            .settings
            .helpers()
            .all(|other| is_project(other.scope))
    {
        findings.push(OF_PROJECT.found(
            "claviger-helper is named in the settings of this project alone",
            [own.clone()],
            format!("name it in '{KEY}' of the user's or the managed settings"),
        ));
    }
    let shadowed = facts.settings.helpers().skip(1);
    let shadowed: Vec<_> = shadowed
        .filter(|other| other.value != helper.value)
        .map(|other| format!("{}, not in force", place(&other, KEY)))
        .collect();
    if !shadowed.is_empty() {
        let evidence = [format!("{own}, in force")].into_iter().chain(shadowed);
        findings.push(SHADOWED.found(
            "settings name more than one helper, of which Claude Code runs the first below",
            evidence,
            format!("remove '{KEY}' from the files that are not in force"),
        ));
    }
    findings
}

fn is_project(scope: Scope) -> bool {
    matches!(scope, Scope::Project | Scope::ProjectLocal)
}

fn without(facts: &Facts<'_>, has_other: bool) -> Option<Finding> {
    let files = facts.settings.layers.iter();
    let files = files.map(|layer| format!("{}: no '{KEY}'", layer.file.display()));
    let is_managed = facts.config.is_some_and(|config| config.is_managed);
    let fix = format!("name claviger-helper in '{KEY}' of Claude Code's settings");
    let fix = facts.remedy(is_managed.then_some(Scope::Managed), &fix);
    match (facts.has_claude_code, has_other) {
        (_, true) => None,
        (true, false) => {
            let finding = "Claude Code runs no helper, so that it has no key of Claviger's";
            Some(MISSING.found(finding, files, fix))
        }
        (false, false) => {
            let finding = "no client on this machine is set up to run claviger-helper";
            Some(NO_CLIENT.found(finding, files, fix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::Fixture, *};

    const OWN: &str = r#"{"apiKeyHelper": "exec /usr/bin/claviger-helper"}"#;
    const FOREIGN_KEY: &str = r#"{"apiKeyHelper": "echo sk-canary"}"#;

    #[test]
    fn the_helper_in_force_decides() {
        use Scope::{Managed, Project, ProjectLocal, User};
        for (layers, expected) in [
            (&[][..], &["client.helper-missing"][..]),
            (&[(User, "{}")], &["client.helper-missing"]),
            (&[(User, OWN)], &[]),
            (&[(Managed, OWN)], &[]),
            (&[(User, OWN), (Managed, OWN)], &[]),
            (&[(Project, OWN)], &["client.helper-of-project"]),
            (&[(User, OWN), (Project, OWN)], &[]),
            (&[(User, FOREIGN_KEY)], &["client.helper-foreign"]),
            (
                &[(User, OWN), (ProjectLocal, FOREIGN_KEY)],
                &["client.helper-foreign", "client.helper-shadowed"],
            ),
            (
                &[(Project, FOREIGN_KEY), (Managed, OWN)],
                &["client.helper-shadowed"],
            ),
        ] {
            let facts = Fixture::facts(layers);
            let findings = check(&facts, false);
            let ids: Vec<_> = findings.iter().map(|finding| &finding.id).collect();
            assert_eq!(ids, expected, "{layers:?}");
            assert!(!format!("{findings:?}").contains("canary"));
        }
    }

    #[test]
    fn a_managed_helper_is_the_administrators() {
        let findings = check(&Fixture::facts(&[(Scope::Managed, FOREIGN_KEY)]), false);
        assert!(
            findings[0]
                .remedy
                .starts_with("ask your administrator, to name")
        );
        let findings = check(&Fixture::facts(&[(Scope::User, FOREIGN_KEY)]), false);
        assert!(findings[0].remedy.starts_with("name claviger-helper"));
    }

    #[test]
    fn a_machine_without_claude_code_needs_no_helper() {
        let facts = Facts::default();
        assert_eq!(check(&facts, false)[0].id, "client.not-set-up");
        assert_eq!(check(&facts, true), []);
        assert_eq!(check(&Fixture::facts(&[]), true), []);
    }
}
