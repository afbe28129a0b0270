//! The audit log of a real daemon: which records a story leaves (`story`), what shows that the log
//! was changed (`chain`), and where it is written (`places`).

mod chain;
mod places;
mod story;

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::support::{
    TestEnv,
    poll::{SOON, until},
};

/// The file of the log on the usual socket.
const LOG: &str = "audit.log";

/// The records of the log, the oldest first.
fn records_in(directory: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log_in(directory)).unwrap_or_default();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The current file: its name depends on the daemon's socket.
fn log_in(directory: &Path) -> PathBuf {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let current = |name: &String| {
        let rest = name.strip_prefix("audit");
        rest.is_some_and(|rest| rest.ends_with(".log") && rest.matches('.').count() == 1)
    };
    directory.join(names.filter(current).min().unwrap_or(LOG.to_owned()))
}

pub(crate) fn records(env: &TestEnv) -> Vec<Value> {
    records_in(&env.state_dir())
}

/// `EVENT OUTCOME REASON FINGERPRINT` of each record about a key.
pub(crate) fn story(env: &TestEnv) -> Vec<String> {
    let text = |record: &Value, name: &str| record[name].as_str().unwrap_or("-").to_owned();
    records(env)
        .iter()
        .filter(|record| !matches!(record["event"].as_str(), Some("daemon" | "config")))
        .map(|record| {
            ["event", "outcome", "reason", "fingerprint"]
                .map(|name| text(record, name))
                .join(" ")
        })
        .collect()
}

/// Waits until this is true of the story, which is written behind the answers; returns it.
pub(crate) async fn story_until(
    env: &TestEnv,
    what: &str,
    holds: impl Fn(&[String]) -> bool,
) -> Vec<String> {
    let mut found = Vec::new();
    until(what, SOON, async || {
        found = story(env);
        holds(&found)
    })
    .await;
    found
}

/// Waits until the story contains a record; returns the story.
pub(crate) async fn until_recorded(env: &TestEnv, record: &str) -> Vec<String> {
    story_until(env, record, |story| {
        story.iter().any(|found| found == record)
    })
    .await
}

async fn verify(env: &TestEnv) -> (Option<i32>, Value) {
    let output = env.claviger(&["audit", "verify", "--json"]).await;
    let report = serde_json::from_str(&output.stdout).unwrap_or(Value::Null);
    (output.code, report)
}

/// Asserts that the log is whole, to its known end.
pub(crate) async fn is_whole(env: &TestEnv) -> Value {
    let (code, report) = verify(env).await;
    assert_eq!(
        (code, &report["is_whole"]),
        (Some(0), &true.into()),
        "{report}"
    );
    report
}
