use super::*;
use crate::{
    clock::Timestamp,
    doctor::network::facts::{HttpFacts, tests::healthy},
};

/// A server whose clock shows this many seconds less than this machine's.
fn behind(seconds: i64, depends_on_clock: bool) -> ServerFacts {
    let mut facts = healthy();
    facts.server.depends_on_clock = depends_on_clock;
    let date = Timestamp::from_second(facts.at.as_second() - seconds).unwrap();
    facts.answer = Ok(HttpFacts {
        date: Some(date),
        ..HttpFacts::default()
    });
    facts
}

fn found(all: &[ServerFacts]) -> Vec<(String, Severity)> {
    let findings = check(all).into_iter();
    findings
        .map(|finding| (finding.id, finding.severity))
        .collect()
}

#[test]
fn a_clock_is_reported_from_a_minute_and_fatal_from_five_if_tokens_depend_on_it() {
    let skew = |severity| vec![("network.clock-skew".to_owned(), severity)];
    for (seconds, depends, expected) in [
        (0, true, vec![]),
        (60, true, vec![]),
        (-60, true, vec![]),
        (61, true, skew(Severity::Warning)),
        (-61, false, skew(Severity::Warning)),
        (300, true, skew(Severity::Warning)),
        (301, true, skew(Severity::Fatal)),
        (-90_000, true, skew(Severity::Fatal)),
        (90_000, false, skew(Severity::Warning)),
    ] {
        assert_eq!(found(&[behind(seconds, depends)]), expected, "{seconds}");
    }
}

#[test]
fn servers_that_agree_are_believed_and_one_that_does_not_is_not() {
    let all = [behind(400, true), behind(390, false)];
    assert_eq!(
        found(&all),
        [("network.clock-skew".to_owned(), Severity::Fatal)]
    );
    let machine = &check(&all)[0];
    assert_eq!(machine.finding, "this machine's clock is 6 min ahead");
    assert_eq!(machine.evidence.len(), 2);

    let one = [behind(400, true), behind(0, false)];
    assert_eq!(
        found(&one),
        [("network.server-clock".to_owned(), Severity::Warning)]
    );
    assert!(
        check(&one)[0].finding.contains("6 min behind"),
        "{:?}",
        check(&one)
    );
    let both_ways = [behind(400, true), behind(-400, true)];
    assert_eq!(found(&both_ways).len(), 2);
    assert_eq!(found(&[]), []);
}
