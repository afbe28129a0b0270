//! Central rotation: keys that were issued before it are rejected.

use super::*;
use crate::broker::slot::{Outdated, RotateAfter};

/// A rotation at `second`, of which the daemon learns at once.
fn rotation_at(second: u64) -> Option<RotateAfter> {
    Some(RotateAfter {
        at: at(second).wall,
        known_since: at(second).tick,
    })
}

/// `key` without a lifetime, issued at `issued` by its issuer's clock.
fn issued(text: &str, obtained: u64, issued: u64) -> Credential {
    Credential {
        issued: Some(at(issued).wall),
        ..key(text, at(obtained), None)
    }
}

fn outdated(outcome: Outcome) -> Outdated {
    match outcome {
        Outcome::Failed(CredentialUnavailable {
            reason: Reason::Outdated(outdated),
            ..
        }) => outdated,
        other => panic!("expected an outdated key, got {other:?}"),
    }
}

/// The source's answer to the fetch that the slot has just started.
fn fetched(slot: &mut Slot, second: u64, credential: Credential) {
    let flight = started_fetch(slot);
    slot.on_fetched(at(second), 0.5, flight, Ok(credential));
}

#[test]
fn a_key_in_use_is_replaced_at_once_and_never_served_again() {
    let mut slot = slot_with("k1", None);
    slot.rotate_after(at(100), rotation_at(100));
    // Before any request.
    let flight = started_fetch(&mut slot);
    let ticket = slot.acquire(at(101), FIVE_MINUTES);
    assert_eq!(slot.poll(at(101), ticket), Outcome::Pending(None));
    assert!(slot.snapshot(at(101)).credential.is_none());
    slot.on_fetched(at(102), 0.5, flight, Ok(key("k2", at(101), None)));
    assert_eq!(served(slot.poll(at(102), ticket)), "k2");
}

#[test]
fn an_idle_profile_asks_its_source_at_the_next_request() {
    let mut slot = slot_with("k1", None);
    slot.rotate_after(at(10_000), rotation_at(10_000));
    assert_eq!(slot.take_actions(), []);
    let ticket = slot.acquire(at(10_001), FIVE_MINUTES);
    fetched(&mut slot, 10_002, key("k2", at(10_001), None));
    assert_eq!(served(slot.poll(at(10_002), ticket)), "k2");
}

#[test]
fn the_issuers_date_counts_before_the_time_of_the_fetch() {
    for (issued_at, is_served) in [(99, false), (100, true), (5000, true)] {
        let mut slot = Slot::default();
        slot.rotate_after(at(100), rotation_at(100));
        let ticket = slot.acquire(at(200), FIVE_MINUTES);
        fetched(&mut slot, 201, issued("k1", 200, issued_at));
        match is_served {
            true => assert_eq!(served(slot.poll(at(201), ticket)), "k1"),
            false => {
                let outdated = outdated(slot.poll(at(201), ticket));
                assert_eq!(outdated.issued, at(issued_at).wall);
                assert_eq!(outdated.rotate_after, at(100).wall);
            }
        }
    }
}

#[test]
fn the_same_key_again_is_the_old_key() {
    // A copy of the key as a new version does not make it another one.
    for again in [key("k1", at(101), None), issued("k1", 101, 101)] {
        let mut slot = slot_with("k1", None);
        slot.rotate_after(at(100), rotation_at(100));
        fetched(&mut slot, 101, again);
        let ticket = slot.acquire(at(101), FIVE_MINUTES);
        let outdated = outdated(slot.poll(at(101), ticket));
        assert_eq!(outdated.issued, at(0).wall);
        // The back-off holds, and then the source is asked again.
        assert_eq!(slot.take_actions(), []);
        let ticket = slot.acquire(at(110), FIVE_MINUTES);
        fetched(&mut slot, 110, key("k2", at(110), None));
        assert_eq!(served(slot.poll(at(110), ticket)), "k2");
    }
}

#[test]
fn the_monotonic_time_decides_if_the_wall_clock_is_wrong() {
    // The machine's clock is an hour slow, or fast.
    for skew in [-3600_i64, 3600] {
        let rotation = Some(RotateAfter {
            at: Timestamp::from_second(at(100).wall.as_second() + skew).unwrap(),
            known_since: at(100).tick,
        });
        let mut slot = slot_with("k1", None);
        slot.rotate_after(at(100), rotation);
        let flight = started_fetch(&mut slot);
        let ticket = slot.acquire(at(101), FIVE_MINUTES);
        slot.on_fetched(at(101), 0.5, flight, Ok(key("k2", at(101), None)));
        assert_eq!(served(slot.poll(at(101), ticket)), "k2", "{skew}");
    }
}

#[test]
fn a_fetch_under_way_is_repeated() {
    let mut slot = Slot::default();
    let ticket = slot.acquire(at(99), FIVE_MINUTES);
    let flight = started_fetch(&mut slot);
    slot.rotate_after(at(100), rotation_at(100));
    // The request was sent before the rotation.
    slot.on_fetched(at(101), 0.5, flight, Ok(key("k1", at(99), None)));
    let flight = started_fetch(&mut slot);
    assert_eq!(slot.poll(at(101), ticket), Outcome::Pending(None));
    slot.on_fetched(at(102), 0.5, flight, Ok(key("k2", at(101), None)));
    assert_eq!(served(slot.poll(at(102), ticket)), "k2");
}

#[test]
fn the_reason_is_the_sources_error_if_it_cannot_be_asked() {
    let mut slot = slot_with("k1", None);
    slot.rotate_after(at(100), rotation_at(100));
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(101), 0.5, flight, Err(down()));
    let ticket = slot.acquire(at(101), FIVE_MINUTES);
    match slot.poll(at(101), ticket) {
        Outcome::Failed(unavailable) => assert_eq!(unavailable.reason, Reason::Source(down())),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lease_is_not_renewed_but_replaced() {
    let mut slot = slot_with("k1", Some(3600));
    slot.rotate_after(at(100), rotation_at(100));
    let actions = slot.take_actions();
    assert!(
        matches!(actions[..], [Action::Fetch { renew: None, .. }]),
        "{actions:?}"
    );
}

#[test]
fn a_successor_that_is_too_old_is_not_served_either() {
    let mut slot = slot_with_gateway();
    let flight = slot.start_fetch(None, FetchCause::Forced);
    slot.take_actions();
    slot.on_fetched(at(10), 0.5, flight, Ok(key("k2", at(10), None)));
    report_on_successor(&mut slot, at(11), ProbeResult::Rejected);
    slot.take_actions();
    slot.rotate_after(at(100), rotation_at(100));
    let ticket = slot.acquire(at(101), FIVE_MINUTES);
    assert!(!matches!(slot.poll(at(101), ticket), Outcome::Ready(_)));
}

#[test]
fn without_a_rotation_any_longer_the_key_is_served_again() {
    let mut slot = slot_with("k1", None);
    slot.rotate_after(at(100), rotation_at(100));
    slot.take_actions();
    slot.rotate_after(at(101), None);
    let ticket = slot.acquire(at(102), FIVE_MINUTES);
    assert_eq!(served(slot.poll(at(102), ticket)), "k1");
}
