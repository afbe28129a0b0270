//! Names that operators filter by: the events of the log, and the metrics.

use std::{collections::BTreeSet, fs};

use crate::{source_tree::root, violations::Violations};

/// The start of the call that logs an event, by level. The events of the level debug have no names,
/// apart from those that the README lists.
const CALLS: [&str; 3] = ["tracing::info!(", "tracing::warn!(", "tracing::error!("];

/// What precedes the name of an event.
const FIELD: &str = "event = \"";

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The source files with their texts, without the tests at their ends.
fn sources() -> Vec<(String, String)> {
    let files = crate::source_tree::files();
    let files = files.filter(|file| file.file.starts_with("src/"));
    files
        .map(|file| {
            let text = read(&file.file);
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            (file.file.clone(), code.to_owned())
        })
        .collect()
}

/// The first cells, in code, of the README's table with this header.
fn table(header: &str) -> BTreeSet<String> {
    let readme = read("README.md");
    let (_, table) = readme.split_once(header).unwrap();
    let rows = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    rows.filter(|row| !row.starts_with("|---"))
        .flat_map(|row| row.split('|').nth(1).unwrap().split(", "))
        .map(|cell| cell.trim().trim_matches('`').to_owned())
        .collect()
}

#[test]
fn every_event_of_the_log_has_a_name_and_the_readme_lists_it() {
    let mut violations = Violations::default();
    let mut named = BTreeSet::new();
    for (file, text) in sources() {
        for call in CALLS {
            for (at, _) in text.match_indices(call) {
                if !text[at + call.len()..].trim_start().starts_with(FIELD) {
                    let line = text[..at].lines().count();
                    violations.at(&file, line, "an event without a name");
                }
            }
        }
        let fields = text.split(FIELD).skip(1);
        named.extend(fields.map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
    violations.assert_none("start the event with its field 'event'");
    assert_eq!(named, table("| `event` of the log | "));
    let is_kebab = |name: &String| name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    assert!(named.iter().all(is_kebab), "{named:?}");
}

/// The names of the metrics, as samples have them.
fn metrics() -> BTreeSet<String> {
    let text = read("src/metrics/family.rs");
    let of = |kind: &str, suffix: &str| {
        let start = format!("Family::{kind}(");
        let calls = text.split(&start).skip(1);
        calls
            .map(|call| format!("{}{suffix}", call.split('"').nth(1).unwrap()))
            .collect::<Vec<_>>()
    };
    let all = [
        of("gauge", ""),
        of("counter", "_total"),
        of("histogram", ""),
    ];
    all.concat().into_iter().collect()
}

#[test]
fn the_readme_lists_every_metric() {
    let known = metrics();
    assert!(known.len() > 10, "{known:?}");
    assert_eq!(known, table("| metric | "));
}

#[test]
fn dashboard_and_alerts_name_metrics_that_exist() {
    let known = metrics();
    for file in ["dashboard.json", "alerts.yml", "alerts-test.yml"] {
        let text = read(&format!("packaging/monitoring/{file}"));
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let named: BTreeSet<_> = words.filter(|word| word.starts_with("claviger_")).collect();
        assert!(!named.is_empty(), "{file}");
        for name in named {
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix))
                .unwrap_or(name);
            assert!(known.contains(family), "{file} names '{name}'");
        }
    }
    // Each family is shown, or an alert looks at it.
    let shown = read("packaging/monitoring/dashboard.json");
    let not_shown = [
        "claviger_daemon_start_time_seconds",
        "claviger_credential_issued_timestamp_seconds",
    ];
    for name in known {
        let is_shown = shown.contains(name.as_str());
        assert_eq!(is_shown, !not_shown.contains(&name.as_str()), "{name}");
    }
}
