//! A client that meets one 401 after another, while no probe can tell why.

use super::*;
use crate::{
    client_kind::{ClientKind, HelperContext},
    gateway::Calibration,
};

/// When Claude Code runs its helper if each key is refused, in milliseconds.
const RUNS: [u64; 5] = [1200, 2300, 4800, 9400, 18_600];

fn at_millis(millis: u64) -> Now {
    let since = Duration::from_millis(millis);
    Now {
        tick: at(0).tick + since,
        wall: at(0).wall.saturating_add(since).unwrap(),
    }
}

/// Runs the helper of client 1; the source returns `k1`, and each probe reports `result`.
fn run(slot: &mut Slot, now: Now, request: AcquireRequest, result: &ProbeResult) -> Outcome {
    let ticket = slot.acquire(now, request);
    loop {
        let actions = slot.take_actions();
        if actions.is_empty() {
            return slot.poll(now, ticket);
        }
        for action in actions {
            match action {
                Action::Fetch { flight, .. } => {
                    slot.on_fetched(now, 0.5, flight, Ok(key("k1", now, None)));
                }
                Action::Probe { probe, .. } => slot.on_probed(now, probe, result.clone()),
                other => panic!("unexpected {other:?}"),
            }
        }
    }
}

/// Runs the helper of client 1 so many milliseconds after the start; no probe can tell.
fn run_at(slot: &mut Slot, millis: u64) -> Outcome {
    run(slot, at_millis(millis), from_session(1), &cannot_tell())
}

/// A slot without a gateway, whose client 1 was refused `k1` at its fifth run.
fn slot_with_refusal() -> Slot {
    let mut slot = slot_of(false);
    for millis in &RUNS[..3] {
        run_at(&mut slot, *millis);
    }
    rejected(run_at(&mut slot, RUNS[3]));
    slot
}

fn cannot_tell() -> ProbeResult {
    ProbeResult::Inconclusive(Inconclusive::NoRoute { status: 404 })
}

/// A slot with or without a gateway, whose client 1 was served `k1` at second 0.
fn slot_of(has_gateway: bool) -> Slot {
    match has_gateway {
        true => slot_with_gateway(),
        false => {
            let mut slot = slot_with("k1", None);
            let ticket = slot.acquire(at(0), from_session(1));
            slot.poll(at(0), ticket);
            slot
        }
    }
}

#[test]
fn a_client_that_keeps_coming_back_is_refused_at_its_fifth_run() {
    for has_gateway in [true, false] {
        let mut slot = slot_of(has_gateway);
        let outcomes = RUNS.map(|millis| run_at(&mut slot, millis));
        for outcome in &outcomes[..3] {
            assert_eq!(served(outcome.clone()), "k1");
        }
        let refused = rejected(outcomes[3].clone());
        assert_eq!(refused.since, at(0).wall);
        let reason = Box::new(Inconclusive::NoRoute { status: 404 });
        let expected = Evidence::ClientRetries(has_gateway.then_some(reason));
        assert_eq!(refused.evidence, expected);
        let snapshot = slot.snapshot(at(10));
        assert_eq!(snapshot.rejected_since, Some(at(0).wall));
    }
}

#[test]
fn the_next_prompt_gets_the_key_and_the_next_401_is_enough() {
    let mut slot = slot_with_refusal();
    // The client runs a failing helper three times.
    for millis in [10_300, 11_200] {
        rejected(run_at(&mut slot, millis));
    }
    let other = run(
        &mut slot,
        at_millis(12_000),
        from_session(2),
        &cannot_tell(),
    );
    assert_eq!(served(other), "k1", "another client is not refused");
    let next = run(&mut slot, at(20), from_session(1), &cannot_tell());
    assert_eq!(served(next), "k1");
    rejected(run_at(&mut slot, 21_200));
}

#[test]
fn a_refused_client_gets_the_new_key_at_once() {
    let mut slot = slot_with_refusal();
    let ticket = slot.acquire(at_millis(11_500), from_session(1));
    let flight = started_fetch(&mut slot);
    let new = key("k2", at(11), None);
    slot.on_fetched(at_millis(11_500), 0.5, flight, Ok(new));
    assert_eq!(served(slot.poll(at_millis(11_500), ticket)), "k2");
    assert_eq!(slot.snapshot(at(12)).rejected_since, None);
}

#[test]
fn a_refresh_ends_a_refusal() {
    let mut slot = slot_with_refusal();
    slot.refresh();
    assert_eq!(slot.snapshot(at(10)).rejected_since, None);
    let outcome = run_at(&mut slot, 10_300);
    assert_eq!(served(outcome), "k1");
}

#[test]
fn a_key_that_the_gateway_accepts_is_not_refused_however_often_the_client_comes_back() {
    for result in [ProbeResult::Accepted, ProbeResult::Known] {
        let mut slot = slot_of(true);
        for millis in RUNS {
            let outcome = run(&mut slot, at_millis(millis), from_session(1), &result);
            assert_eq!(served(outcome), "k1", "after {millis} ms");
        }
    }
}

#[test]
fn a_client_that_says_twice_that_the_key_is_rejected_is_believed() {
    let refresh = AcquireRequest {
        client: ClientKind::ClaudeDesktop,
        context: HelperContext::Rejected,
        ..from_session(1)
    };
    let mut slot = slot_of(true);
    assert_eq!(
        served(run(&mut slot, at(60), refresh, &cannot_tell())),
        "k1"
    );
    rejected(run(&mut slot, at(90), refresh, &cannot_tell()));
}

#[test]
fn a_key_is_verified_once_per_cache_lifetime_if_clients_do_not_learn_that_it_is_rejected() {
    let mut slot = slot_with_gateway();
    slot.on_calibrated(Calibration::Reliable(crate::gateway::Rejection::Other));
    let sixty = AcquireRequest {
        cache_lifetime: Duration::from_secs(60),
        ..from_session(2)
    };
    let mut probes = Vec::new();
    for second in (1..=300).step_by(10) {
        let ticket = slot.acquire(at(second), sixty);
        for action in slot.take_actions() {
            let Action::Probe { probe, .. } = action else {
                panic!("{action:?}");
            };
            probes.push(second);
            slot.on_probed(at(second), probe, ProbeResult::Accepted);
        }
        served(slot.poll(at(second), ticket));
    }
    // Early requests of the same session are probed as ever; these are at least as far apart.
    assert!(probes.len() >= 4, "{probes:?}");
    slot.acquire(at(400), sixty);
    let probe = started_probe(&mut slot);
    slot.on_probed(at(400), probe, ProbeResult::Rejected);
    started_fetch(&mut slot);
}

/// The probe comes a moment after the request, and the next request a cache lifetime after that.
#[test]
fn a_probe_that_was_a_little_late_does_not_skip_the_next_verification() {
    for (lifetime, late) in [(5, 1), (60, 20), (300, 100)] {
        let mut slot = slot_with_gateway();
        slot.on_calibrated(Calibration::Reliable(crate::gateway::Rejection::Other));
        let request = AcquireRequest {
            cache_lifetime: Duration::from_secs(lifetime),
            ..from_session(2)
        };
        slot.acquire(at(1000), request);
        let probe = started_probe(&mut slot);
        slot.on_probed(at(1000 + late), probe, ProbeResult::Accepted);
        slot.acquire(at(1000 + lifetime), request);
        let probe = started_probe(&mut slot);
        slot.on_probed(at(1000 + lifetime), probe, ProbeResult::Rejected);
        started_fetch(&mut slot);
    }
}

#[test]
fn the_gateway_is_asked_once_while_the_first_key_works() {
    let mut slot = Slot::new(SlotConfig {
        has_gateway: true,
        ..SlotConfig::default()
    });
    let ticket = slot.acquire(at(0), from_session(1));
    let flight = started_fetch(&mut slot);
    slot.on_fetched(at(0), 0.5, flight, Ok(key("k1", at(0), None)));
    served(slot.poll(at(0), ticket));
    assert_eq!(slot.take_actions(), [], "the client is served first");
    let due = slot.next_deadline(at(0)).unwrap();
    assert_eq!(due, at(0).tick);
    slot.on_timer(at(0));
    let probe = started_probe(&mut slot);
    slot.on_probed(at(0), probe, ProbeResult::Accepted);
    assert_eq!(slot.next_deadline(at(1)), None);

    // Not for a token that lives for minutes, nor for a client that runs its helper all the time.
    let pi = AcquireRequest {
        client: ClientKind::Pi,
        ..from_session(1)
    };
    for (request, lifetime) in [(from_session(1), Some(60)), (pi, None)] {
        let mut slot = Slot::new(SlotConfig {
            has_gateway: true,
            ..SlotConfig::default()
        });
        slot.acquire(at(0), request);
        let flight = started_fetch(&mut slot);
        slot.on_fetched(at(0), 0.5, flight, Ok(key("k1", at(0), lifetime)));
        slot.on_timer(at(0));
        assert_eq!(slot.take_actions(), []);
    }

    // Without an answer it is asked again, ever less often.
    let mut slot = slot_of(true);
    slot.evidence = GatewayEvidence::default();
    slot.evidence.on_obtained(at(0).tick);
    let mut pauses = Vec::new();
    let mut now = at(0).tick;
    for _ in 0..9 {
        let due = slot.evidence.due().unwrap();
        pauses.push(due.since(now).as_secs());
        now = due;
        slot.evidence.on_started();
        slot.evidence.on_probed(now, &inconclusive());
    }
    assert_eq!(pauses, [0, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
}
