//! Scenarios, in the order in which a slot meets them: obtaining and renewing here, what clients and the gateway tell
//! in `rejection`, central rotation in `rotation`; and in `model` any sequence of all that.

mod model;
mod rejection;
mod rotation;

use super::*;
use crate::{broker::retry, client_session::ClientSession};
use crate::{clock::Timestamp, credential::Lease, secret::Secret};

const FIVE_MINUTES: AcquireRequest = AcquireRequest {
    cache_lifetime: Duration::from_secs(300),
    session: None,
};

/// `seconds` after the start, by both clocks.
fn at(seconds: u64) -> Now {
    Now {
        tick: Tick(Duration::from_secs(10_000 + seconds)),
        wall: Timestamp::from_second(1_800_000_000 + i64::try_from(seconds).unwrap()).unwrap(),
    }
}

fn key(text: &str, obtained: Now, lifetime: Option<u64>) -> Credential {
    Credential {
        secret: Secret::new(text.to_owned()),
        obtained,
        lifetime: lifetime.map(Duration::from_secs),
        version: None,
        lease: None,
    }
}

fn down() -> SourceError {
    SourceError::Unreachable {
        host: "vault.test:8200".to_owned(),
        error: crate::source::TransportError::Refused,
    }
}

fn denied() -> SourceError {
    SourceError::Denied {
        host: "vault.test:8200".to_owned(),
        path: "secret/key".to_owned(),
        reason: "permission denied".to_owned(),
    }
}

fn served(answer: Outcome) -> String {
    match answer {
        Outcome::Ready(credential) => credential.secret.expose().to_owned(),
        other => panic!("not served: {other:?}"),
    }
}

/// The number of the flight that the slot wants started now.
fn started(slot: &mut Slot) -> u64 {
    match slot.take_actions()[..] {
        [Action::Fetch { flight, .. }] => flight,
        ref other => panic!("not one fetch: {other:?}"),
    }
}

/// A slot that holds `text` since second 0.
fn holding(text: &str, lifetime: Option<u64>) -> Slot {
    let mut slot = Slot::default();
    slot.acquire(at(0), FIVE_MINUTES);
    let flight = started(&mut slot);
    slot.on_fetched(at(0), 0.5, flight, Ok(key(text, at(0), lifetime)));
    slot
}

#[test]
fn two_callers_share_one_flight_and_its_result() {
    let mut slot = Slot::default();
    let first = slot.acquire(at(0), FIVE_MINUTES);
    let flight = started(&mut slot);
    let second = slot.acquire(at(1), FIVE_MINUTES);
    assert_eq!(slot.take_actions(), []);
    assert_eq!(slot.poll(at(1), first), Outcome::Pending(None));

    slot.on_fetched(at(2), 0.5, flight, Ok(key("k1", at(2), None)));
    assert_eq!(served(slot.poll(at(2), first)), "k1");
    assert_eq!(served(slot.poll(at(2), second)), "k1");
}

#[test]
fn two_callers_share_its_failure_and_so_does_who_comes_soon_after() {
    let mut slot = Slot::default();
    let first = slot.acquire(at(0), FIVE_MINUTES);
    let flight = started(&mut slot);
    let second = slot.acquire(at(0), FIVE_MINUTES);
    slot.on_fetched(at(1), 0.0, flight, Err(down()));
    let refusal = Outcome::Failed(CredentialUnavailable {
        reason: Reason::Source(down()),
        next_try: retry::MIN_DELAY,
    });
    assert_eq!(slot.poll(at(1), first), refusal);
    assert_eq!(slot.poll(at(1), second), refusal);

    let third = slot.acquire(at(1), FIVE_MINUTES);
    assert_eq!(slot.take_actions(), []);
    assert_eq!(slot.poll(at(1), third), refusal);

    slot.acquire(at(2), FIVE_MINUTES);
    assert_eq!(started(&mut slot), 2);
}

#[test]
fn a_cached_key_needs_no_flight() {
    let mut slot = holding("k1", None);
    let ticket = slot.acquire(at(100_000), FIVE_MINUTES);
    assert_eq!(slot.take_actions(), []);
    assert_eq!(served(slot.poll(at(100_000), ticket)), "k1");
}

#[test]
fn in_the_advisory_window_one_renews_and_all_are_served() {
    let mut slot = holding("k1", Some(3600));
    let ticket = slot.acquire(at(2600), FIVE_MINUTES);
    assert_eq!(served(slot.poll(at(2600), ticket)), "k1");
    let flight = started(&mut slot);
    let ticket = slot.acquire(at(2601), FIVE_MINUTES);
    assert_eq!(slot.take_actions(), []);
    assert_eq!(served(slot.poll(at(2601), ticket)), "k1");

    slot.on_fetched(at(2602), 0.5, flight, Ok(key("k2", at(2602), Some(3600))));
    let ticket = slot.acquire(at(2603), FIVE_MINUTES);
    assert_eq!(served(slot.poll(at(2603), ticket)), "k2");
}

#[test]
fn a_key_that_would_die_in_the_clients_hands_is_replaced_first() {
    let mut slot = holding("k1", Some(3600));
    let ticket = slot.acquire(at(3300), FIVE_MINUTES);
    assert_eq!(slot.poll(at(3300), ticket), Outcome::Pending(None));
    let flight = started(&mut slot);
    slot.on_fetched(at(3301), 0.5, flight, Ok(key("k2", at(3301), Some(3600))));
    assert_eq!(served(slot.poll(at(3301), ticket)), "k2");
}

#[test]
fn in_an_outage_a_key_is_served_to_its_end_and_not_beyond() {
    let mut slot = holding("k1", Some(3600));
    let ticket = slot.acquire(at(3500), FIVE_MINUTES);
    let flight = started(&mut slot);
    slot.on_fetched(at(3501), 0.5, flight, Err(down()));
    assert_eq!(served(slot.poll(at(3501), ticket)), "k1");

    let ticket = slot.acquire(at(3599), FIVE_MINUTES);
    let flight = started(&mut slot);
    assert_eq!(served(slot.poll_at_deadline(at(3599), ticket)), "k1");
    slot.on_fetched(at(3600), 0.5, flight, Err(down()));
    assert!(matches!(slot.poll(at(3600), ticket), Outcome::Failed(_)));
}

#[test]
fn a_definitive_refusal_drops_the_key() {
    let mut slot = holding("k1", None);
    slot.refresh();
    let flight = started(&mut slot);
    slot.on_fetched(at(1), 0.5, flight, Err(denied()));
    let ticket = slot.acquire(at(1), FIVE_MINUTES);
    assert!(
        matches!(slot.poll(at(1), ticket), Outcome::Failed(r) if r.reason == Reason::Source(denied()))
    );
}

#[test]
fn a_refresh_keeps_the_old_key_until_the_new_one_is_there() {
    let mut slot = holding("k1", None);
    let refresh = slot.refresh();
    let flight = started(&mut slot);
    assert_eq!(slot.poll(at(1), refresh), Outcome::Pending(None));
    let ask = slot.acquire(at(1), FIVE_MINUTES);
    assert_eq!(served(slot.poll(at(1), ask)), "k1");
    slot.on_fetched(at(2), 0.5, flight, Err(down()));
    assert_eq!(served(slot.poll(at(2), refresh)), "k1");
    assert_eq!(slot.last_error(), Some(&down()));
}

#[test]
fn a_refresh_is_not_content_with_a_flight_that_was_already_under_way() {
    let mut slot = Slot::default();
    slot.acquire(at(0), FIVE_MINUTES);
    let first = started(&mut slot);
    let refresh = slot.refresh();
    assert_eq!(slot.take_actions(), [], "never two flights at once");
    slot.on_fetched(at(1), 0.5, first, Ok(key("k1", at(1), None)));
    assert_eq!(slot.poll(at(1), refresh), Outcome::Pending(None));
    let second = started(&mut slot);
    slot.on_fetched(at(2), 0.5, second, Ok(key("k2", at(2), None)));
    assert_eq!(served(slot.poll(at(2), refresh)), "k2");
}

#[test]
fn a_refresh_does_not_wait_for_the_back_off() {
    let mut slot = Slot::default();
    slot.acquire(at(0), FIVE_MINUTES);
    let flight = started(&mut slot);
    slot.on_fetched(at(0), 1.0, flight, Err(down()));
    slot.refresh();
    assert_eq!(started(&mut slot), 2);
}

#[test]
fn a_renewable_lease_is_renewed_and_a_refresh_wants_a_new_one() {
    let mut slot = Slot::default();
    slot.acquire(at(0), FIVE_MINUTES);
    let flight = started(&mut slot);
    let leased = Credential {
        lease: Some(Lease {
            id: "database/creds/x/1".to_owned(),
            renewable: true,
        }),
        ..key("k1", at(0), Some(3600))
    };
    slot.on_fetched(at(0), 0.5, flight, Ok(leased));
    slot.acquire(at(3000), FIVE_MINUTES);
    assert!(matches!(
        slot.take_actions()[..],
        [Action::Fetch {
            flight: 2,
            renew: Some(_)
        }]
    ));
    slot.on_fetched(at(3000), 0.5, 2, Err(down()));
    slot.refresh();
    assert!(matches!(
        slot.take_actions()[..],
        [Action::Fetch {
            flight: 3,
            renew: None
        }]
    ));
}

#[test]
fn a_source_that_repeats_an_ageing_key_is_asked_with_back_off() {
    let mut slot = holding("k1", Some(3600));
    let mut flights = 0;
    for second in 3000..3540 {
        slot.acquire(at(second), FIVE_MINUTES);
        if let [Action::Fetch { flight, .. }] = slot.take_actions()[..] {
            flights += 1;
            // The same key again, with the same end.
            let again = key("k1", at(0), Some(3600));
            slot.on_fetched(at(second), 1.0, flight, Ok(again));
        }
    }
    assert!((8..=10).contains(&flights), "{flights}");
}

#[test]
fn a_profile_in_use_wakes_for_renewal_and_one_at_rest_has_no_timer() {
    let mut slot = holding("k1", Some(3600));
    // 30% of an hour before the end.
    assert_eq!(slot.next_deadline(at(0)), Some(at(2520).tick));
    assert_eq!(
        slot.next_deadline(at(901)),
        None,
        "three cache lifetimes without an ask"
    );

    slot.acquire(at(2500), FIVE_MINUTES);
    slot.on_timer(at(2520));
    assert_eq!(started(&mut slot), 2);
    assert_eq!(
        slot.next_deadline(at(2520)),
        None,
        "the flight's landing is waited for"
    );
}

#[test]
fn forgotten_is_forgotten_even_with_a_flight_under_way() {
    let mut slot = holding("k1", None);
    let ticket = slot.refresh();
    let flight = started(&mut slot);
    assert_eq!(slot.forget().unwrap().secret.expose(), "k1");
    let refused = Outcome::Failed(CredentialUnavailable {
        reason: Reason::Source(SourceError::Forgotten),
        next_try: Duration::ZERO,
    });
    assert_eq!(slot.poll(at(1), ticket), refused);
    slot.on_fetched(at(2), 0.5, flight, Ok(key("k2", at(2), None)));
    assert_eq!(slot.poll(at(2), ticket), refused);
    assert!(slot.snapshot(at(2)).credential.is_none());
}
