//! Invariants that a lint holds: the lint must stay on.

use std::fs;

use crate::{source_tree::root, violations::Violations};

/// Lints with the invariant that each one holds.
const REQUIRED: [(&str, &str); 8] = [
    ("await_holding_lock", "no lock is held across .await"),
    (
        "await_holding_refcell_ref",
        "no borrow is held across .await",
    ),
    ("disallowed_methods", "clocks are read in src/clock only"),
    (
        "undocumented_unsafe_blocks",
        "every unsafe block has its SAFETY line",
    ),
    ("expect_used", "no panic shows an error's Debug"),
    ("panic", "no message of a panic repeats a value"),
    ("unwrap_used", "no panic shows an error's Debug"),
    (
        "allow_attributes",
        "an exception is an expect with its reason",
    ),
];

#[test]
fn the_lints_that_hold_invariants_are_on() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut violations = Violations::default();
    for (lint, invariant) in REQUIRED {
        if !manifest
            .lines()
            .any(|line| line == format!("{lint} = \"warn\""))
        {
            violations.add(format!("{lint}: {invariant}"));
        }
    }
    violations.assert_none("add to [workspace.lints.clippy] in Cargo.toml, as \"warn\"");
}
