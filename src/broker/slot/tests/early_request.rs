//! Early requests: the gateway may have rejected the key.

use super::*;

#[test]
fn a_rejected_key_is_replaced_before_the_client_is_served() {
    let mut slot = slot_with_gateway();
    let ticket = slot.acquire(at(1), from_session(1));
    let probe = started_probe(&mut slot);
    assert!(matches!(slot.poll(at(1), ticket), Outcome::Pending(_)));
    slot.on_probed(at(1), probe, ProbeResult::Rejected);
    let flight = started_fetch(&mut slot);
    assert!(matches!(slot.poll(at(5), ticket), Outcome::Pending(_)));
    slot.on_fetched(at(5), 0.5, flight, Ok(key("k2", at(5), None)));
    assert!(matches!(slot.poll(at(5), ticket), Outcome::Pending(_)));
    accept_successor(&mut slot, at(5));
    assert_eq!(served(slot.poll(at(5), ticket)), "k2");
}

#[test]
fn twenty_sessions_cost_one_probe_and_one_fetch() {
    let mut slot = slot_with_gateway();
    for pid in 2..=20 {
        let ticket = slot.acquire(at(0), from_session(pid));
        assert_eq!(served(slot.poll(at(0), ticket)), "k1");
    }
    let tickets: Vec<_> = (1..=20)
        .map(|pid| slot.acquire(at(1), from_session(pid)))
        .collect();
    let probe = started_probe(&mut slot);
    slot.on_probed(at(1), probe, ProbeResult::Rejected);
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(2), 0.5, flight, Ok(key("k2", at(2), None)));
    accept_successor(&mut slot, at(2));
    for ticket in tickets {
        assert_eq!(served(slot.poll(at(2), ticket)), "k2");
    }
    assert_eq!(slot.take_actions(), []);
}

#[test]
fn a_late_401_for_an_old_key_costs_nothing() {
    let mut slot = slot_with_gateway();
    slot.refresh();
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(100), 0.5, flight, Ok(key("k2", at(100), None)));
    accept_successor(&mut slot, at(100));
    let ticket = slot.acquire(at(101), from_session(1));
    assert_eq!(slot.take_actions(), []);
    assert_eq!(served(slot.poll(at(101), ticket)), "k2");
}

#[test]
fn an_accepted_key_is_kept_and_the_result_serves_other_sessions() {
    let mut slot = slot_with_gateway();
    let other = slot.acquire(at(0), from_session(2));
    assert_eq!(served(slot.poll(at(0), other)), "k1");
    let ticket = slot.acquire(at(1), from_session(1));
    let probe = started_probe(&mut slot);
    slot.on_probed(at(1), probe, ProbeResult::Accepted);
    assert_eq!(served(slot.poll(at(1), ticket)), "k1");
    let other = slot.acquire(at(3), from_session(2));
    assert_eq!(slot.take_actions(), []);
    assert_eq!(served(slot.poll(at(3), other)), "k1");
}

#[test]
fn a_request_after_being_served_since_the_probe_causes_another_probe() {
    let mut slot = slot_with_gateway();
    let ticket = slot.acquire(at(1), from_session(1));
    let probe = started_probe(&mut slot);
    slot.on_probed(at(1), probe, ProbeResult::Accepted);
    assert_eq!(served(slot.poll(at(1), ticket)), "k1");
    slot.acquire(at(2), from_session(1));
    let probe = started_probe(&mut slot);
    slot.on_probed(at(2), probe, ProbeResult::Rejected);
    started_fetch(&mut slot);
}

#[test]
fn a_loop_of_requests_is_not_a_loop_at_the_gateway() {
    let mut slot = slot_with_gateway();
    let mut probes = 0;
    for hundredths in 0..6000_u64 {
        let now = Now {
            tick: at(1).tick + Duration::from_millis(10 * hundredths),
            ..at(1)
        };
        let ticket = slot.acquire(now, from_session(1));
        for action in slot.take_actions() {
            if let Action::Probe { probe, .. } = action {
                probes += 1;
                slot.on_probed(now, probe, ProbeResult::Accepted);
            }
        }
        slot.take_actions();
        slot.poll(now, ticket);
    }
    assert!((10..=40).contains(&probes), "{probes} in a minute");
}

#[test]
fn settings_changed_ten_times_cost_the_source_nothing() {
    let mut slot = slot_with_gateway();
    for change in 1..=10 {
        let now = at(3 * change);
        let ticket = slot.acquire(now, from_session(1));
        for action in slot.take_actions() {
            match action {
                Action::Probe { probe, .. } => slot.on_probed(now, probe, ProbeResult::Accepted),
                other => panic!("expected a probe, got {other:?}"),
            }
        }
        assert_eq!(served(slot.poll(now, ticket)), "k1");
    }
}

#[test]
fn a_client_that_keeps_retrying_causes_a_fetch_although_the_gateway_accepts() {
    let mut slot = slot_with_gateway();
    let mut fetched_at = None;
    // The times of the client's retries, in tenths of a second.
    for tenths in [12_u64, 23, 48, 94, 186, 350] {
        let now = Now {
            tick: at(0).tick + Duration::from_millis(100 * tenths),
            ..at(0)
        };
        slot.acquire(now, from_session(1));
        for action in slot.take_actions() {
            match action {
                Action::Probe { probe, .. } => slot.on_probed(now, probe, ProbeResult::Accepted),
                other => panic!("expected a probe, got {other:?}"),
            }
        }
        for action in slot.take_actions() {
            assert!(matches!(action, Action::Fetch { .. }));
            fetched_at.get_or_insert(tenths);
        }
        if fetched_at.is_some() {
            break;
        }
        let ticket = slot.acquire(now, from_session(2));
        slot.poll(now, ticket);
        let key = key("k1", now, None).fingerprint();
        slot.sessions.record(from_session(1), &key, now.tick, None);
    }
    assert_eq!(fetched_at, Some(94));
}

#[test]
fn an_inconclusive_probe_does_not_drop_the_key() {
    let mut slot = slot_with_gateway();
    let ticket = slot.acquire(at(1), from_session(1));
    let probe = started_probe(&mut slot);
    slot.on_probed(at(1), probe, inconclusive());
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(1), 0.5, flight, Err(down()));
    assert_eq!(served(slot.poll(at(1), ticket)), "k1");
}

#[test]
fn a_gateway_that_is_down_causes_few_fetches() {
    let mut slot = slot_with_gateway();
    let mut fetches = 0;
    for second in 1..3600 {
        let ticket = slot.acquire(at(second), from_session(1));
        while let Some(action) = slot.take_actions().pop() {
            match action {
                Action::Probe { probe, .. } => slot.on_probed(at(second), probe, inconclusive()),
                Action::Fetch { flight, .. } => {
                    fetches += 1;
                    slot.on_fetched(at(second), 0.5, flight, Ok(key("k1", at(second), None)));
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        assert_eq!(served(slot.poll(at(second), ticket)), "k1");
    }
    assert!((12..=20).contains(&fetches), "{fetches}");
}

#[test]
fn a_hanging_source_delays_a_suspected_key_by_a_second_at_most() {
    let mut slot = slot_with("k1", None);
    let ticket = slot.acquire(at(1), from_session(1));
    slot.poll(at(1), ticket);
    let ticket = slot.acquire(at(2), from_session(1));
    started_fetch(&mut slot);
    assert_eq!(slot.poll(at(2), ticket), Outcome::Pending(Some(at(3).tick)));
    assert_eq!(served(slot.poll(at(3), ticket)), "k1");
}

#[test]
fn two_hundred_shims_of_one_parent_cost_the_source_one_fetch() {
    for has_gateway in [false, true] {
        let mut slot = Slot::new(SlotConfig {
            watch: None,
            has_gateway,
            max_age: None,
        });
        let mut fetches = 0;
        for shim in 0..200 {
            let now = Now {
                tick: at(0).tick + Duration::from_millis(15 * shim),
                ..at(0)
            };
            let ticket = slot.acquire(now, from_session(1));
            for action in slot.take_actions() {
                match action {
                    Action::Fetch { flight, .. } => {
                        fetches += 1;
                        slot.on_fetched(now, 0.5, flight, Ok(key("k1", now, None)));
                    }
                    Action::Probe { probe, .. } => slot.on_probed(now, probe, inconclusive()),
                    other => panic!("unexpected {other:?}"),
                }
            }
            assert_eq!(served(slot.poll(now, ticket)), "k1");
        }
        assert_eq!(fetches, 1, "with a gateway: {has_gateway}");
    }
}

#[test]
fn a_key_that_the_source_has_confirmed_since_is_not_fetched_again() {
    let mut slot = slot_with("k1", None);
    let ticket = slot.acquire(at(1), from_session(1));
    slot.poll(at(1), ticket);
    slot.refresh();
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(2), 0.5, flight, Ok(key("k1", at(2), None)));
    let ticket = slot.acquire(at(3), from_session(1));
    assert_eq!(slot.take_actions(), []);
    assert_eq!(served(slot.poll(at(3), ticket)), "k1");
}

#[test]
fn without_a_gateway_a_suspected_key_is_refetched_at_a_bounded_rate() {
    let mut slot = slot_with("k1", None);
    let ticket = slot.acquire(at(1), from_session(1));
    slot.poll(at(1), ticket);
    let mut fetches = 0;
    for second in 2..60 {
        let ticket = slot.acquire(at(second), from_session(1));
        if let [Action::Fetch { flight, .. }] = slot.take_actions()[..] {
            fetches += 1;
            slot.on_fetched(at(second), 0.5, flight, Ok(key("k1", at(second), None)));
        }
        assert_eq!(served(slot.poll(at(second), ticket)), "k1");
    }
    assert!((2..=3).contains(&fetches), "{fetches}");
}

#[test]
fn a_known_key_is_served_at_once_although_a_fetch_is_under_way() {
    for result in [ProbeResult::Accepted, ProbeResult::Known] {
        let mut slot = slot_with_gateway();
        let ticket = slot.acquire(at(1), from_session(1));
        let probe = started_probe(&mut slot);
        // A refresh, for example.
        slot.start_fetch(None, FetchCause::Forced);
        slot.on_probed(at(1), probe, result);
        assert_eq!(served(slot.poll(at(1), ticket)), "k1");
    }
}
