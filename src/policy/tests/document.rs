//! What a document may say.

use std::path::Path;

use super::*;
use crate::config::{ConfigError, TypedDocument};

const EXAMPLE: &str = r#"
version = 1
counter = 42
watch = "1m"
max_age = "7d"
minimum_version = "0.2.0"

[rule.rotation]
rotate_after = 2026-11-30T21:00:00+01:00

[rule.stolen]
profiles = ["default", "team-a"]
users = ["ana", "bob"]
disabled = "laptop reported stolen; call 1234"
allowed_gateways = ["https://llm.example.com"]
allowed_audiences = ["llm-gateway"]
allowed_sources = ["team-vault"]
allowed_callers = ["/usr/bin/claude", 'C:\Program Files\claude.exe']
"#;

fn parse(text: &str) -> Result<TypedDocument<PolicyDocument>, ConfigError> {
    let now = "2026-12-01T00:00:00Z".parse().unwrap();
    TypedDocument::parse(Path::new("p.toml"), text, |document: &PolicyDocument| {
        document.mistakes(now)
    })
}

fn problems(text: &str) -> Vec<String> {
    let error = parse(text).unwrap_err();
    error.problems().map(ToString::to_string).collect()
}

#[test]
fn every_key_is_read() {
    let TypedDocument { typed, json } = parse(EXAMPLE).unwrap();
    assert_eq!(typed.counter, 42);
    assert_eq!(typed.watch.to_string(), "1m");
    assert_eq!(typed.max_age.to_string(), "7d");
    assert_eq!(typed.minimum_version.unwrap().to_string(), "0.2.0");
    let rules: Vec<_> = typed.rules.values().collect();
    let at = rules[0].rotate_after.unwrap();
    assert_eq!(at.to_string(), "2026-11-30T20:00:00Z");
    let Rule {
        profiles,
        users,
        rotate_after,
        disabled,
        allowed_gateways,
        allowed_audiences,
        allowed_sources,
        allowed_callers,
    } = rules[1];
    assert_eq!(rotate_after, &None);
    assert_eq!(
        disabled.as_deref(),
        Some("laptop reported stolen; call 1234")
    );
    assert_eq!(profiles.as_ref().unwrap().len(), 2);
    assert_eq!(users.as_ref().unwrap(), &["ana", "bob"]);
    assert!(allowed_gateways.as_ref().unwrap()[0].matches("https://LLM.example.com/"));
    assert_eq!(allowed_audiences.as_ref().unwrap(), &["llm-gateway"]);
    assert_eq!(allowed_sources.as_ref().unwrap()[0].as_str(), "team-vault");
    assert_eq!(allowed_callers.as_ref().unwrap().len(), 2);
    // What is signed is what was written; a date is a string there.
    assert_eq!(
        json["rule"]["rotation"]["rotate_after"],
        "2026-11-30T21:00:00+01:00"
    );
    assert_eq!(json["watch"], "1m");
}

#[test]
fn defaults_are_filled_in() {
    let document = parse("version = 1\ncounter = 1\n").unwrap().typed;
    assert_eq!(document.watch.to_string(), "1m");
    assert_eq!(document.max_age.to_string(), "7d");
    assert_eq!(document.minimum_version, None);
    assert!(document.rules.is_empty());
}

#[test]
fn every_mistake_has_its_place() {
    let of_keys = "version = 2\ncounter = 0\nwatch = 'off'\nmax_age = '1m'\n\
                   minimum_version = 'v1'\nforbidden = true\n\
                   [rule.'a b']\ndisabled = 'x'\n\
                   [rule.a]\nuser = ['ana']\nrotate_after = 2026-11-30\n\
                   allowed_gateways = ['llm.example.com']\n";
    assert_eq!(
        problems(of_keys),
        [
            "1:1: 'version': expected 1, got 2",
            "2:1: 'counter': expected 1 to 9007199254740991, got 0",
            "3:1: 'watch': expected a duration such as '90s', '15m', '1h30m' or '1d'",
            "4:1: 'max_age': expected 1h to 365d, got 1m",
            "5:1: 'minimum_version': expected a version such as '0.2.0'",
            "6:1: unknown key 'forbidden'; expected 'counter', 'max_age', 'minimum_version', 'rule', \
             'version' or 'watch'",
            "7:7: 'a b' in [rule]: expected a name of 1 to 64 ASCII letters, digits and '._-', \
             starting with a letter or digit",
            "10:1: unknown key 'user' in [rule.a]; did you mean 'users'?",
            "11:1: 'rotate_after' in [rule.a]: expected a date and a time with its offset, such as \
             2026-11-30T20:00:00Z",
            "12:1: 'allowed_gateways' in [rule.a]: invalid URL: relative URL without a base",
        ]
    );
    let between_keys = "version = 1\ncounter = 1\nwatch = '2h'\nmax_age = '1h'\n\
                        [rule.a]\nusers = []\nrotate_after = 2026-12-01T00:00:01Z\n\
                        [rule.b]\nprofiles = ['default']\n\
                        [rule.c]\nallowed_callers = ['claude']\ndisabled = \"a\\nb\"\n\
                        [rule.d]\nusers = [' ana']\nallowed_gateways = []\n";
    assert_eq!(
        problems(between_keys),
        [
            "4:1: 'max_age': expected a longer time than 'watch'",
            "6:1: 'users' in [rule.a]: must not be empty",
            "7:1: 'rotate_after' in [rule.a]: expected a moment in the past: until a later one every \
             key would be rejected; sign the policy then",
            "8:7: [rule.b]: expected 'rotate_after', 'disabled' or an 'allowed_…' key: it restricts \
             nothing",
            "11:1: 'allowed_callers' in [rule.c]: expected absolute paths",
            "12:1: 'disabled' in [rule.c]: expected one line of at most 200 characters",
            "14:1: 'users' in [rule.d]: expected texts without control characters and blanks at the \
             ends",
            "15:1: 'allowed_gateways' in [rule.d]: must not be empty",
        ]
    );
    assert_eq!(
        problems("counter = 1\n")[0],
        "1:1: missing 'version'; expected 1"
    );
    assert!(problems("version = ")[0].contains("invalid TOML"));
}
