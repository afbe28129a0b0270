//! When a key counts as unused.

use super::*;

const LIMIT: Duration = Duration::from_secs(1000);

fn unused_at(slot: &Slot) -> Option<u64> {
    let at = slot.unused_at(LIMIT)?;
    Some(at.since(at_start()).as_secs())
}

fn at_start() -> Tick {
    at(0).tick
}

#[test]
fn the_last_request_counts_and_no_renewal() {
    let mut slot = slot_with("k1", Some(600));
    assert_eq!(unused_at(&slot), Some(1000));
    slot.acquire(at(100), FIVE_MINUTES);
    assert_eq!(unused_at(&slot), Some(1100));
    slot.on_timer(at(450));
    let flight = started_fetch(&mut slot);
    assert_eq!(unused_at(&slot), None, "a fetch is under way");
    assert!(slot.is_used());
    slot.on_fetched(at(451), 0.5, flight, Ok(key("k2", at(451), Some(600))));
    assert_eq!(unused_at(&slot), Some(1100));
}

#[test]
fn a_key_that_only_a_refresh_has_asked_for_counts_from_its_fetch() {
    let mut slot = Slot::default();
    assert!(!slot.is_used());
    slot.refresh();
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(7), 0.5, flight, Ok(key("k1", at(7), None)));
    assert_eq!(unused_at(&slot), Some(1007));
}

#[test]
fn after_it_is_forgotten_there_is_nothing_to_drop() {
    let mut slot = slot_with("k1", None);
    slot.forget();
    assert_eq!(unused_at(&slot), None);
    assert!(!slot.is_used());
    assert_eq!(slot.next_deadline(at(1)), None, "it has no timer");
}
