//! What is found of one family of checks.

use serde_json::Value;

use super::Diagnosis;
use crate::support::TestEnv;

/// What `claviger doctor` finds of this family.
pub(super) async fn found(env: &TestEnv, family: &str) -> Vec<Value> {
    found_with(env, family, &[]).await
}

/// The same with further arguments.
pub(super) async fn found_with(env: &TestEnv, family: &str, args: &[&str]) -> Vec<Value> {
    let diagnosis = Diagnosis::of(env, args).await;
    let of_family = diagnosis
        .findings()
        .filter(|found| found["family"] == family);
    of_family.cloned().collect()
}

/// The ids of those above a note.
pub(super) fn serious(findings: &[Value]) -> Vec<&str> {
    findings
        .iter()
        .filter(|found| found["severity"] != "note")
        .filter_map(|found| found["id"].as_str())
        .collect()
}

/// Asserts that the only finding above a note is `id` and contains all of `parts`, in whatever
/// field.
#[track_caller]
pub(super) fn assert_found(findings: &[Value], id: &str, parts: &[&str]) {
    assert_eq!(serious(findings), [id], "{findings:#?}");
    let found = findings.iter().find(|found| found["id"] == id).unwrap();
    assert!(!found["remedy"].as_str().unwrap().is_empty(), "{found}");
    for part in parts {
        let text = found.to_string();
        assert!(text.contains(part), "{part:?} is not in {found:#}");
    }
}
