//! Keys without an expiry, and how long a source may ask for patience.

use super::*;
use crate::client_kind::HelperContext;

const HOUR: u64 = 3600;

fn slot_with_max_age() -> Slot {
    let mut slot = Slot::new(SlotConfig {
        max_age: Some(Duration::from_secs(12 * HOUR)),
        ..SlotConfig::default()
    });
    slot.acquire(at(0), FIVE_MINUTES);
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(0), 0.5, flight, Ok(key("k1", at(0), None)));
    slot
}

/// A request at this second, at which the source fails.
fn ask(slot: &mut Slot, second: u64) -> Outcome {
    let ticket = slot.acquire(at(second), FIVE_MINUTES);
    for action in slot.take_actions() {
        let Action::Fetch { flight, .. } = action else {
            panic!("{action:?}");
        };
        slot.on_fetched(at(second), 0.5, flight, Err(down()));
    }
    slot.poll(at(second), ticket)
}

#[test]
fn a_key_is_not_served_for_longer_than_max_age_since_it_was_seen_to_be_current() {
    let mut slot = slot_with_max_age();
    assert_eq!(
        slot.snapshot(at(HOUR)).usable_until,
        Some(at(12 * HOUR).wall)
    );
    for hour in 1..12 {
        assert_eq!(served(ask(&mut slot, hour * HOUR)), "k1", "{hour}");
    }
    let Outcome::Failed(CredentialUnavailable {
        reason: Reason::TooOld {
            seen_current,
            error,
        },
        ..
    }) = ask(&mut slot, 13 * HOUR)
    else {
        panic!("served after its maximum age");
    };
    assert_eq!(seen_current, at(0).wall);
    assert_eq!(error.as_deref(), Some(&down()));
    assert!(slot.snapshot(at(13 * HOUR)).credential.is_none());

    // The source is back.
    let ticket = slot.acquire(at(14 * HOUR), FIVE_MINUTES);
    let flight = started_fetch(&mut slot);
    slot.on_fetched(
        at(14 * HOUR),
        0.5,
        flight,
        Ok(key("k1", at(14 * HOUR), None)),
    );
    assert_eq!(served(slot.poll(at(14 * HOUR), ticket)), "k1");
}

#[test]
fn a_key_in_use_is_confirmed_in_time() {
    let mut slot = slot_with_max_age();
    let due = slot.next_deadline(at(1)).unwrap().since(at(0).tick);
    assert_eq!(due.as_secs(), 12 * HOUR * 7 / 10, "30% before the end");
    let flight = slot.start_fetch(None, FetchCause::Forced);
    slot.take_actions();
    slot.on_fetched(at(8 * HOUR), 0.5, flight, Ok(key("k1", at(8 * HOUR), None)));
    assert_eq!(
        slot.snapshot(at(8 * HOUR)).usable_until,
        Some(at(20 * HOUR).wall)
    );
}

#[test]
fn a_revalidation_confirms_a_key() {
    let mut slot = slot_with_max_age();
    slot.watch.confirm(at(0), 0.5);
    let revalidation = slot.watch.start();
    slot.on_revalidated(at(6 * HOUR), 0.5, revalidation, Ok(Freshness::Fresh));
    assert_eq!(served(ask(&mut slot, 17 * HOUR)), "k1");
}

/// The time until the next attempt after the source has asked for `seconds` of patience.
fn wait(slot: &mut Slot, request: AcquireRequest, seconds: u64) -> u64 {
    slot.acquire(at(0), request);
    let flight = started_fetch(slot);
    let busy = SourceError::Unavailable {
        host: "vault.test:8200".to_owned(),
        reason: "is temporarily unavailable".to_owned(),
        retry_after: Some(Duration::from_secs(seconds)),
    };
    slot.on_fetched(at(0), 1.0, flight, Err(busy));
    slot.unavailable(at(0)).next_try.as_secs()
}

#[test]
fn retry_after_is_obeyed_for_five_minutes_by_a_person_and_for_an_hour_otherwise() {
    let background = AcquireRequest {
        context: HelperContext::Background,
        ..FIVE_MINUTES
    };
    for (seconds, of_person, of_background) in [(30, 33, 33), (600, 300, 660), (86_400, 300, 3600)]
    {
        let wait = |request| wait(&mut Slot::default(), request, seconds);
        assert_eq!(wait(FIVE_MINUTES), of_person, "{seconds} s");
        assert_eq!(wait(background), of_background, "{seconds} s");
    }
    // With a key in memory the person does not wait.
    let mut slot = slot_with("k1", None);
    slot.refresh();
    let flight = started_fetch(&mut slot);
    let busy = SourceError::Unavailable {
        host: String::new(),
        reason: String::new(),
        retry_after: Some(Duration::from_secs(86_400)),
    };
    slot.on_fetched(at(0), 0.5, flight, Err(busy));
    assert_eq!(slot.unavailable(at(0)).next_try.as_secs(), 3600);
}
