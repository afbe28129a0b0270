//! Clients that cache so briefly that every request is early.

use super::*;

#[test]
fn for_a_client_that_does_not_cache_the_key_is_probed_at_a_bounded_rate() {
    let uncached = AcquireRequest {
        cache_lifetime: Duration::ZERO,
        ..from_session(1)
    };
    let mut slot = slot_with_gateway();
    let mut probes = 0;
    for second in 1..120 {
        let ticket = slot.acquire(at(second), uncached);
        for action in slot.take_actions() {
            match action {
                Action::Probe { probe, .. } => {
                    probes += 1;
                    slot.on_probed(at(second), probe, ProbeResult::Accepted);
                }
                other => panic!("expected a probe, got {other:?}"),
            }
        }
        assert_eq!(served(slot.poll(at(second), ticket)), "k1");
    }
    assert!((58..=65).contains(&probes), "one in two seconds: {probes}");

    slot.acquire(at(121), uncached);
    let probe = started_probe(&mut slot);
    slot.on_probed(at(121), probe, ProbeResult::Rejected);
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(121), 0.5, flight, Ok(key("k2", at(121), None)));
    accept_successor(&mut slot, at(121));
    let ticket = slot.acquire(at(122), uncached);
    assert_eq!(
        slot.take_actions(),
        [],
        "the client was not served it before"
    );
    assert_eq!(served(slot.poll(at(122), ticket)), "k2");
}

#[test]
fn a_client_that_does_not_cache_waits_for_the_probe_that_is_due() {
    let uncached = |pid| AcquireRequest {
        cache_lifetime: Duration::ZERO,
        ..from_session(pid)
    };
    let mut slot = slot_with_gateway();
    // The next chance would be the client's next retry, half a minute later by now.
    let first = slot.acquire(at(31), uncached(1));
    let probe = started_probe(&mut slot);
    let second = slot.acquire(at(31), uncached(2));
    for ticket in [first, second] {
        assert!(matches!(slot.poll(at(31), ticket), Outcome::Pending(_)));
    }
    slot.on_probed(at(31), probe, ProbeResult::Rejected);
    let flight = started_fetch(&mut slot);
    assert!(matches!(slot.poll(at(31), first), Outcome::Pending(_)));
    slot.on_fetched(at(31), 0.5, flight, Ok(key("k2", at(31), None)));
    accept_successor(&mut slot, at(31));
    for ticket in [first, second] {
        assert_eq!(served(slot.poll(at(31), ticket)), "k2");
    }
    assert!(slot.take_actions().is_empty());
}
