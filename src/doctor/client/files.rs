//! The files of Claude Code's settings: whether the client uses them.

use super::facts::{Facts, place};
use crate::{
    claude_code::{
        settings::{FileError, Layer, Scope},
        variables::{BASE_URL, CACHE_LIFETIME},
    },
    doctor::{
        check::Check,
        finding::{Finding, Severity},
    },
};

/// The client starts without a managed file, or not at all.
pub(super) const MANAGED_BROKEN: Check = super::check_of(
    Severity::Fatal,
    "client.managed-settings-broken",
    "managed settings that are no JSON object or that the user cannot read",
);

/// A managed key does not count.
pub(super) const MANAGED_IGNORED: Check = super::check_of(
    Severity::Fatal,
    "client.managed-key-ignored",
    "a key of the managed settings whose value has the wrong type",
);

/// The client uses nothing of a file.
pub(super) const BROKEN: Check = super::check_of(
    Severity::Warning,
    "client.settings-broken",
    "settings of the user or a project of which the client uses nothing",
);

/// Another user can change the managed settings.
pub(super) const MANAGED_UNSAFE: Check = super::check_of(
    Severity::Warning,
    "client.managed-settings-unsafe",
    "managed settings that users other than the administrator can write",
);

/// A drop-in replaces a value.
pub(super) const DROP_IN: Check = super::check_of(
    Severity::Note,
    "client.drop-in-overrides",
    "a managed drop-in that replaces a value of another managed file",
);

/// Checks the files.
pub(super) fn check(facts: &Facts<'_>) -> Vec<Finding> {
    let layers = facts.settings.layers.iter();
    let mut findings: Vec<_> = layers.flat_map(|layer| of_layer(facts, layer)).collect();
    for violation in &facts.unsafe_managed {
        let fix = "make them writable by the administrator alone";
        findings.push(MANAGED_UNSAFE.found(
            "users other than the administrator can write the managed settings",
            [violation.clone()],
            facts.remedy(Some(Scope::Managed), fix),
        ));
    }
    findings.extend(drop_ins(facts));
    findings
}

fn of_layer(facts: &Facts<'_>, layer: &Layer) -> Vec<Finding> {
    let file = layer.file.display();
    let remedy = |fix: &str| facts.remedy(Some(layer.scope), fix);
    let is_managed = layer.scope == Scope::Managed;
    match &layer.contents {
        Ok(contents) => {
            let ignored = contents.ignored.iter();
            let ignored = ignored.map(|key| {
                let fix = format!("correct '{key}' in '{file}'");
                let finding = format!("Claude Code ignores '{key}' of the managed settings");
                let evidence = format!("{file}: {key} has a value of the wrong type");
                MANAGED_IGNORED.found(finding, [evidence], remedy(&fix))
            });
            ignored.collect()
        }
        Err(error) => {
            let evidence = [format!("{file}: {error}")];
            let fix = match error {
                FileError::Unreadable(_) => format!("make '{file}' readable"),
                FileError::Malformed(_) | FileError::WrongType(_) => format!("correct '{file}'"),
            };
            let (check, finding) = match is_managed {
                true => (
                    MANAGED_BROKEN,
                    "Claude Code cannot use the managed settings",
                ),
                false => (BROKEN, "Claude Code uses nothing of a settings file"),
            };
            vec![check.found(finding, evidence, remedy(&fix))]
        }
    }
}

/// The keys and variables that managed files disagree about.
fn drop_ins(facts: &Facts<'_>) -> Vec<Finding> {
    let settings = &facts.settings;
    let of_variable = |name: &'static str| {
        let values: Vec<_> = settings.variable(name).collect();
        (format!("env.{name}"), values)
    };
    let helper = ("apiKeyHelper".to_owned(), settings.helpers().collect());
    [helper, of_variable(BASE_URL), of_variable(CACHE_LIFETIME)]
        .into_iter()
        .filter_map(|(key, values)| {
            let managed = values.iter().filter(|value| value.scope == Scope::Managed);
            let managed: Vec<_> = managed.collect();
            let (in_force, others) = managed.split_first()?;
            let other = others.iter().find(|other| other.value != in_force.value)?;
            let fix = format!("set '{key}' in one managed file only");
            Some(DROP_IN.found(
                format!("managed files have different values of '{key}'"),
                [
                    format!("{}, in force", place(in_force, &key)),
                    format!("{}, not in force", place(other, &key)),
                ],
                facts.remedy(Some(Scope::Managed), &fix),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::Fixture, *};

    fn ids(layers: &[(Scope, &str)]) -> Vec<String> {
        check(&Fixture::facts(layers))
            .into_iter()
            .map(|finding| finding.id.replace("client.", ""))
            .collect()
    }

    #[test]
    fn what_the_client_cannot_use_is_found() {
        use Scope::{Managed, Project, User};
        for text in ["{", "[]", "// x\n{}"] {
            assert_eq!(ids(&[(User, text)]), ["settings-broken"], "{text}");
            assert_eq!(ids(&[(Project, text)]), ["settings-broken"], "{text}");
            assert_eq!(
                ids(&[(Managed, text)]),
                ["managed-settings-broken"],
                "{text}"
            );
        }
        assert_eq!(
            ids(&[(Managed, r#"{"apiKeyHelper": 5}"#)]),
            ["managed-key-ignored"]
        );
        assert_eq!(ids(&[(Managed, r#"{"env": []}"#)]), ["managed-key-ignored"]);
        assert_eq!(ids(&[(User, "{}"), (Managed, "")]), [""; 0]);
    }

    #[test]
    fn the_file_and_the_place_in_it_are_evidence() {
        let findings = check(&Fixture::facts(&[(Scope::Managed, "{\n  \"sk-canary\" 5")]));
        let evidence = findings[0].evidence.join("");
        assert!(
            evidence.contains("/settings/0.json: invalid JSON"),
            "{evidence}"
        );
        assert!(
            evidence.contains("line 2") && !evidence.contains("canary"),
            "{evidence}"
        );
    }

    #[test]
    fn a_file_that_others_can_write_is_found() {
        let mut facts = Fixture::facts(&[(Scope::Managed, "{}")]);
        facts.unsafe_managed = vec!["'/etc/x' is writable by others (mode 0666)".to_owned()];
        assert_eq!(check(&facts)[0].id, "client.managed-settings-unsafe");
    }

    #[test]
    fn managed_files_that_disagree_are_found() {
        use Scope::{Managed, User};
        let [a, b] = ["a", "b"].map(|value| format!(r#"{{"env": {{"{BASE_URL}": "{value}"}}}}"#));
        assert_eq!(ids(&[(Managed, &a), (Managed, &b)]), ["drop-in-overrides"]);
        assert_eq!(ids(&[(Managed, &a), (Managed, &a)]), [""; 0]);
        assert_eq!(ids(&[(User, &a), (Managed, &b)]), [""; 0]);
    }
}
