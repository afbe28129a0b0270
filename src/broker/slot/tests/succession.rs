//! A newer key of the source: it is tried before it replaces one that works.

use super::*;

/// `k1` is served, and the source has just returned `k2`.
fn slot_with_successor() -> Slot {
    let mut slot = slot_with_gateway();
    let flight = slot.start_fetch(None, FetchCause::Forced);
    slot.take_actions();
    slot.on_fetched(at(10), 0.5, flight, Ok(key("k2", at(10), None)));
    slot
}

/// The same, and the gateway rejects `k2` and accepts `k1`.
fn slot_with_rejected_successor() -> Slot {
    let mut slot = slot_with_successor();
    report_on_successor(&mut slot, at(10), ProbeResult::Rejected);
    let probe = started_probe(&mut slot);
    slot.on_probed(at(10), probe, ProbeResult::Accepted);
    slot
}

/// The gateway rejects the old key at second 16. Returns the number of the successor's trial, which
/// is due as well.
fn reject_old(slot: &mut Slot) -> u64 {
    match slot.take_actions()[..] {
        [
            Action::ProbeSuccessor { probe: trial, .. },
            Action::Probe { probe, .. },
        ] => {
            slot.on_probed(at(16), probe, ProbeResult::Rejected);
            trial
        }
        ref other => panic!("expected a probe of each key, got {other:?}"),
    }
}

/// The key that a new client is served.
fn serves(slot: &mut Slot, second: u64) -> String {
    let pid = 100 + u32::try_from(second).unwrap();
    let ticket = slot.acquire(at(second), from_session(pid));
    served(slot.poll(at(second), ticket))
}

#[test]
fn a_request_for_a_rejected_key_waits_for_the_trial_of_its_successor() {
    let mut slot = slot_with_gateway();
    let first = slot.acquire(at(2), from_session(1));
    let probe = started_probe(&mut slot);
    slot.on_probed(at(2), probe, ProbeResult::Rejected);
    let flight = started_fetch(&mut slot);
    let during_the_fetch = slot.acquire(at(2), from_session(2));
    slot.on_fetched(at(2), 0.5, flight, Ok(key("k2", at(2), None)));
    // Its trial takes a moment; the source was just asked, and is not asked again.
    let during_the_trial = slot.acquire(at(2), from_session(3));
    let tickets = [first, during_the_fetch, during_the_trial];
    for ticket in tickets {
        let outcome = slot.poll(at(2), ticket);
        assert!(matches!(outcome, Outcome::Pending(_)), "{outcome:?}");
    }
    accept_successor(&mut slot, at(2));
    for ticket in tickets {
        assert_eq!(served(slot.poll(at(2), ticket)), "k2");
    }
}

#[test]
fn the_old_key_is_served_until_the_gateway_accepts_the_new_one() {
    let mut slot = slot_with_rejected_successor();
    assert_eq!(serves(&mut slot, 11), "k1");
    // The client is at work, and the timer fires when the slot wants it to.
    let mut trials = Vec::new();
    while trials.len() < 6 {
        let due = slot.next_deadline(at(11)).unwrap();
        let second = due.since(at(0).tick).as_secs();
        slot.on_timer(at(second));
        trials.push(second - 10);
        report_on_successor(&mut slot, at(second), ProbeResult::Rejected);
        if let [Action::Probe { probe, .. }] = slot.take_actions()[..] {
            slot.on_probed(at(second), probe, ProbeResult::Accepted);
        }
        assert_eq!(serves(&mut slot, second), "k1");
    }
    assert_eq!(trials, [2, 6, 14, 30, 60, 90]);
    slot.on_timer(at(130));
    accept_successor(&mut slot, at(130));
    assert_eq!(serves(&mut slot, 130), "k2");
}

#[test]
fn if_the_old_key_dies_first_the_new_one_is_tried_at_once() {
    let mut slot = slot_with_rejected_successor();
    let ticket = slot.acquire(at(16), from_session(1));
    let trial = reject_old(&mut slot);
    assert!(matches!(slot.poll(at(16), ticket), Outcome::Pending(_)));
    slot.on_successor_probed(at(16), trial, ProbeResult::Accepted);
    assert_eq!(served(slot.poll(at(16), ticket)), "k2");
    assert_eq!(slot.take_actions(), [], "the source need not be asked");
}

#[test]
fn if_both_keys_are_dead_that_is_known_at_once() {
    let mut slot = slot_with_gateway();
    let ticket = slot.acquire(at(1), from_session(1));
    let probe = started_probe(&mut slot);
    slot.on_probed(at(1), probe, ProbeResult::Rejected);
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(1), 0.5, flight, Ok(key("k2", at(1), None)));
    report_on_successor(&mut slot, at(2), ProbeResult::Rejected);
    let rejected = rejected(slot.poll(at(2), ticket));
    assert_eq!(
        rejected.fingerprint,
        key("k2", at(2), None).fingerprint(),
        "the source's current key"
    );
    assert_eq!(rejected.evidence, Evidence::Probe);
}

#[test]
fn a_new_key_that_the_route_has_not_accepted_yet_does_not_replace_one_that_it_accepts() {
    let mut slot = slot_with_successor();
    let unproven = ProbeResult::Inconclusive(Inconclusive::Unproven { status: 403 });
    report_on_successor(&mut slot, at(10), unproven.clone());
    let probe = started_probe(&mut slot);
    slot.on_probed(at(10), probe, ProbeResult::Accepted);
    assert_eq!(serves(&mut slot, 11), "k1");

    // Once the old one is rejected, the source's word is all there is.
    slot.acquire(at(16), from_session(1));
    let trial = reject_old(&mut slot);
    slot.on_successor_probed(at(16), trial, unproven);
    assert_eq!(serves(&mut slot, 16), "k2");
}

#[test]
fn a_gateway_that_is_down_for_long_does_not_keep_a_new_key_back() {
    let mut slot = slot_with_successor();
    for second in [10, 12, 16] {
        slot.on_timer(at(second));
        assert_eq!(serves(&mut slot, second), "k1");
        report_on_successor(&mut slot, at(second), inconclusive());
    }
    assert_eq!(serves(&mut slot, 16), "k2");
}

#[test]
fn a_gateway_that_cannot_tell_does_not_keep_a_new_key_back() {
    for reason in [
        Inconclusive::AcceptsAnyKey,
        Inconclusive::NoRoute { status: 404 },
        Inconclusive::NotAllowed,
    ] {
        let mut slot = slot_with_successor();
        report_on_successor(&mut slot, at(10), ProbeResult::Inconclusive(reason));
        assert_eq!(serves(&mut slot, 10), "k2");
    }
}

#[test]
fn a_source_that_returns_to_the_old_key_ends_the_trial() {
    let mut slot = slot_with_rejected_successor();
    slot.refresh();
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(20), 0.5, flight, Ok(key("k1", at(20), None)));
    assert!(slot.successor.is_none());
    assert_eq!(serves(&mut slot, 21), "k1");
}

#[test]
fn an_expiring_key_gives_way_to_a_successor_that_is_not_accepted_yet() {
    let mut slot = Slot::new(SlotConfig {
        has_gateway: true,
        ..SlotConfig::default()
    });
    slot.acquire(at(0), from_session(9));
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(0), 0.5, flight, Ok(key("k1", at(0), Some(3600))));
    slot.refresh();
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(1), 0.5, flight, Ok(key("k2", at(1), Some(7200))));
    report_on_successor(&mut slot, at(1), ProbeResult::Rejected);
    let probe = started_probe(&mut slot);
    slot.on_probed(at(1), probe, ProbeResult::Accepted);
    assert_eq!(serves(&mut slot, 1800), "k1");
    slot.take_actions();
    let ticket = slot.acquire(at(3400), from_session(2));
    let [Action::Fetch { flight, .. }, Action::Probe { probe, .. }] = slot.take_actions()[..]
    else {
        panic!("expected a look at the source and at the gateway");
    };
    slot.on_probed(at(3400), probe, ProbeResult::Accepted);
    slot.on_fetched(at(3400), 0.5, flight, Err(down()));
    assert_eq!(served(slot.poll(at(3400), ticket)), "k2");
}

#[test]
fn the_successors_of_short_lived_tokens_are_not_tried() {
    let mut slot = Slot::new(SlotConfig {
        has_gateway: true,
        ..SlotConfig::default()
    });
    slot.acquire(at(0), from_session(9));
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(0), 0.5, flight, Ok(key("t1", at(0), Some(60))));
    slot.evidence.on_probed(at(0).tick, &ProbeResult::Accepted);
    slot.on_timer(at(40));
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(40), 0.5, flight, Ok(key("t2", at(40), Some(60))));
    assert_eq!(serves(&mut slot, 40), "t2");
    assert_eq!(slot.take_actions(), []);
}
