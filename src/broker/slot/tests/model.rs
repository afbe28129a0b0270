//! Any sequence of requests, time, rotations, outages and clock changes: what is always true.

use proptest::prelude::*;

use super::{
    world::{Event, SourceHealth, World},
    *,
};

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0u32..4, prop::sample::select(vec![0u64, 1, 300, 3600]))
            .prop_map(|(pid, cache_lifetime)| Event::Acquire { pid, cache_lifetime }),
        12 => Just(Event::Finish),
        6 => Just(Event::Timer),
        6 => (0u64..5).prop_map(|seconds| Event::Sleep { seconds }),
        3 => (0u64..2000).prop_map(|seconds| Event::Sleep { seconds }),
        1 => (-100_000i64..100_000).prop_map(|by| Event::SetWall { by }),
        2 => any::<bool>().prop_map(|revoke| Event::Rotate { revoke }),
        2 => prop::sample::select(vec![SourceHealth::Up, SourceHealth::Up, SourceHealth::Down, SourceHealth::Denying])
            .prop_map(Event::SetSource),
        1 => any::<bool>().prop_map(|up| Event::SetGateway { up }),
        1 => Just(Event::Refresh),
        1 => Just(Event::Logout),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn only_the_last_valid_and_not_rejected_key_is_served(
        events in prop::collection::vec((event(), 0.0..1.0f64), 0..200),
        lifetime in prop::sample::select(vec![None, Some(2), Some(300), Some(3600), Some(86_400)]),
        watch: bool,
    ) {
        let mut world = World::new(lifetime, watch);
        for (event, jitter) in events {
            world.apply(event, jitter);
            world.check()?;
        }
    }

    /// Whatever the clients do, a source that fails or has nothing new is asked at most once a
    /// second. Each fetch beyond that has a cause: a refresh, a rotation, a rejection, a logout.
    #[test]
    fn fetches_are_bounded_for_any_sequence_of_requests(
        events in prop::collection::vec((event(), 0.0..1.0f64), 0..300),
        lifetime in prop::sample::select(vec![None, Some(300), Some(3600)]),
    ) {
        let mut world = World::new(lifetime, true);
        for (event, jitter) in events {
            world.apply(event, jitter);
            world.apply(Event::Finish, jitter);
            world.apply(Event::Finish, jitter);
        }
        let mut busiest = 0;
        for (index, start) in world.fetched_at.iter().enumerate() {
            let within = world.fetched_at[index..]
                .iter()
                .take_while(|at| at.since(*start) < Duration::from_secs(60))
                .count();
            busiest = busiest.max(within);
        }
        prop_assert!(busiest <= 61 + world.justified_fetches, "{busiest} in a minute");
    }

    /// If the timer fires when it is due, a credential in use never expires.
    #[test]
    fn a_credential_in_use_is_renewed_in_time(
        lifetime in 20u64..100_000, jitters in prop::collection::vec(0.0..1.0f64, 20),
    ) {
        let mut world = World::new(Some(lifetime), false);
        let request = Event::Acquire { pid: 1, cache_lifetime: 300 };
        world.apply(request.clone(), 0.5);
        world.apply(Event::Finish, jitters[0]);
        for jitter in jitters {
            // The client keeps sending requests.
            world.apply(request.clone(), jitter);
            while !world.actions.is_empty() {
                world.apply(Event::Finish, jitter);
            }
            world.check()?;
            let due = world.slot.next_deadline(world.now);
            prop_assert!(due.is_some());
            let seconds = due.unwrap().since(world.now.tick).as_secs().min(800) + 1;
            world.apply(Event::Sleep { seconds }, jitter);
            prop_assert!(world.slot.valid(world.now).is_some(), "expired in use");
            world.apply(Event::Timer, jitter);
        }
    }
}
