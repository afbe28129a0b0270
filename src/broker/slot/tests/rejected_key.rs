//! Keys that the gateway rejects and the source still issues.

use super::*;

/// `k1` was rejected at second 1, and the source has nothing else.
fn slot_with_rejected_key() -> Slot {
    let mut slot = slot_with_gateway();
    let ticket = slot.acquire(at(1), from_session(1));
    let probe = started_probe(&mut slot);
    slot.on_probed(at(1), probe, ProbeResult::Rejected);
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(1), 1.0, flight, Ok(key("k1", at(1), None)));
    rejected(slot.poll(at(1), ticket));
    slot
}

#[test]
fn a_rejected_key_is_reported_without_another_probe_or_fetch() {
    let mut slot = slot_with_rejected_key();
    let ticket = slot.acquire(at(1), from_session(2));
    assert_eq!(
        slot.take_actions(),
        [],
        "the probe is recent and the back-off applies"
    );
    let rejected = rejected(slot.poll(at(1), ticket));
    assert_eq!(rejected.since, at(1).wall);
    assert_eq!(rejected.age, Duration::from_secs(1));
}

#[test]
fn the_next_version_replaces_a_rejected_key_without_a_request() {
    let mut slot = slot_with_rejected_key();
    let due = slot.next_deadline(at(1)).unwrap();
    assert_eq!(due, at(2).tick, "back-off");
    slot.on_timer(at(2));
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(2), 0.5, flight, Ok(key("k2", at(2), None)));
    accept_successor(&mut slot, at(2));
    let ticket = slot.acquire(at(2), from_session(1));
    assert_eq!(served(slot.poll(at(2), ticket)), "k2");
}

#[test]
fn a_rejected_key_is_served_again_if_the_gateway_accepts_it_again() {
    let mut slot = slot_with_rejected_key();
    // After the probe result has become outdated.
    let ticket = slot.acquire(at(7), from_session(1));
    let [Action::Fetch { flight, .. }, Action::Probe { probe, .. }] = slot.take_actions()[..]
    else {
        panic!("expected a look at the source and at the gateway");
    };
    slot.on_probed(at(7), probe, ProbeResult::Accepted);
    slot.on_fetched(at(7), 1.0, flight, Ok(key("k1", at(7), None)));
    assert_eq!(served(slot.poll(at(7), ticket)), "k1");
}

#[test]
fn requests_for_a_rejected_key_cause_few_fetches() {
    let mut slot = slot_with_rejected_key();
    let mut fetches = 0;
    for second in 2..3600 {
        let ticket = slot.acquire(at(second), from_session(1));
        for action in slot.take_actions() {
            match action {
                Action::Probe { probe, .. } => {
                    slot.on_probed(at(second), probe, ProbeResult::Rejected);
                }
                Action::Fetch { flight, .. } => {
                    fetches += 1;
                    slot.on_fetched(at(second), 0.5, flight, Ok(key("k1", at(second), None)));
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        rejected(slot.poll(at(second), ticket));
    }
    assert!((1700..=1800).contains(&fetches), "one in 2 s: {fetches}");
}
