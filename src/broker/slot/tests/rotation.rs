//! Central rotation: a new version is noticed before any client meets a 401.

use super::*;

const WATCHED: SlotConfig = SlotConfig {
    watch: Some(Duration::from_secs(30)),
    has_gateway: false,
    max_age: None,
};

fn watching() -> Slot {
    let mut slot = Slot::new(WATCHED);
    slot.acquire(at(0), FIVE_MINUTES);
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(0), 0.5, flight, Ok(key("k1", at(0), None)));
    slot
}

fn started_revalidation(slot: &mut Slot) -> u64 {
    match &slot.take_actions()[..] {
        [Action::Revalidate { revalidation, .. }] => *revalidation,
        other => panic!("expected one revalidation, got {other:?}"),
    }
}

fn deleted() -> SourceError {
    SourceError::Missing {
        host: "vault.test:8200".to_owned(),
        path: "secret/key".to_owned(),
        reason: "version 2 was deleted".to_owned(),
    }
}

#[test]
fn a_new_version_is_fetched_before_any_request() {
    let mut slot = watching();
    assert_eq!(slot.next_deadline(at(0)), Some(at(30).tick));
    slot.on_timer(at(30));
    let revalidation = started_revalidation(&mut slot);
    slot.on_revalidated(at(30), 0.5, revalidation, Ok(Freshness::Stale));
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(31), 0.5, flight, Ok(key("k2", at(31), None)));
    let ticket = slot.acquire(at(31), FIVE_MINUTES);
    assert_eq!(served(slot.poll(at(31), ticket)), "k2");
}

#[test]
fn an_unchanged_version_is_recorded_and_revalidated_again() {
    let mut slot = watching();
    slot.on_timer(at(30));
    let revalidation = started_revalidation(&mut slot);
    slot.on_revalidated(at(30), 0.5, revalidation, Ok(Freshness::Fresh));
    assert_eq!(slot.snapshot(at(30)).seen_current, Some(at(30).wall));
    assert_eq!(slot.next_deadline(at(30)), Some(at(60).tick));
}

#[test]
fn a_deleted_version_is_dropped() {
    let mut slot = watching();
    slot.on_timer(at(30));
    let revalidation = started_revalidation(&mut slot);
    slot.on_revalidated(at(30), 0.5, revalidation, Err(deleted()));
    let ticket = slot.acquire(at(30), FIVE_MINUTES);
    assert!(
        matches!(slot.poll(at(30), ticket), Outcome::Failed(failed) if failed.reason == Reason::Source(deleted()))
    );
}

#[test]
fn a_source_that_does_not_answer_is_revalidated_less_often_and_the_key_is_kept() {
    let mut slot = watching();
    let mut revalidations = 0;
    for second in 1..3600 {
        let ticket = slot.acquire(at(second), FIVE_MINUTES);
        assert_eq!(served(slot.poll(at(second), ticket)), "k1");
        slot.on_timer(at(second));
        if let [Action::Revalidate { revalidation, .. }] = slot.take_actions()[..] {
            revalidations += 1;
            slot.on_revalidated(at(second), 1.0, revalidation, Err(down()));
        }
    }
    assert!((15..=22).contains(&revalidations), "{revalidations}");
}

#[test]
fn the_first_caller_after_idling_waits_a_second_at_most_for_the_revalidation() {
    let mut slot = watching();
    assert_eq!(slot.next_deadline(at(1000)), None, "the profile is idle");
    let ticket = slot.acquire(at(1000), FIVE_MINUTES);
    let revalidation = started_revalidation(&mut slot);
    assert_eq!(
        slot.poll(at(1000), ticket),
        Outcome::Pending(Some(at(1001).tick))
    );
    assert_eq!(served(slot.poll(at(1001), ticket)), "k1");

    slot.on_revalidated(at(1003), 0.5, revalidation, Ok(Freshness::Stale));
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(1003), 0.5, flight, Ok(key("k2", at(1003), None)));
    let ticket = slot.acquire(at(1004), FIVE_MINUTES);
    assert_eq!(served(slot.poll(at(1004), ticket)), "k2");
}

#[test]
fn the_first_caller_after_idling_gets_the_new_version() {
    let mut slot = watching();
    let ticket = slot.acquire(at(1000), FIVE_MINUTES);
    let revalidation = started_revalidation(&mut slot);
    slot.on_revalidated(at(1000), 0.5, revalidation, Ok(Freshness::Stale));
    let flight = started_fetch(&mut slot);
    assert!(matches!(slot.poll(at(1000), ticket), Outcome::Pending(_)));
    slot.on_fetched(at(1000), 0.5, flight, Ok(key("k2", at(1000), None)));
    assert_eq!(served(slot.poll(at(1000), ticket)), "k2");
}

#[test]
fn a_new_version_replaces_a_rejected_key_despite_the_back_off() {
    let mut slot = Slot::new(SlotConfig {
        has_gateway: true,
        max_age: None,
        ..WATCHED
    });
    slot.acquire(at(0), FIVE_MINUTES);
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(0), 0.5, flight, Ok(key("k1", at(0), None)));
    slot.acquire(at(31), FIVE_MINUTES);
    let (probe, _) = slot.probe.start(at(31).tick, true);
    slot.on_probed(at(31), probe, ProbeResult::Rejected);
    slot.take_actions();
    for _ in 0..12 {
        let flight = slot
            .flight
            .current()
            .unwrap_or_else(|| slot.start_fetch(None, FetchCause::Forced));
        slot.on_fetched(at(31), 1.0, flight, Ok(key("k1", at(31), None)));
    }
    slot.take_actions();
    assert!(
        slot.next_deadline(at(65)).unwrap() <= at(65).tick,
        "the revalidation is due, the fetch is not"
    );
    slot.on_timer(at(65));
    let revalidation = started_revalidation(&mut slot);
    slot.on_revalidated(at(65), 0.5, revalidation, Ok(Freshness::Stale));
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(65), 0.5, flight, Ok(key("k2", at(65), None)));
    accept_successor(&mut slot, at(65));
    let ticket = slot.acquire(at(65), FIVE_MINUTES);
    assert_eq!(served(slot.poll(at(65), ticket)), "k2");
}
