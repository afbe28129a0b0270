//! Obtaining and renewing a credential.

use super::*;
use crate::{broker::retry, credential::Lease};

#[test]
fn two_callers_share_one_flight_and_its_result() {
    let mut slot = Slot::default();
    let first = slot.acquire(at(0), FIVE_MINUTES);
    let flight = started_fetch(&mut slot);
    let second = slot.acquire(at(1), FIVE_MINUTES);
    assert_eq!(slot.take_actions(), []);
    assert_eq!(slot.poll(at(1), first), Outcome::Pending(None));

    slot.on_fetched(at(2), 0.5, flight, Ok(key("k1", at(2), None)));
    assert_eq!(served(slot.poll(at(2), first)), "k1");
    assert_eq!(served(slot.poll(at(2), second)), "k1");
}

#[test]
fn callers_share_a_failure_until_the_back_off_is_over() {
    let mut slot = Slot::default();
    let first = slot.acquire(at(0), FIVE_MINUTES);
    let flight = started_fetch(&mut slot);
    let second = slot.acquire(at(0), FIVE_MINUTES);
    slot.on_fetched(at(1), 0.0, flight, Err(down()));
    let unavailable = Outcome::Failed(CredentialUnavailable {
        reason: Reason::Source(down()),
        next_try: retry::MIN_DELAY,
    });
    assert_eq!(slot.poll(at(1), first), unavailable);
    assert_eq!(slot.poll(at(1), second), unavailable);

    let third = slot.acquire(at(1), FIVE_MINUTES);
    assert_eq!(slot.take_actions(), []);
    assert_eq!(slot.poll(at(1), third), unavailable);

    slot.acquire(at(2), FIVE_MINUTES);
    assert_eq!(started_fetch(&mut slot), 2);
}

#[test]
fn a_cached_key_needs_no_flight() {
    let mut slot = slot_with("k1", None);
    let ticket = slot.acquire(at(100_000), FIVE_MINUTES);
    assert_eq!(slot.take_actions(), []);
    assert_eq!(served(slot.poll(at(100_000), ticket)), "k1");
}

#[test]
fn in_the_advisory_window_one_renews_and_all_are_served() {
    let mut slot = slot_with("k1", Some(3600));
    let ticket = slot.acquire(at(2600), FIVE_MINUTES);
    assert_eq!(served(slot.poll(at(2600), ticket)), "k1");
    let flight = started_fetch(&mut slot);
    let ticket = slot.acquire(at(2601), FIVE_MINUTES);
    assert_eq!(slot.take_actions(), []);
    assert_eq!(served(slot.poll(at(2601), ticket)), "k1");

    slot.on_fetched(at(2602), 0.5, flight, Ok(key("k2", at(2602), Some(3600))));
    let ticket = slot.acquire(at(2603), FIVE_MINUTES);
    assert_eq!(served(slot.poll(at(2603), ticket)), "k2");
}

#[test]
fn a_key_that_would_expire_at_the_client_is_replaced_first() {
    let mut slot = slot_with("k1", Some(3600));
    let ticket = slot.acquire(at(3300), FIVE_MINUTES);
    assert_eq!(slot.poll(at(3300), ticket), Outcome::Pending(None));
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(3301), 0.5, flight, Ok(key("k2", at(3301), Some(3600))));
    assert_eq!(served(slot.poll(at(3301), ticket)), "k2");
}

#[test]
fn in_an_outage_a_key_is_served_until_it_expires_and_not_beyond() {
    let mut slot = slot_with("k1", Some(3600));
    let ticket = slot.acquire(at(3500), FIVE_MINUTES);
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(3501), 0.5, flight, Err(down()));
    assert_eq!(served(slot.poll(at(3501), ticket)), "k1");

    let ticket = slot.acquire(at(3599), FIVE_MINUTES);
    let flight = started_fetch(&mut slot);
    assert_eq!(served(slot.poll_at_deadline(at(3599), ticket)), "k1");
    slot.on_fetched(at(3600), 0.5, flight, Err(down()));
    assert!(matches!(slot.poll(at(3600), ticket), Outcome::Failed(_)));
}

#[test]
fn a_final_error_drops_the_key() {
    let mut slot = slot_with("k1", None);
    slot.refresh();
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(1), 0.5, flight, Err(denied()));
    let ticket = slot.acquire(at(1), FIVE_MINUTES);
    assert!(
        matches!(slot.poll(at(1), ticket), Outcome::Failed(failed) if failed.reason == Reason::Source(denied()))
    );
}

#[test]
fn a_refresh_keeps_the_old_key_until_the_new_one_arrives() {
    let mut slot = slot_with("k1", None);
    let refresh = slot.refresh();
    let flight = started_fetch(&mut slot);
    assert_eq!(slot.poll(at(1), refresh), Outcome::Pending(None));
    let ticket = slot.acquire(at(1), FIVE_MINUTES);
    assert_eq!(served(slot.poll(at(1), ticket)), "k1");
    slot.on_fetched(at(2), 0.5, flight, Err(down()));
    assert_eq!(served(slot.poll(at(2), refresh)), "k1");
    assert_eq!(slot.last_error(), Some(&down()));
}

#[test]
fn a_refresh_during_a_flight_starts_a_follow_up_fetch() {
    let mut slot = Slot::default();
    slot.acquire(at(0), FIVE_MINUTES);
    let first = started_fetch(&mut slot);
    let refresh = slot.refresh();
    assert_eq!(slot.take_actions(), [], "a second flight during the first");
    slot.on_fetched(at(1), 0.5, first, Ok(key("k1", at(1), None)));
    assert_eq!(slot.poll(at(1), refresh), Outcome::Pending(None));
    let second = started_fetch(&mut slot);
    slot.on_fetched(at(2), 0.5, second, Ok(key("k2", at(2), None)));
    assert_eq!(served(slot.poll(at(2), refresh)), "k2");
}

#[test]
fn a_refresh_ignores_the_back_off() {
    let mut slot = Slot::default();
    slot.acquire(at(0), FIVE_MINUTES);
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(0), 1.0, flight, Err(down()));
    slot.refresh();
    assert_eq!(started_fetch(&mut slot), 2);
}

#[test]
fn a_renewable_lease_is_renewed_but_a_refresh_issues_a_new_one() {
    let mut slot = Slot::default();
    slot.acquire(at(0), FIVE_MINUTES);
    let flight = started_fetch(&mut slot);
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
            renew: Some(_),
            cause: FetchCause::AheadOfNeed,
        }]
    ));
    slot.on_fetched(at(3000), 0.5, 2, Err(down()));
    slot.refresh();
    assert!(matches!(
        slot.take_actions()[..],
        [Action::Fetch {
            flight: 3,
            renew: None,
            cause: FetchCause::Forced,
        }]
    ));
}

#[test]
fn a_source_that_repeats_an_ageing_key_is_asked_with_back_off() {
    let mut slot = slot_with("k1", Some(3600));
    let mut flights = 0;
    for second in 3000..3540 {
        slot.acquire(at(second), FIVE_MINUTES);
        if let [Action::Fetch { flight, .. }] = slot.take_actions()[..] {
            flights += 1;
            // The same key again, with the same expiry.
            let again = key("k1", at(0), Some(3600));
            slot.on_fetched(at(second), 1.0, flight, Ok(again));
        }
    }
    assert!((8..=10).contains(&flights), "{flights}");
}

#[test]
fn a_profile_in_use_has_a_deadline_for_renewal_and_an_idle_one_has_none() {
    let mut slot = slot_with("k1", Some(3600));
    // 30% of an hour before the expiry.
    assert_eq!(slot.next_deadline(at(0)), Some(at(2520).tick));
    assert_eq!(
        slot.next_deadline(at(901)),
        None,
        "three cache lifetimes without a request"
    );

    slot.acquire(at(2500), FIVE_MINUTES);
    slot.on_timer(at(2520));
    assert_eq!(started_fetch(&mut slot), 2);
    assert_eq!(
        slot.next_deadline(at(2520)),
        None,
        "the flight's result decides what is due"
    );
}

#[test]
fn after_a_logout_the_next_request_fetches_whatever_failed_before() {
    for failure in [down(), denied()] {
        let mut slot = Slot::new(SlotConfig {
            watch: Some(Duration::from_secs(30)),
            has_gateway: true,
            max_age: None,
        });
        let mut second = 0;
        // Each failure doubles the back-off.
        for _ in 0..8 {
            slot.acquire(at(second), from_session(1));
            let flight = started_fetch(&mut slot);
            slot.on_fetched(at(second), 0.999, flight, Err(failure.clone()));
            second += 400;
        }
        slot.acquire(at(second), from_session(1));
        let flight = started_fetch(&mut slot);
        slot.on_fetched(at(second), 0.999, flight, Err(failure));
        slot.acquire(at(second), from_session(1));
        assert_eq!(slot.take_actions(), [], "the back-off forbids it");

        assert_eq!(slot.forget(), None);
        let snapshot = slot.snapshot(at(second));
        assert_eq!((snapshot.last_error, snapshot.cache_lifetime), (None, None));
        let ticket = slot.acquire(at(second), from_session(1));
        let flight = started_fetch(&mut slot);
        slot.on_fetched(at(second), 0.5, flight, Ok(key("k1", at(second), None)));
        assert_eq!(served(slot.poll(at(second), ticket)), "k1");
    }
}

#[test]
fn after_a_logout_neither_the_rejection_nor_the_limits_of_the_old_key_are_left() {
    let mut slot = slot_with_gateway();
    slot.acquire(at(2), from_session(1));
    let probe = started_probe(&mut slot);
    slot.on_probed(at(2), probe, ProbeResult::Rejected);
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(2), 0.999, flight, Ok(key("k1", at(2), None)));
    assert!(slot.snapshot(at(2)).rejected_since.is_some());

    assert_eq!(slot.forget().unwrap().secret.expose(), "k1");
    assert_eq!(slot.snapshot(at(2)).rejected_since, None);
    assert_eq!(slot.next_deadline(at(2)), None);
    // The same key again: it is served, and its session counts as a new one.
    let ticket = slot.acquire(at(3), from_session(1));
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(3), 0.5, flight, Ok(key("k1", at(3), None)));
    assert_eq!(served(slot.poll(at(3), ticket)), "k1");
    assert_eq!(slot.take_actions(), []);
}

#[test]
fn forget_also_abandons_the_flight_under_way() {
    let mut slot = slot_with("k1", None);
    let ticket = slot.refresh();
    let flight = started_fetch(&mut slot);
    assert_eq!(slot.forget().unwrap().secret.expose(), "k1");
    let forgotten = Outcome::Failed(CredentialUnavailable {
        reason: Reason::Source(SourceError::Forgotten),
        next_try: Duration::ZERO,
    });
    assert_eq!(slot.poll(at(1), ticket), forgotten);
    slot.on_fetched(at(2), 0.5, flight, Ok(key("k2", at(2), None)));
    assert_eq!(slot.poll(at(2), ticket), forgotten);
    assert!(slot.snapshot(at(2)).credential.is_none());
}
