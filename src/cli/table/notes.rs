//! What is printed about a profile below the table: its errors with their remedy, then what its row
//! has no column for.

use std::io::{self, Write};

use super::{Width, described, label};
use crate::{
    cli::{login, output},
    clock::Timestamp,
    status_report::{CLIENT_RETRIES, ProfileReport, ProfileState},
};

/// Prints the notes on `profile`; nothing if its row says it all.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn print(out: &mut impl Write, profile: &ProfileReport, width: Width) -> io::Result<()> {
    let name = &label(profile);
    if let (Width::Narrow(_), Some(variables)) = (width, &profile.variables) {
        output::paragraph(out, &format!("{name}: for {}", described(variables)))?;
    }
    if let Some(user) = &profile.login {
        let now = match width {
            Width::Narrow(now) => Some(now),
            Width::Wide => None,
        };
        let text = format!("{name}: signed in{}", login::described(user, now));
        output::paragraph(out, &text)?;
    }
    if let Some(error) = &profile.last_error {
        output::paragraph(out, &format!("{name}: {error}"))?;
    }
    if let Some(since) = profile.rejected_since {
        output::paragraph(out, &format!("{name}: {}", rejected(profile, since)))?;
    }
    let mut has_error = profile.last_error.is_some() || profile.rejected_since.is_some();
    if let Some(denial) = &profile.policy_denial {
        output::paragraph(out, &format!("{name}: {denial}"))?;
        // Its remedy is the first advice, unless clients of another gateway are served.
        has_error = profile.state == ProfileState::Denied;
    }
    let remedies = match width {
        Width::Narrow(_) => 1,
        Width::Wide => profile.advice.len(),
    };
    let advice: Vec<_> = profile.advice.iter().take(remedies).collect();
    for (index, advice) in advice.iter().enumerate() {
        if has_error && index == 0 {
            output::indented(out, &format!("hint: {advice}"))?;
        } else {
            output::paragraph(out, &format!("{name}: {advice}"))?;
        }
    }
    let is_advised = |what: &str| advice.iter().any(|advice| advice.contains(what));
    if let Some(successor) = &profile.successor
        && !is_advised(&successor.fingerprint)
    {
        let version = successor
            .version
            .map(|version| format!(", version {version}"))
            .unwrap_or_default();
        let text = format!(
            "{name}: the gateway does not accept the source's newer key {}{version} yet",
            successor.fingerprint
        );
        output::paragraph(out, &text)?;
    }
    if let Some(probe) = &profile.last_probe {
        let at = probe.at.map(|at| moment(at, width)).unwrap_or_default();
        match &probe.reason {
            Some(reason) if width == Width::Wide || !is_advised(reason) => {
                output::paragraph(
                    out,
                    &format!("{name}: probed {at} without a result: {reason}"),
                )?;
            }
            None if width == Width::Wide => {
                output::paragraph(out, &format!("{name}: probed {at}: {}", probe.result))?;
            }
            _ => {}
        }
    }
    if let (Width::Wide, Some(until)) = (width, profile.usable_until) {
        let text =
            format!("{name}: served until {until} at most, unless the source confirms the key");
        output::paragraph(out, &text)?;
    }
    Ok(())
}

/// What the gateway does to the key, as far as is known.
fn rejected(profile: &ProfileReport, since: Timestamp) -> String {
    match profile.rejection_evidence.as_deref() {
        Some(CLIENT_RETRIES) => {
            format!("the gateway probably rejects the key: the client has retried since {since}")
        }
        _ => format!("the gateway has rejected the key since {since}"),
    }
}

/// `at` as the table has it: relative, or the time itself.
fn moment(at: Timestamp, width: Width) -> String {
    match width {
        Width::Narrow(now) => output::relative(at, now),
        Width::Wide => format!("at {at}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status_report::{LastProbeReport, SuccessorReport, UserLoginReport};

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn printed(profile: &ProfileReport, width: Width) -> String {
        let mut out = Vec::new();
        print(&mut out, profile, width).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn narrow() -> Width {
        Width::Narrow(time("2026-11-21T08:06:00Z"))
    }

    fn probed(result: &str, reason: Option<&str>) -> ProfileReport {
        ProfileReport {
            name: "work".to_owned(),
            last_probe: Some(LastProbeReport {
                at: Some(time("2026-11-21T08:03:00Z")),
                result: result.to_owned(),
                reason: reason.map(str::to_owned),
            }),
            ..ProfileReport::default()
        }
    }

    #[test]
    fn a_probe_that_proved_nothing_is_named_with_its_cause_once() {
        let mut profile = probed("inconclusive", Some("budget exceeded (402)"));
        let expected = "work: probed 3 min ago without a result: budget exceeded (402)\n";
        assert_eq!(printed(&profile, narrow()), expected);
        let advice = "the probe proves nothing: budget exceeded (402); ask for more";
        profile.advice = vec![advice.to_owned()];
        assert_eq!(printed(&profile, narrow()), format!("work: {advice}\n"));
        profile.advice.insert(0, "another thing".to_owned());
        assert_eq!(
            printed(&profile, narrow()),
            format!("work: another thing\n{expected}")
        );
        assert_eq!(
            printed(&profile, Width::Wide),
            format!(
                "work: another thing\nwork: {advice}\n\
                 work: probed at 2026-11-21T08:03:00Z without a result: budget exceeded (402)\n"
            )
        );
    }

    #[test]
    fn a_probe_that_told_is_of_interest_only_in_the_wide_form() {
        let profile = probed("accepted", None);
        assert_eq!(printed(&profile, narrow()), "");
        assert_eq!(
            printed(&profile, Width::Wide),
            "work: probed at 2026-11-21T08:03:00Z: accepted\n"
        );
        // Of another release.
        let mut profile = probed("", None);
        profile.last_probe.as_mut().unwrap().at = None;
        assert_eq!(printed(&profile, narrow()), "");
    }

    #[test]
    fn a_waiting_successor_is_named_once() {
        let mut profile = ProfileReport {
            name: "work".to_owned(),
            successor: Some(SuccessorReport {
                fingerprint: "0123456789ab".to_owned(),
                version: Some(4),
                issued_at: None,
            }),
            ..ProfileReport::default()
        };
        let expected = "work: the gateway does not accept the source's newer key 0123456789ab, version 4\n  \
                        yet\n";
        assert_eq!(printed(&profile, narrow()), expected);
        profile.advice = vec!["add 0123456789ab".to_owned()];
        assert_eq!(printed(&profile, narrow()), "work: add 0123456789ab\n");
    }

    #[test]
    fn the_login_of_a_profile_is_named_with_its_user_and_its_end() {
        let profile = ProfileReport {
            name: "work".to_owned(),
            login: Some(UserLoginReport {
                name: Some("jo".to_owned()),
                expires_at: Some(time("2026-11-21T18:00:00Z")),
                ..UserLoginReport::default()
            }),
            ..ProfileReport::default()
        };
        let expected = "work: signed in as jo, until 2026-11-21T18:00:00Z";
        assert_eq!(
            printed(&profile, narrow()),
            format!("{expected} (in 9 h)\n")
        );
        assert_eq!(printed(&profile, Width::Wide), format!("{expected}\n"));
    }

    #[test]
    fn a_denial_of_the_policy_comes_with_its_remedy() {
        let mut profile = ProfileReport {
            name: "work".to_owned(),
            state: ProfileState::Denied,
            last_error: Some("timed out".to_owned()),
            policy_denial: Some("the laptop was stolen (rule 'x')".to_owned()),
            advice: vec!["call 1234".to_owned()],
            ..ProfileReport::default()
        };
        let denial = "work: timed out\nwork: the laptop was stolen (rule 'x')\n";
        assert_eq!(
            printed(&profile, narrow()),
            format!("{denial}  hint: call 1234\n")
        );
        profile.state = ProfileState::Locked;
        profile.advice = vec!["run claviger unlock".to_owned()];
        assert_eq!(
            printed(&profile, narrow()),
            format!("{denial}work: run claviger unlock\n")
        );
    }

    #[test]
    fn a_rejection_that_only_the_client_shows_is_probable() {
        let mut profile = ProfileReport {
            name: "work".to_owned(),
            rejected_since: Some(time("2026-11-21T08:00:00Z")),
            advice: vec!["ask for a new key".to_owned()],
            ..ProfileReport::default()
        };
        let certain = "work: the gateway has rejected the key since 2026-11-21T08:00:00Z\n  \
                       hint: ask for a new key\n";
        for evidence in [None, Some("probe"), Some("of-a-newer-daemon")] {
            profile.rejection_evidence = evidence.map(str::to_owned);
            assert_eq!(printed(&profile, narrow()), certain);
        }
        profile.rejection_evidence = Some(CLIENT_RETRIES.to_owned());
        let text = printed(&profile, narrow());
        assert!(text.contains("probably rejects the key"), "{text}");
    }

    #[test]
    fn the_end_of_a_key_without_an_expiry_is_in_the_wide_form() {
        let profile = ProfileReport {
            name: "work".to_owned(),
            usable_until: Some(time("2026-11-21T20:00:00Z")),
            ..ProfileReport::default()
        };
        assert_eq!(printed(&profile, narrow()), "");
        let text = printed(&profile, Width::Wide);
        assert!(
            text.starts_with("work: served until 2026-11-21T20:00:00Z at most"),
            "{text}"
        );
    }
}
