//! One record, as `claviger audit` prints it.

use claviger_wire::visible;

use crate::{audit::Record, cli::output::WIDTH};

/// Returns the record in `line` for a person, in at most [`WIDTH`] columns as long as its names are
/// short: time, profile, what, client, reason. A line that is not a record stays as it is.
pub(super) fn for_person(line: &str) -> String {
    let Ok(record) = serde_json::from_str::<Record>(line) else {
        return visible(line);
    };
    // The time in UTC, to the second: the same on every machine.
    let time = format!("{:.0}", record.time);
    let time = time.replacen('T', " ", 1);
    let mut text = format!(
        "{} {:<8} {}",
        time.trim_end_matches('Z'),
        subject(&record),
        what(&record)
    );
    let rest = [
        client(&record),
        record.reason.map(|reason| format!("({reason})")),
    ];
    for part in rest.into_iter().flatten() {
        text.push(' ');
        text.push_str(&part);
    }
    if let Some(message) = record.message {
        text.push_str(": ");
        text.push_str(&message);
    }
    let text = visible(&text);
    match text.char_indices().nth(WIDTH) {
        Some(_) => {
            let end = text
                .char_indices()
                .nth(WIDTH - 1)
                .map_or(text.len(), |(at, _)| at);
            format!("{}…", &text[..end])
        }
        None => text,
    }
}

fn subject(record: &Record) -> String {
    match (&record.profile, &*record.event) {
        (Some(profile), _) => profile.clone(),
        (None, "refusal") => "?".to_owned(),
        (None, event) => event.to_owned(),
    }
}

/// What happened, and to which key.
fn what(record: &Record) -> String {
    let mut what = match &*record.event {
        "refusal" => format!("refused: {}", record.outcome),
        "log" => match record.lost {
            Some(lost) => format!("{lost} records lost"),
            None => record.outcome.to_string(),
        },
        // That of the policy in force, which a refused one does not become.
        "policy" if matches!(&*record.outcome, "accepted" | "available") => match record.policy {
            Some(counter) => format!("{} {counter}", record.outcome),
            None => record.outcome.to_string(),
        },
        _ => record.outcome.to_string(),
    };
    if let Some(fingerprint) = &record.fingerprint {
        what.push(' ');
        what.push_str(fingerprint);
    }
    if let Some(version) = record.version {
        what.push_str(&format!(" v{version}"));
    }
    what
}

/// The client: its kind and its process.
fn client(record: &Record) -> Option<String> {
    let client = record.client.as_ref()?;
    Some(match record.pid {
        Some(pid) => format!("{client}[{pid}]"),
        None => client.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{audit::Head, clock::Timestamp};

    fn printed(record: &Record) -> String {
        for_person(&Head::START.followed_by(record).0)
    }

    fn record(event: &'static str, outcome: &'static str) -> Record {
        let time = Timestamp::from_second(1_800_000_000).unwrap();
        Record::new(time, event, outcome)
    }

    #[test]
    fn a_record_is_a_line_that_fits() {
        let grant = Record {
            profile: Some("default".to_owned()),
            fingerprint: Some("0123456789ab".to_owned()),
            version: Some(7),
            client: Some("claude-code".into()),
            pid: Some(12_345),
            reason: Some("cached".into()),
            ..record("grant", "served")
        };
        let expected =
            "2027-01-15 08:00:00 default  served 0123456789ab v7 claude-code[12345] (cached)";
        let text = printed(&grant);
        assert!(text.chars().count() <= WIDTH, "{text}");
        assert_eq!(text, expected);
        let gap = Record {
            lost: Some(3),
            ..record("log", "gap")
        };
        assert_eq!(printed(&gap), "2027-01-15 08:00:00 log      3 records lost");
        for (outcome, message, expected) in [
            (
                "accepted",
                Some("signed by kPrK"),
                "accepted 42: signed by kPrK",
            ),
            ("available", None, "available 42"),
            ("refused", Some("it is older"), "refused: it is older"),
            ("failed", Some("timed out"), "failed: timed out"),
        ] {
            let policy = Record {
                policy: Some(42),
                message: message.map(str::to_owned),
                ..record("policy", outcome)
            };
            let expected = format!("2027-01-15 08:00:00 policy   {expected}");
            assert_eq!(printed(&policy), expected);
        }
        let refusal = Record {
            message: Some("a\u{1b}[2J long story ".repeat(20)),
            ..record("refusal", "denied")
        };
        let text = printed(&refusal);
        assert!(
            text.starts_with("2027-01-15 08:00:00 ?        refused: denied: a"),
            "{text}"
        );
        assert_eq!(text.chars().count(), WIDTH);
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(for_person("no \u{1b}record"), "no record");
    }
}
