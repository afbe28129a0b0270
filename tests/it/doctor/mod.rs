//! `claviger doctor`: each cause of a broken roll-out, made with real parts, and what is reported
//! about it.

mod gateway;
mod network;
mod source;

use serde_json::Value;

use crate::support::TestEnv;

/// What `claviger doctor` finds in this family.
async fn found(env: &TestEnv, family: &str) -> Vec<Value> {
    found_with(env, family, &[]).await
}

/// The same with further arguments.
async fn found_with(env: &TestEnv, family: &str, args: &[&str]) -> Vec<Value> {
    let output = env.claviger(&[&["doctor", "--json"], args].concat()).await;
    let report: Value = serde_json::from_str(&output.stdout).expect(&output.stderr);
    let findings = report["findings"].as_array().unwrap();
    let is_fatal = findings.iter().any(|found| found["severity"] == "fatal");
    assert_eq!(output.code, Some(i32::from(is_fatal)), "{output:?}");
    let of_family = findings.iter().filter(|found| found["family"] == family);
    of_family.cloned().collect()
}

/// The ids of those above a note.
fn serious(findings: &[Value]) -> Vec<&str> {
    findings
        .iter()
        .filter(|found| found["severity"] != "note")
        .filter_map(|found| found["id"].as_str())
        .collect()
}

/// Asserts that the only finding above a note is `id` and contains all of `parts`, in whatever
/// field.
#[track_caller]
fn assert_found(findings: &[Value], id: &str, parts: &[&str]) {
    assert_eq!(serious(findings), [id], "{findings:#?}");
    let found = findings.iter().find(|found| found["id"] == id).unwrap();
    assert!(!found["remedy"].as_str().unwrap().is_empty(), "{found}");
    for part in parts {
        assert!(
            found.to_string().contains(part),
            "{part:?} is not in {found:#}"
        );
    }
}
