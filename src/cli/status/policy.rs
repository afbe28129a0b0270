//! The central policy as text.

use std::time::Duration;

use crate::{
    cli::{
        output::{relative, rounded},
        table::Width,
    },
    status_report::{PolicyReport, PolicyStanding},
};

/// What is known of the policy, then what is wrong with it, each with what to do.
pub(super) fn lines(policy: &PolicyReport, width: Width) -> Vec<String> {
    let place = &policy.place;
    let error = policy.error.as_ref();
    let known = known(policy, width);
    let mut lines = match (&policy.state, error) {
        (PolicyStanding::Missing, None) => {
            vec!["no policy yet: the first request for a key looks for it".to_owned()]
        }
        (PolicyStanding::Missing, Some(error)) => vec![format!(
            "no key is given: no policy has arrived from {place} yet: {error}"
        )],
        (PolicyStanding::Expired, _) => {
            let max_age = Duration::from_secs(policy.max_age_s.unwrap_or(0));
            let expired = format!("{known}, longer ago than {}", rounded(max_age));
            vec![match error {
                // A daemon that is not asked for keys does not look.
                None => {
                    format!("{expired}: the next request for a key looks for a newer one first")
                }
                Some(error) => format!("{expired}, so that no key is given: {error}"),
            }]
        }
        (PolicyStanding::InForce, None) => vec![known],
        (PolicyStanding::InForce, Some(error)) => {
            let end = policy.expires_at();
            let end = end.map_or_else(String::new, |at| {
                format!(", and no key is given from {at} on")
            });
            vec![
                known,
                format!("the last look for a newer policy failed{end}: {error}"),
            ]
        }
        // Of a newer daemon.
        (PolicyStanding::Other(name), _) => vec![format!("{known} ({name})")],
    };
    if let Some(error) = &policy.file_error {
        lines.push(format!(
            "the policy is not kept for the next daemon: {error}"
        ));
    }
    lines.extend(
        policy
            .advice
            .as_ref()
            .map(|advice| format!("hint: {advice}")),
    );
    lines
}

/// `policy 42, seen 30 s ago`.
fn known(policy: &PolicyReport, width: Width) -> String {
    let counter = policy
        .counter
        .map_or_else(String::new, |counter| format!(" {counter}"));
    let mut text = format!("policy{counter}");
    if let (Width::Wide, Some(at), Some(key)) = (width, policy.issued_at, &policy.key_id) {
        text.push_str(&format!(", signed at {at} by {key}"));
    }
    if let Some(at) = policy.seen_at {
        text.push_str(&match width {
            Width::Narrow(now) => format!(", seen {}", relative(at, now)),
            Width::Wide => format!(", seen at {at} at {}", policy.place),
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn narrow() -> Width {
        Width::Narrow(time("2026-11-21T08:06:00Z"))
    }

    fn in_force() -> PolicyReport {
        PolicyReport {
            place: "https://c.test/p.jws".to_owned(),
            state: PolicyStanding::InForce,
            counter: Some(42),
            issued_at: Some(time("2026-11-21T07:00:00Z")),
            seen_at: Some(time("2026-11-21T08:05:30Z")),
            key_id: Some("kPrK".to_owned()),
            watch_s: Some(60),
            max_age_s: Some(3600),
            ..PolicyReport::default()
        }
    }

    #[test]
    fn a_policy_in_force_is_one_line() {
        assert_eq!(lines(&in_force(), narrow()), ["policy 42, seen 30 s ago"]);
        let wide = "policy 42, signed at 2026-11-21T07:00:00Z by kPrK, seen at \
                    2026-11-21T08:05:30Z at https://c.test/p.jws";
        assert_eq!(lines(&in_force(), Width::Wide), [wide]);
    }

    #[test]
    fn what_is_wrong_comes_with_its_remedy() {
        let failed = |state, error: Option<&str>| PolicyReport {
            state,
            error: error.map(str::to_owned),
            advice: error.map(|_| "check it".to_owned()),
            ..in_force()
        };
        let missing = |error: Option<&str>| PolicyReport {
            place: "https://c.test/p.jws".to_owned(),
            counter: None,
            seen_at: None,
            ..failed(PolicyStanding::Missing, error)
        };
        let refused = Some("refused");
        let cases: [(PolicyReport, &[&str]); 6] = [
            (
                failed(PolicyStanding::InForce, refused),
                &[
                    "policy 42, seen 30 s ago",
                    "the last look for a newer policy failed, and no key is given from \
                     2026-11-21T09:05:30Z on: refused",
                    "hint: check it",
                ],
            ),
            (
                failed(PolicyStanding::Expired, refused),
                &[
                    "policy 42, seen 30 s ago, longer ago than 60 min, so that no key is given: refused",
                    "hint: check it",
                ],
            ),
            (
                failed(PolicyStanding::Expired, None),
                &[
                    "policy 42, seen 30 s ago, longer ago than 60 min: the next request for a key looks \
                     for a newer one first",
                ],
            ),
            (
                missing(refused),
                &[
                    "no key is given: no policy has arrived from https://c.test/p.jws yet: refused",
                    "hint: check it",
                ],
            ),
            (
                missing(None),
                &["no policy yet: the first request for a key looks for it"],
            ),
            (
                PolicyReport {
                    file_error: Some("no space".to_owned()),
                    advice: Some("make some".to_owned()),
                    ..in_force()
                },
                &[
                    "policy 42, seen 30 s ago",
                    "the policy is not kept for the next daemon: no space",
                    "hint: make some",
                ],
            ),
        ];
        for (report, expected) in cases {
            assert_eq!(lines(&report, narrow()), expected);
        }
    }
}
