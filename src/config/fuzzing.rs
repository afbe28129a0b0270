//! The fuzz target of the configuration.

use std::path::Path;

use super::{ConfigError, Entry, error::Problem, parse, show, to_toml};
use crate::hostile_input::{CANARY, assert_one_line, assert_silent};

/// How a line starts that has a secret for its value, by mistake.
const LITERALS: [&str; 4] = [
    "api_key = \"",
    "password = \"",
    "secret_id = \"",
    "token = \"",
];

/// How one starts that has a password in a URL.
const PROXY: &str = "proxy = \"http://ana:";

/// A configuration.
pub fn config(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let file = Path::new("/etc/claviger/config.toml");
    let config = match parse(file, text) {
        Ok(config) => config,
        Err(error) => {
            assert_located(&error, text);
            if has_literals_alone(text) {
                let problems = error.problems();
                problems.for_each(|problem| assert_silent(&problem.message));
            }
            return;
        }
    };
    let shown = |text| {
        let values = show(&config, text).unwrap_or_default();
        let values = values.into_iter().map(|shown| (shown.path, shown.value));
        values.collect::<Vec<_>>()
    };
    let values = shown(text);
    let entries: Vec<_> = values
        .iter()
        .map(|(path, value)| Entry {
            path: path.clone(),
            value: value.clone(),
            comment: None,
        })
        .collect();
    let printed = to_toml(&entries);
    let error = parse(file, &printed).err();
    assert!(error.is_none(), "{error:?} in what was printed:\n{printed}");
    // The tables may be in another order.
    let sorted = |mut values: Vec<(Vec<String>, toml::Value)>| {
        values.sort_by(|one, other| one.0.cmp(&other.0));
        values
    };
    assert_eq!(sorted(shown(&printed)), sorted(values));
}

/// Asserts that `error` has problems, and that each has a place in `text`, a reason, and a message
/// of one line.
#[track_caller]
pub(crate) fn assert_located(error: &ConfigError, text: &str) {
    let lines: Vec<_> = text.split('\n').collect();
    assert!(error.problems().count() > 0, "{error}");
    for problem in error.problems() {
        let line = lines.get(problem.line.wrapping_sub(1));
        let columns = line.map_or(0, |line| line.chars().count() + 1);
        assert!((1..=columns).contains(&problem.column), "{problem:?}");
        assert_one_line(&problem.message);
        // The check lacks a rule of deserialization.
        assert_ne!(*problem, Problem::default());
    }
}

/// Whether the secret in `text` is only in the lines that say of themselves that they have one. A
/// message quotes other values, such as the name of a profile.
fn has_literals_alone(text: &str) -> bool {
    // A message that repeats it in other letters repeats it, too.
    let text = text.to_ascii_lowercase();
    let mut lines = text.lines().filter(|line| line.contains(CANARY));
    let is_literal = |line: &str| {
        let secret = LITERALS.iter().find_map(|start| line.strip_prefix(start));
        let proxy = line.strip_prefix(PROXY);
        let proxy = proxy.and_then(|line| line.strip_prefix(CANARY));
        secret.is_some_and(|line| line.starts_with(CANARY))
            || proxy.is_some_and(|line| line.starts_with('@'))
    };
    // Within a text of several lines it is a part of that text, and an escape may hide another one.
    lines.all(is_literal)
        && !text.contains('\\')
        && !text.contains("\"\"\"")
        && !text.contains("'''")
}
