//! The list of checks: each is proven by facts of both kinds, and documented.

use std::collections::BTreeSet;

use super::{
    CHECKS,
    check::Check,
    client,
    finding::{Family, Finding, Severity},
    gateway, machine, network, source,
};

/// What a check finds in facts with its cause, and in facts without it.
pub(super) struct Case {
    pub(super) check: Check,
    pub(super) broken: Vec<Finding>,
    pub(super) sound: Vec<Finding>,
}

/// The cases of all families.
fn cases() -> Vec<Case> {
    [
        machine::tests::cases(),
        client::tests::cases(),
        network::tests::cases(),
        source::tests::cases(),
        gateway::tests::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn checks() -> impl Iterator<Item = &'static Check> {
    CHECKS.into_iter().flatten()
}

#[test]
fn every_check_finds_its_cause_and_only_that() {
    let mut proven = BTreeSet::new();
    for Case {
        check,
        broken,
        sound,
    } in cases()
    {
        let id = check.id;
        let found = broken.iter().find(|finding| finding.id == id);
        let found = found.unwrap_or_else(|| panic!("{id} does not find its cause: {broken:?}"));
        assert_eq!(
            (found.severity, found.family),
            (check.severity, check.family)
        );
        assert!(
            !found.finding.ends_with('.') && !found.finding.is_empty(),
            "{found:?}"
        );
        assert!(
            !found.remedy.ends_with('.') && !found.remedy.is_empty(),
            "{found:?}"
        );
        let is_found = sound.iter().any(|finding| finding.id == id);
        assert!(!is_found, "{id} finds what is not there: {sound:?}");
        proven.insert(id);
    }
    let listed: BTreeSet<_> = checks().map(|check| check.id).collect();
    assert_eq!(
        proven, listed,
        "each check needs a case, and a line in CHECKS"
    );
}

#[test]
fn an_id_is_unique_and_starts_with_its_family() {
    let mut ids = BTreeSet::new();
    for Check { id, family, .. } in checks() {
        assert!(ids.insert(id), "{id} is in CHECKS twice");
        let (start, name) = id.split_once('.').unwrap();
        assert_eq!(start, name_of(*family));
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(name.chars().all(is_part), "{id}");
    }
}

#[test]
fn the_readme_lists_every_check() {
    let readme = include_str!("../../README.md");
    for family in CHECKS {
        for severity in [Severity::Fatal, Severity::Warning, Severity::Note] {
            let of_severity = family.iter().filter(|check| check.severity == severity);
            let ids: Vec<_> = of_severity
                .map(|check| format!("`{}`", check.id.split_once('.').unwrap().1))
                .collect();
            if ids.is_empty() {
                continue;
            }
            let family = name_of(family[0].family);
            let severity = serde_json::to_value(severity).unwrap();
            let severity = severity.as_str().unwrap();
            let row = format!("| `{family}` | {severity} | {} |", ids.join(", "));
            assert!(readme.contains(&row), "README.md lacks this row:\n{row}");
        }
    }
}

fn name_of(family: Family) -> String {
    let name = serde_json::to_value(family).unwrap();
    name.as_str().unwrap().to_owned()
}
