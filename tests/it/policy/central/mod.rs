//! The central policy with real daemons: how they get it, keep it and enforce it.
//!
//! - the first one, and an unreachable server: `first`, `outage`
//! - `disabled`: `switch`; the lists and `minimum_version`: `lists`, `callers`
//! - `rotate_after`: `rotation`; with the real client: `emergency`
//! - what must not replace the last good one: `rollback`
//! - conditional requests: `conditional`; proxies: `network`; from Vault: `vault`
//! - users with a configuration of their own, and several daemons: `managed`, `sockets`

mod publisher;

mod callers;
mod conditional;
mod emergency;
mod first;
mod lists;
mod managed;
mod network;
mod outage;
mod rollback;
mod rotation;
mod sockets;
mod switch;
mod vault;

use std::time::Duration;

use claviger::clock::{Clock as _, SystemClock, Timestamp};
use serde_json::Value;

use self::publisher::{Publisher, file, files, stored};
use crate::{
    audit,
    support::{TestEnv, until},
};

/// How soon a daemon in use must have a newer policy whose `watch` is 10 s: the bound of the README.
const WORST_CASE: Duration = Duration::from_secs(16);

/// [`WORST_CASE`], on a busy machine.
const LOOK_LIMIT: Duration = Duration::from_secs(30);

/// The records about the policy with this outcome.
fn policy_records(env: &TestEnv, outcome: &str) -> Vec<Value> {
    let mut records = audit::records(env);
    records.retain(|record| record["event"] == "policy" && record["outcome"] == outcome);
    records
}

/// Waits for the record number `count` with this outcome; returns it.
async fn until_recorded(env: &TestEnv, outcome: &str, count: usize) -> Value {
    let mut records = Vec::new();
    let what = format!("policy {outcome}, {count} times");
    until(&what, LOOK_LIMIT, async || {
        records = policy_records(env, outcome);
        records.len() >= count
    })
    .await;
    assert_eq!(records.len(), count, "{records:#?}");
    records.pop().unwrap()
}

/// Waits until the policy with this counter is in force.
async fn until_in_force(env: &TestEnv, counter: u64) {
    let what = format!("the policy {counter} is in force");
    until(&what, LOOK_LIMIT, async || {
        let records = policy_records(env, "accepted");
        records.iter().any(|record| record["policy"] == counter)
    })
    .await;
}

/// A rule that drops credentials from before `at`, as soon as it can be signed: in the second after
/// it.
async fn rotation(at: Timestamp) -> String {
    until("the second is over", Duration::from_secs(2), async || {
        SystemClock.now().wall.as_second() > at.as_second()
    })
    .await;
    format!("[rule.leak]\nrotate_after = {at}\n")
}

/// Ends the daemon; the next command starts another one.
async fn stop(env: &TestEnv) {
    env.claviger(&["stop"]).await.succeeded();
}
