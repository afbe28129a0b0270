//! This machine's clock, compared with the servers' `Date` (RFC 9110, section 6.6.1).

use super::{
    checks::{CLOCK_SKEW, SERVER_CLOCK},
    facts::ServerFacts,
};
use crate::{
    clock::Timestamp,
    doctor::finding::{Finding, Severity},
};

/// A difference in seconds that no network and no rounding explains.
const WARNING: i64 = 60;

/// A difference in seconds at which servers refuse tokens: the leeway of most of them.
const FATAL: i64 = 5 * 60;

/// What is wrong with the clocks. If all servers agree, it is this machine's clock; if one alone
/// differs, it is that server's.
pub(super) fn check(all: &[ServerFacts]) -> Vec<Finding> {
    let dated: Vec<_> = all
        .iter()
        .filter_map(|facts| Some((facts, skew(facts.at, facts.answer.as_ref().ok()?.date?))))
        .collect();
    let is_off = |(_, skew): &&(&ServerFacts, i64)| skew.abs() > WARNING;
    let off: Vec<_> = dated.iter().filter(is_off).collect();
    let agree = off.len() == dated.len()
        && (off.iter().all(|(_, skew)| *skew > 0) || off.iter().all(|(_, skew)| *skew < 0));
    if off.is_empty() {
        return Vec::new();
    }
    if agree {
        return vec![of_machine(&dated)];
    }
    off.into_iter()
        .map(|(facts, skew)| of_server(facts, *skew))
        .collect()
}

/// By how many seconds this machine is ahead of a server.
fn skew(here: Timestamp, there: Timestamp) -> i64 {
    here.as_second() - there.as_second()
}

fn of_machine(dated: &[(&ServerFacts, i64)]) -> Finding {
    let least = dated.iter().min_by_key(|(_, skew)| skew.abs());
    let least = least.map_or(0, |(_, skew)| *skew);
    let depends = dated.iter().any(|(facts, _)| facts.server.depends_on_clock);
    let found = CLOCK_SKEW.found(
        format!("this machine's clock is {}", distance(least)),
        dated.iter().map(|(facts, skew)| evidence(facts, *skew)),
        "set the clock, and have the system keep it by NTP",
    );
    match depends && least.abs() > FATAL {
        true => Finding {
            severity: Severity::Fatal,
            ..found
        },
        false => found,
    }
}

fn of_server(facts: &ServerFacts, skew: i64) -> Finding {
    facts.found(
        &SERVER_CLOCK,
        format!(
            "the clock of the {} is {}, and other servers agree with this machine's",
            facts.server.subject(),
            distance(-skew)
        ),
        [evidence(facts, skew)],
        format!(
            "ask the administrator of '{}' to set its clock",
            facts.server.host()
        ),
    )
}

fn evidence(facts: &ServerFacts, skew: i64) -> String {
    let host = facts.server.host();
    format!(
        "this machine is {} by the header 'Date' of '{host}'",
        distance(skew)
    )
}

fn distance(skew: i64) -> String {
    let side = match skew {
        ..0 => "behind",
        _ => "ahead",
    };
    match skew.abs() {
        seconds @ 0..120 => format!("{seconds} s {side}"),
        seconds @ 120..7200 => format!("{} min {side}", seconds / 60),
        seconds => format!("{} h {side}", seconds / 3600),
    }
}

#[cfg(test)]
mod tests;
