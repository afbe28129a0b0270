//! What an early second ask leads to.

use super::*;

/// One client's process; others have other numbers.
fn by(pid: u32) -> AcquireRequest {
    AcquireRequest {
        session: Some(ClientSession { pid, started: 1 }),
        ..FIVE_MINUTES
    }
}

/// A slot with a gateway, and a client that was given `k1` at second 0.
fn given() -> Slot {
    let mut slot = Slot::new(SlotConfig {
        watch: None,
        has_gateway: true,
    });
    let ticket = slot.acquire(at(0), by(1));
    let flight = started(&mut slot);
    slot.on_fetched(at(0), 0.5, flight, Ok(key("k1", at(0), None)));
    assert_eq!(served(slot.poll(at(0), ticket)), "k1");
    slot
}

/// The number of the question to the gateway that the slot wants asked now.
fn tried(slot: &mut Slot) -> u64 {
    match &slot.take_actions()[..] {
        [Action::Probe { probe, .. }] => *probe,
        other => panic!("not one question: {other:?}"),
    }
}

fn unclear() -> ProbeResult {
    ProbeResult::Inconclusive("answered 503".to_owned())
}

fn refused(answer: Outcome) -> Rejected {
    match answer {
        Outcome::Failed(CredentialUnavailable {
            reason: Reason::Rejected(rejected),
            ..
        }) => rejected,
        other => panic!("not refused as rejected: {other:?}"),
    }
}

#[test]
fn a_rejected_key_is_replaced_before_the_client_is_answered() {
    let mut slot = given();
    let ticket = slot.acquire(at(1), by(1));
    let probe = tried(&mut slot);
    assert!(matches!(slot.poll(at(1), ticket), Outcome::Pending(_)));
    slot.on_probed(at(1), probe, ProbeResult::Rejected);
    let flight = started(&mut slot);
    assert!(matches!(slot.poll(at(5), ticket), Outcome::Pending(_)));
    slot.on_fetched(at(5), 0.5, flight, Ok(key("k2", at(5), None)));
    assert_eq!(served(slot.poll(at(5), ticket)), "k2");
}

#[test]
fn twenty_sessions_cost_one_question_and_one_fetch() {
    let mut slot = given();
    for pid in 2..=20 {
        let ticket = slot.acquire(at(0), by(pid));
        assert_eq!(served(slot.poll(at(0), ticket)), "k1");
    }
    let tickets: Vec<_> = (1..=20).map(|pid| slot.acquire(at(1), by(pid))).collect();
    let probe = tried(&mut slot);
    slot.on_probed(at(1), probe, ProbeResult::Rejected);
    let flight = started(&mut slot);
    slot.on_fetched(at(2), 0.5, flight, Ok(key("k2", at(2), None)));
    for ticket in tickets {
        assert_eq!(served(slot.poll(at(2), ticket)), "k2");
    }
    assert_eq!(slot.take_actions(), []);
}

#[test]
fn a_late_401_for_an_old_key_costs_nothing() {
    let mut slot = given();
    slot.refresh();
    let flight = started(&mut slot);
    slot.on_fetched(at(100), 0.5, flight, Ok(key("k2", at(100), None)));
    let ticket = slot.acquire(at(101), by(1));
    assert_eq!(slot.take_actions(), []);
    assert_eq!(served(slot.poll(at(101), ticket)), "k2");
}

#[test]
fn a_good_key_is_kept_and_the_verdict_holds_for_who_comes_with_the_same_401() {
    let mut slot = given();
    let other = slot.acquire(at(0), by(2));
    assert_eq!(served(slot.poll(at(0), other)), "k1");
    let ticket = slot.acquire(at(1), by(1));
    let probe = tried(&mut slot);
    slot.on_probed(at(1), probe, ProbeResult::Accepted);
    assert_eq!(served(slot.poll(at(1), ticket)), "k1");
    let other = slot.acquire(at(3), by(2));
    assert_eq!(slot.take_actions(), []);
    assert_eq!(served(slot.poll(at(3), other)), "k1");
}

#[test]
fn who_comes_back_after_the_verdict_is_news() {
    let mut slot = given();
    let ticket = slot.acquire(at(1), by(1));
    let probe = tried(&mut slot);
    slot.on_probed(at(1), probe, ProbeResult::Accepted);
    assert_eq!(served(slot.poll(at(1), ticket)), "k1");
    slot.acquire(at(2), by(1));
    let probe = tried(&mut slot);
    slot.on_probed(at(2), probe, ProbeResult::Rejected);
    started(&mut slot);
}

#[test]
fn a_loop_of_asks_is_no_loop_at_the_gateway() {
    let mut slot = given();
    let mut questions = 0;
    for hundredths in 0..6000_u64 {
        let now = Now {
            tick: at(1).tick + Duration::from_millis(10 * hundredths),
            ..at(1)
        };
        let ticket = slot.acquire(now, by(1));
        for action in slot.take_actions() {
            if let Action::Probe { probe, .. } = action {
                questions += 1;
                slot.on_probed(now, probe, ProbeResult::Accepted);
            }
        }
        slot.take_actions();
        slot.poll(now, ticket);
    }
    assert!((10..=40).contains(&questions), "{questions} in a minute");
}

#[test]
fn settings_touched_ten_times_cost_the_source_nothing() {
    let mut slot = given();
    for touch in 1..=10 {
        let now = at(3 * touch);
        let ticket = slot.acquire(now, by(1));
        for action in slot.take_actions() {
            match action {
                Action::Probe { probe, .. } => slot.on_probed(now, probe, ProbeResult::Accepted),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(served(slot.poll(now, ticket)), "k1");
    }
}

#[test]
fn who_insists_is_believed_over_the_gateway() {
    let mut slot = given();
    let mut fetched_at = None;
    // The client's retry chain, in tenths of seconds.
    for tenths in [12_u64, 23, 48, 94, 186, 350] {
        let now = Now {
            tick: at(0).tick + Duration::from_millis(100 * tenths),
            ..at(0)
        };
        slot.acquire(now, by(1));
        for action in slot.take_actions() {
            match action {
                Action::Probe { probe, .. } => slot.on_probed(now, probe, ProbeResult::Accepted),
                other => panic!("{other:?}"),
            }
        }
        for action in slot.take_actions() {
            assert!(matches!(action, Action::Fetch { .. }));
            fetched_at.get_or_insert(tenths);
        }
        if fetched_at.is_some() {
            break;
        }
        let ticket = slot.acquire(now, by(2));
        slot.poll(now, ticket);
        slot.sessions.record(
            by(1).session.unwrap(),
            &key("k1", now, None).fingerprint(),
            now.tick,
            FIVE_MINUTES.cache_lifetime,
        );
    }
    assert_eq!(fetched_at, Some(94));
}

#[test]
fn a_gateway_that_cannot_tell_does_not_cost_the_key() {
    let mut slot = given();
    let ticket = slot.acquire(at(1), by(1));
    let probe = tried(&mut slot);
    slot.on_probed(at(1), probe, unclear());
    let flight = started(&mut slot);
    slot.on_fetched(at(1), 0.5, flight, Err(down()));
    assert_eq!(served(slot.poll(at(1), ticket)), "k1");
}

#[test]
fn a_gateway_that_is_down_makes_no_storm_at_the_source() {
    let mut slot = given();
    let mut fetches = 0;
    for second in 1..3600 {
        let ticket = slot.acquire(at(second), by(1));
        while let Some(action) = slot.take_actions().pop() {
            match action {
                Action::Probe { probe, .. } => slot.on_probed(at(second), probe, unclear()),
                Action::Fetch { flight, .. } => {
                    fetches += 1;
                    slot.on_fetched(at(second), 0.5, flight, Ok(key("k1", at(second), None)));
                }
                Action::Revalidate { .. } => panic!("there is nothing to look at"),
            }
        }
        assert_eq!(served(slot.poll(at(second), ticket)), "k1");
    }
    assert!((12..=20).contains(&fetches), "{fetches}");
}

#[test]
fn a_hanging_source_costs_a_suspect_key_a_second_and_no_more() {
    let mut slot = holding("k1", None);
    let ticket = slot.acquire(at(1), by(1));
    slot.poll(at(1), ticket);
    let ticket = slot.acquire(at(2), by(1));
    started(&mut slot);
    assert_eq!(slot.poll(at(2), ticket), Outcome::Pending(Some(at(3).tick)));
    assert_eq!(served(slot.poll(at(3), ticket)), "k1");
}

#[test]
fn a_crowd_of_one_parents_shims_costs_the_source_one_read() {
    for has_gateway in [false, true] {
        let mut slot = Slot::new(SlotConfig {
            watch: None,
            has_gateway,
        });
        let mut fetches = 0;
        for shim in 0..200 {
            let now = Now {
                tick: at(0).tick + Duration::from_millis(15 * shim),
                ..at(0)
            };
            let ticket = slot.acquire(now, by(1));
            for action in slot.take_actions() {
                match action {
                    Action::Fetch { flight, .. } => {
                        fetches += 1;
                        slot.on_fetched(now, 0.5, flight, Ok(key("k1", now, None)));
                    }
                    Action::Probe { probe, .. } => slot.on_probed(now, probe, unclear()),
                    Action::Revalidate { .. } => panic!("there is nothing to look at"),
                }
            }
            assert_eq!(served(slot.poll(now, ticket)), "k1");
        }
        assert_eq!(fetches, 1, "with a gateway: {has_gateway}");
    }
}

#[test]
fn a_suspect_that_the_source_has_vouched_for_since_costs_nothing() {
    let mut slot = holding("k1", None);
    let ticket = slot.acquire(at(1), by(1));
    slot.poll(at(1), ticket);
    slot.refresh();
    let flight = started(&mut slot);
    slot.on_fetched(at(2), 0.5, flight, Ok(key("k1", at(2), None)));
    let ticket = slot.acquire(at(3), by(1));
    assert_eq!(slot.take_actions(), []);
    assert_eq!(served(slot.poll(at(3), ticket)), "k1");
}

#[test]
fn without_a_gateway_a_suspect_is_fetched_anew_at_a_bounded_rate() {
    let mut slot = holding("k1", None);
    let ticket = slot.acquire(at(1), by(1));
    slot.poll(at(1), ticket);
    let mut fetches = 0;
    for second in 2..60 {
        let ticket = slot.acquire(at(second), by(1));
        if let [Action::Fetch { flight, .. }] = slot.take_actions()[..] {
            fetches += 1;
            slot.on_fetched(at(second), 0.5, flight, Ok(key("k1", at(second), None)));
        }
        assert_eq!(served(slot.poll(at(second), ticket)), "k1");
    }
    assert!((2..=3).contains(&fetches), "{fetches}");
}

/// `k1` was rejected at second 1, and the source has nothing else.
fn dead() -> Slot {
    let mut slot = given();
    let ticket = slot.acquire(at(1), by(1));
    let probe = tried(&mut slot);
    slot.on_probed(at(1), probe, ProbeResult::Rejected);
    let flight = started(&mut slot);
    slot.on_fetched(at(1), 1.0, flight, Ok(key("k1", at(1), None)));
    refused(slot.poll(at(1), ticket));
    slot
}

#[test]
fn a_dead_key_is_said_and_not_repeated() {
    let mut slot = dead();
    let ticket = slot.acquire(at(1), by(2));
    assert_eq!(
        slot.take_actions(),
        [],
        "the verdict is fresh and the back-off holds"
    );
    let rejected = refused(slot.poll(at(1), ticket));
    assert_eq!(rejected.since, at(1).wall);
    assert_eq!(rejected.age, Duration::from_secs(1));
}

#[test]
fn a_dead_key_is_healed_by_the_next_version_without_anyones_doing() {
    let mut slot = dead();
    let due = slot.next_deadline(at(1)).unwrap();
    assert_eq!(due, at(2).tick, "back-off");
    slot.on_timer(at(2));
    let flight = started(&mut slot);
    slot.on_fetched(at(2), 0.5, flight, Ok(key("k2", at(2), None)));
    let ticket = slot.acquire(at(2), by(1));
    assert_eq!(served(slot.poll(at(2), ticket)), "k2");
}

#[test]
fn a_dead_key_lives_again_when_the_gateway_takes_it_again() {
    let mut slot = dead();
    // Past the verdict, not past the back-off of many failures.
    for second in 2..7 {
        slot.on_timer(at(second));
        if let [Action::Fetch { flight, .. }] = slot.take_actions()[..] {
            slot.on_fetched(at(second), 1.0, flight, Ok(key("k1", at(second), None)));
        }
    }
    let ticket = slot.acquire(at(7), by(1));
    let probe = tried(&mut slot);
    slot.on_probed(at(7), probe, ProbeResult::Accepted);
    assert_eq!(served(slot.poll(at(7), ticket)), "k1");
}

#[test]
fn a_dead_key_costs_the_source_little_however_often_it_is_asked_for() {
    let mut slot = dead();
    let mut fetches = 0;
    for second in 2..3600 {
        let ticket = slot.acquire(at(second), by(1));
        while let Some(action) = slot.take_actions().pop() {
            match action {
                Action::Probe { probe, .. } => {
                    slot.on_probed(at(second), probe, ProbeResult::Rejected);
                }
                Action::Fetch { flight, .. } => {
                    fetches += 1;
                    slot.on_fetched(at(second), 0.5, flight, Ok(key("k1", at(second), None)));
                }
                Action::Revalidate { .. } => panic!("there is nothing to look at"),
            }
        }
        refused(slot.poll(at(second), ticket));
    }
    assert!((20..=40).contains(&fetches), "{fetches}");
}

#[test]
fn for_a_client_that_does_not_cache_a_dead_key_is_found_at_a_bounded_rate() {
    let mute = AcquireRequest {
        cache_lifetime: Duration::ZERO,
        ..by(1)
    };
    let mut slot = given();
    let mut questions = 0;
    for second in 1..120 {
        let ticket = slot.acquire(at(second), mute);
        for action in slot.take_actions() {
            match action {
                Action::Probe { probe, .. } => {
                    questions += 1;
                    slot.on_probed(at(second), probe, ProbeResult::Accepted);
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(served(slot.poll(at(second), ticket)), "k1");
    }
    assert_eq!(questions, 4);

    slot.acquire(at(121), mute);
    let probe = tried(&mut slot);
    slot.on_probed(at(121), probe, ProbeResult::Rejected);
    let flight = started(&mut slot);
    slot.on_fetched(at(121), 0.5, flight, Ok(key("k2", at(121), None)));
    let ticket = slot.acquire(at(122), mute);
    let probe = tried(&mut slot);
    slot.on_probed(at(122), probe, ProbeResult::Accepted);
    assert_eq!(served(slot.poll(at(122), ticket)), "k2");
}

#[test]
fn a_client_that_does_not_cache_waits_for_the_question_that_is_due() {
    let mute = |session| AcquireRequest {
        cache_lifetime: Duration::ZERO,
        ..by(session)
    };
    let mut slot = given();
    // The next chance is the client's next retry, half a minute later by then.
    let first = slot.acquire(at(31), mute(1));
    let probe = tried(&mut slot);
    let second = slot.acquire(at(31), mute(2));
    for ticket in [first, second] {
        assert!(matches!(slot.poll(at(31), ticket), Outcome::Pending(_)));
    }
    slot.on_probed(at(31), probe, ProbeResult::Rejected);
    let flight = started(&mut slot);
    assert!(matches!(slot.poll(at(31), first), Outcome::Pending(_)));
    slot.on_fetched(at(31), 0.5, flight, Ok(key("k2", at(31), None)));
    for ticket in [first, second] {
        assert_eq!(served(slot.poll(at(31), ticket)), "k2");
    }
    assert!(slot.take_actions().is_empty());
}
