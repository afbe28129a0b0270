use super::*;
use crate::{
    clock::{Clock as _, ManualClock},
    policy::{jws::tests::signed, worst_case},
};

/// A policy with this counter that is looked at once a minute and counts for an hour.
fn policy(counter: u64) -> SignedPolicy {
    signed(&format!(
        "version = 1\ncounter = {counter}\nwatch = '1m'\nmax_age = '1h'\n"
    ))
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A state whose clock starts at 0, and the clock.
fn empty() -> (PolicyState, ManualClock) {
    let clock = ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap());
    (PolicyState::new(clock.now(), None, 0), clock)
}

/// A look at this moment that finds `look`.
fn look(state: &mut PolicyState, clock: &ManualClock, look: Look) -> LookOutcome {
    let now = clock.now();
    state.on_look_started(now, 0.5);
    state.on_look(now, now, look)
}

fn counter(state: &PolicyState, clock: &ManualClock) -> Option<u64> {
    match state.standing(clock.now()) {
        Standing::InForce { policy, .. } => Some(policy.document.counter),
        Standing::Missing | Standing::Expired { .. } => None,
    }
}

#[test]
fn a_newer_policy_replaces_the_last_one_and_an_older_one_does_not() {
    let (mut state, clock) = empty();
    assert_eq!(state.standing(clock.now()), Standing::Missing);
    let published = |counter| Look::Published(policy(counter));
    assert_eq!(look(&mut state, &clock, published(41)), LookOutcome::Replaced);
    assert_eq!(look(&mut state, &clock, published(42)), LookOutcome::Replaced);
    assert_eq!(look(&mut state, &clock, published(42)), LookOutcome::Confirmed);
    assert_eq!(look(&mut state, &clock, Look::Unchanged), LookOutcome::Confirmed);
    assert_eq!(state.error(), None);
    let refusal = Refusal::Older {
        counter: 41,
        last: 42,
    };
    assert_eq!(look(&mut state, &clock, published(41)), LookOutcome::Refused(refusal));
    assert_eq!(counter(&state, &clock), Some(42));
    assert!(state.error().unwrap().contains("rolled back"));
}

#[test]
fn a_policy_counts_for_its_maximum_age_since_it_was_last_seen() {
    let (mut state, clock) = empty();
    look(&mut state, &clock, Look::Published(policy(2)));
    clock.advance(secs(3000));
    look(&mut state, &clock, Look::Unchanged);
    let seen = clock.now().wall;
    clock.advance(secs(3600));
    // Neither a failure nor a rollback is a look at the policy in force.
    look(&mut state, &clock, Look::Failed("timed out".to_owned()));
    look(&mut state, &clock, Look::Published(policy(1)));
    assert_eq!(counter(&state, &clock), Some(2));
    clock.advance(secs(1));
    assert_eq!(state.standing(clock.now()), Standing::Expired { seen });
    // The last one is kept all the same: an older one is still refused.
    let older = look(&mut state, &clock, Look::Published(policy(1)));
    assert!(matches!(older, LookOutcome::Refused(_)), "{older:?}");
    look(&mut state, &clock, Look::Unchanged);
    assert_eq!(counter(&state, &clock), Some(2));
}

#[test]
fn a_look_counts_from_its_start() {
    let (mut state, clock) = empty();
    let started = clock.now();
    state.on_look_started(started, 0.5);
    clock.advance(secs(4));
    state.on_look(clock.now(), started, Look::Published(policy(1)));
    assert_eq!(state.due(clock.now()), started.tick + secs(60));
    clock.advance(secs(3597));
    assert_eq!(counter(&state, &clock), None);
}

#[test]
fn a_wall_clock_that_was_set_back_prolongs_nothing() {
    let (mut state, clock) = empty();
    look(&mut state, &clock, Look::Published(policy(1)));
    clock.advance(secs(3601));
    let mut now = clock.now();
    now.wall = Timestamp::from_second(1_700_000_000).unwrap();
    assert!(matches!(state.standing(now), Standing::Expired { .. }));
    // A daemon that starts knows the wall time only.
    let wall = clock.now().wall;
    let stored = PolicyState::new(clock.now(), Some((policy(1), wall)), 0);
    assert_eq!(counter(&stored, &clock), Some(1));
    clock.advance(secs(3601));
    assert_eq!(counter(&stored, &clock), None);
}

#[test]
fn a_stored_policy_below_the_minimum_does_not_count() {
    let clock = empty().1;
    for (minimum, expected) in [(41, Some(41)), (42, None)] {
        let stored = Some((policy(41), clock.now().wall));
        let mut state = PolicyState::new(clock.now(), stored, minimum);
        assert_eq!(counter(&state, &clock), expected);
        let again = look(&mut state, &clock, Look::Published(policy(41)));
        assert_eq!(matches!(again, LookOutcome::Refused(_)), expected.is_none());
    }
}

#[test]
fn a_daemon_in_use_looks_and_an_idle_one_does_not() {
    let (mut state, clock) = empty();
    assert_eq!(state.next_look(clock.now()), None, "no request yet");
    state.on_request(clock.now());
    assert_eq!(state.next_look(clock.now()), Some(clock.now().tick));
    look(&mut state, &clock, Look::Published(policy(1)));
    let due = clock.now().tick + secs(60);
    assert_eq!(state.next_look(clock.now()), Some(due));
    clock.advance(IN_USE + secs(1));
    assert_eq!(state.next_look(clock.now()), None);
    // The next request finds that a look is due.
    state.on_request(clock.now());
    assert!(state.next_look(clock.now()).unwrap() <= clock.now().tick);
    assert_eq!(state.patience(clock.now()), MAX_WAIT);
}

#[test]
fn without_a_policy_in_force_a_request_waits_and_the_next_look_is_soon() {
    let (mut state, clock) = empty();
    state.on_request(clock.now());
    assert_eq!(state.patience(clock.now()), LOOK_TIMEOUT);
    look(&mut state, &clock, Look::Failed("refused".to_owned()));
    let due = clock.now().tick + MAX_INTERVAL_WITHOUT;
    assert_eq!(state.due(clock.now()), due);
}

/// The time from the publication of a policy until a daemon that clients use rejects what the
/// policy rejects, for a random course of looks.
fn delay(random: &mut fastrand::Rng) -> Duration {
    let (mut state, clock) = empty();
    look(&mut state, &clock, Look::Published(policy(1)));
    let published = clock.now().tick + secs(600).mul_f64(random.f64());
    loop {
        state.on_request(clock.now());
        let next = state.next_look(clock.now()).unwrap();
        clock.advance(next.since(clock.now().tick));
        let started = clock.now();
        state.on_look_started(started, random.f64());
        let took = LOOK_TIMEOUT.mul_f64(random.f64());
        let answered = started.tick + took.mul_f64(random.f64());
        clock.advance(took);
        let found = match answered >= published {
            true => Look::Published(policy(2)),
            false => Look::Unchanged,
        };
        state.on_look(clock.now(), started, found);
        if counter(&state, &clock) == Some(2) {
            return clock.now().tick.since(published);
        }
    }
}

#[test]
fn no_daemon_in_use_is_later_than_the_worst_case() {
    let worst = worst_case(secs(60));
    let mut latest = Duration::ZERO;
    for seed in 0..3_000 {
        let delay = delay(&mut fastrand::Rng::with_seed(seed));
        assert!(delay <= worst, "seed {seed}: {delay:?}");
        latest = latest.max(delay);
    }
    assert!(latest > worst.mul_f64(0.85), "{latest:?} of {worst:?}");
}
