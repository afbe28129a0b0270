//! The README's threat model: each rule that answers a threat is shown by tests that exist.

use std::{collections::BTreeSet, fs};

use crate::{source_tree::root, test_paths::test_paths, violations::Violations};

/// The header of the table.
const HEADER: &str = "| threat | rule that answers it | tests |";

/// The fewest rows that the table is read with.
const MIN_ROWS: usize = 25;

#[test]
fn every_threat_names_tests_that_exist() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut violations = Violations::default();
    let rows = check(&readme, &test_paths(), &mut violations);
    violations.assert_none("name a test by its path, as `cargo test` prints it");
    assert!(rows >= MIN_ROWS, "{rows} rows");
}

/// Checks the table's rows, except those that only name a group; returns their number.
fn check(readme: &str, tests: &BTreeSet<String>, violations: &mut Violations) -> usize {
    let lines = (1..).zip(readme.lines());
    let rows = lines
        .skip_while(|(_, line)| *line != HEADER)
        .skip(2)
        .take_while(|(_, line)| line.starts_with('|'));
    let mut count = 0;
    for (number, row) in rows {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, threat, rule, named, _] = cells[..] else {
            violations.at("README.md", number, "expected three cells");
            continue;
        };
        if rule.is_empty() && named.is_empty() && threat.starts_with("**") {
            continue;
        }
        count += 1;
        let mut names = named.split('`').skip(1).step_by(2).peekable();
        if names.peek().is_none() {
            violations.at("README.md", number, format!("no test: {threat}"));
        }
        for name in names.filter(|name| !tests.iter().any(|test| is_meant(name, test))) {
            violations.at("README.md", number, format!("no such test: {name}"));
        }
    }
    count
}

/// Whether `name` means the test: a module that is called `*` is any module.
fn is_meant(name: &str, test: &str) -> bool {
    let [names, parts] = [name, test].map(|path| path.split("::").collect::<Vec<_>>());
    let mut pairs = names.iter().zip(&parts);
    names.len() == parts.len() && pairs.all(|(name, part)| *name == "*" || name == part)
}

#[test]
fn a_row_without_a_test_that_exists_is_found() {
    let readme = format!(
        "{HEADER}\n|---|---|---|\n| **Group** | | |\n| a | b | `c::d`, `c::*::f` |\n\
         | no test | b | |\n| wrong | b | `c::d`, `c::e` |\n| too few | `c::d` |\n\n| g | h | i |\n"
    );
    let tests = ["c::d", "c::e::f"].map(str::to_owned).into();
    let mut violations = Violations::default();
    assert_eq!(check(&readme, &tests, &mut violations), 3);
    let mut expected = Violations::default();
    expected.at("README.md", 5, "no test: no test");
    expected.at("README.md", 6, "no such test: c::e");
    expected.at("README.md", 7, "expected three cells");
    assert_eq!(violations, expected);
}
