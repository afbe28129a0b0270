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
        Standing::InForce(policy) => Some(policy.signed.document.counter),
        Standing::Missing | Standing::Expired { .. } => None,
    }
}

#[test]
fn a_newer_policy_replaces_the_last_one_and_an_older_one_does_not() {
    let (mut state, clock) = empty();
    assert_eq!(state.standing(clock.now()), Standing::Missing);
    let published = |counter| Look::Published(policy(counter));
    assert_eq!(
        look(&mut state, &clock, published(41)),
        LookOutcome::Replaced
    );
    assert_eq!(
        look(&mut state, &clock, published(42)),
        LookOutcome::Replaced
    );
    assert_eq!(
        look(&mut state, &clock, published(42)),
        LookOutcome::Confirmed
    );
    assert_eq!(
        look(&mut state, &clock, Look::Unchanged),
        LookOutcome::Confirmed
    );
    assert_eq!(state.error(), None);
    let refusal = Refusal::Older {
        counter: 41,
        last: 42,
    };
    assert_eq!(
        look(&mut state, &clock, published(41)),
        LookOutcome::Refused(refusal)
    );
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
    assert_eq!(state.patience(clock.now()), MAX_WAIT_WITHOUT);
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

#[test]
fn a_request_does_not_wait_while_the_daemon_looks_on_its_own() {
    let (mut state, clock) = empty();
    look(&mut state, &clock, Look::Published(policy(1)));
    for outcome in [Look::Unchanged, Look::Failed("timed out".to_owned())] {
        clock.advance(worst_case(secs(60)));
        assert_eq!(state.patience(clock.now()), Duration::ZERO);
        // After a suspension the last look is older.
        clock.advance(secs(1));
        assert_eq!(state.patience(clock.now()), MAX_WAIT);
        look(&mut state, &clock, outcome);
    }
}

#[test]
fn without_a_policy_a_request_waits_for_a_look_under_way_and_not_after_a_failure() {
    let (mut state, clock) = empty();
    state.on_look_started(clock.now(), 0.5);
    clock.advance(secs(1));
    assert_eq!(state.patience(clock.now()), MAX_WAIT_WITHOUT);
    look(&mut state, &clock, Look::Failed("refused".to_owned()));
    assert_eq!(state.patience(clock.now()), Duration::ZERO);
    clock.advance(MAX_INTERVAL_WITHOUT);
    assert_eq!(state.patience(clock.now()), MAX_WAIT_WITHOUT);
}

#[test]
fn a_policy_that_was_stored_in_the_future_counts_as_expired() {
    let clock = empty().1;
    let now = clock.now();
    for (ahead, expected) in [(0, Some(1)), (299, Some(1)), (301, None), (1 << 30, None)] {
        let wall = now.wall + secs(ahead);
        let stored = PolicyState::new(now, Some((policy(1), wall)), 0);
        assert_eq!(counter(&stored, &clock), expected, "{ahead} s ahead");
    }
}

#[test]
fn a_rotation_is_known_since_the_first_policy_that_has_it() {
    let rotating = |counter: u64, at: &str| {
        let text = format!("version = 1\ncounter = {counter}\n[rule.r]\nrotate_after = {at}\n");
        Look::Published(signed(&text))
    };
    let (first, second) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    let (mut state, clock) = empty();
    let mut ticks = Vec::new();
    for (counter, at) in [(1, first), (2, first), (3, second)] {
        look(&mut state, &clock, rotating(counter, at));
        let Standing::InForce(policy) = state.standing(clock.now()) else {
            panic!("counter {counter}");
        };
        ticks.push(policy.known_since(at.parse().unwrap()).unwrap());
        assert_eq!(policy.known_since(Timestamp::UNIX_EPOCH), None);
        clock.advance(secs(60));
    }
    assert_eq!(ticks[0], ticks[1], "it is the same rotation");
    assert_eq!(ticks[2], ticks[0] + secs(120));
}
