//! Any sequence of requests, time, rotations, outages and clock changes: what is always true.
//!
//! The requests come in any order (`Event`), or from clients that behave as the real ones do
//! (`Scene`).

use proptest::prelude::*;

use super::{
    clients::SimulatedClient,
    gateway_truth::{GatewayTruth, ProbedRoute},
    world::{SourceHealth, Upstream, World},
    *,
};
use crate::client_kind::{ClientKind, HelperContext};

/// What happens to the source, to the gateway and to time.
#[derive(Clone, Debug)]
enum Event {
    Sleep {
        millis: u64,
    },
    SetWall {
        by: i64,
    },
    /// The source gets a new key; the gateway takes it, and refuses the old one, or does so later.
    Rotate {
        accept: bool,
        revoke: bool,
    },
    /// The gateway takes the source's current key.
    Accept,
    /// The gateway refuses all keys before the source's current one.
    RevokeOld,
    /// The gateway refuses the source's current key.
    Revoke,
    NewVersion,
    SetSource(SourceHealth),
    SetGateway {
        up: bool,
    },
    Refresh,
    Logout,
}

/// What happens in the world of any requests.
#[derive(Clone, Debug)]
enum AnyEvent {
    World(Event),
    Acquire(AcquireRequest),
    /// The timer fires, due or not.
    Timer,
    /// The oldest action under way finishes.
    Finish,
}

/// What happens in the world of real clients.
#[derive(Clone, Debug)]
enum Scene {
    World(Event),
    Prompt(usize),
    TouchSettings(usize),
    Headers(usize),
}

fn event() -> impl Strategy<Value = Event> {
    let health = vec![
        SourceHealth::Up,
        SourceHealth::Up,
        SourceHealth::Down,
        SourceHealth::Denying,
    ];
    prop_oneof![
        6 => (0u64..5_000).prop_map(|millis| Event::Sleep { millis }),
        4 => (0u64..60_000).prop_map(|millis| Event::Sleep { millis }),
        2 => (0u64..2_000_000).prop_map(|millis| Event::Sleep { millis }),
        1 => (-100_000i64..100_000).prop_map(|by| Event::SetWall { by }),
        2 => any::<(bool, bool)>().prop_map(|(accept, revoke)| Event::Rotate { accept, revoke }),
        2 => Just(Event::Accept),
        1 => Just(Event::RevokeOld),
        1 => Just(Event::Revoke),
        1 => Just(Event::NewVersion),
        2 => prop::sample::select(health).prop_map(Event::SetSource),
        2 => prop::bool::weighted(0.8).prop_map(|up| Event::SetGateway { up }),
        1 => Just(Event::Refresh),
        1 => Just(Event::Logout),
    ]
}

fn route() -> impl Strategy<Value = ProbedRoute> {
    prop::sample::select(vec![
        ProbedRoute::Checks,
        ProbedRoute::Checks,
        ProbedRoute::Restricted,
        ProbedRoute::Forbids,
        ProbedRoute::Raises,
        ProbedRoute::AcceptsAny,
        ProbedRoute::Missing,
        ProbedRoute::RefusesAll,
        ProbedRoute::Off,
    ])
}

fn client_kind() -> impl Strategy<Value = ClientKind> {
    prop::sample::select(vec![
        ClientKind::ClaudeCode,
        ClientKind::ClaudeCode,
        ClientKind::ClaudeDesktop,
        ClientKind::Codex,
        ClientKind::Copilot,
        ClientKind::Pi,
        ClientKind::Hermes,
    ])
}

fn request() -> impl Strategy<Value = AcquireRequest> {
    let lifetimes = prop::sample::select(vec![0u64, 1, 300, 3600]);
    let contexts = prop::sample::select(vec![
        HelperContext::Unstated,
        HelperContext::Unstated,
        HelperContext::Rejected,
        HelperContext::Background,
    ]);
    let session = prop::option::weighted(0.9, 1u32..4);
    let is_for_headers = prop::bool::weighted(0.1);
    (session, lifetimes, client_kind(), contexts, is_for_headers).prop_map(
        |(pid, lifetime, client, context, is_for_headers)| AcquireRequest {
            client,
            context,
            is_for_headers,
            ..AcquireRequest::new(
                Duration::from_secs(lifetime),
                pid.map(|pid| ClientSession { pid, started: 0 }),
            )
        },
    )
}

fn any_event() -> impl Strategy<Value = AnyEvent> {
    prop_oneof![
        24 => event().prop_map(AnyEvent::World),
        8 => request().prop_map(AnyEvent::Acquire),
        6 => Just(AnyEvent::Timer),
        14 => Just(AnyEvent::Finish),
    ]
}

fn scene() -> impl Strategy<Value = Scene> {
    prop_oneof![
        10 => event().prop_map(Scene::World),
        10 => (0usize..4).prop_map(Scene::Prompt),
        1 => (0usize..4).prop_map(Scene::TouchSettings),
        1 => (0usize..4).prop_map(Scene::Headers),
    ]
}

fn lifetime() -> impl Strategy<Value = Option<u64>> {
    prop::sample::select(vec![
        None,
        None,
        Some(2),
        Some(300),
        Some(3600),
        Some(86_400),
    ])
}

/// Applies an event; `sleep` lets time pass.
fn apply(world: &mut World, event: Event, sleep: impl FnOnce(&mut World, Duration)) {
    match event {
        Event::Sleep { millis } => sleep(world, Duration::from_millis(millis)),
        Event::SetWall { by } => world.set_wall(by),
        Event::Rotate { accept, revoke } => {
            let old = world.key_name();
            world.rotate();
            let new = world.key_name();
            world.change_gateway(|gateway| {
                if accept {
                    gateway.accept(new);
                }
                if revoke {
                    gateway.revoke(&old);
                }
            });
        }
        Event::Accept => {
            let key = world.key_name();
            world.change_gateway(|gateway| gateway.accept(key));
        }
        Event::RevokeOld => {
            let current = world.key;
            world.change_gateway(|gateway| {
                for old in 1..current {
                    gateway.revoke(&format!("k{old}"));
                }
            });
        }
        Event::Revoke => {
            let key = world.key_name();
            world.change_gateway(|gateway| gateway.revoke(&key));
        }
        Event::NewVersion => world.new_version(),
        Event::SetSource(source) => world.source = source,
        Event::SetGateway { up } => world.change_gateway(|gateway| gateway.set_up(up)),
        Event::Refresh => world.refresh(),
        Event::Logout => world.log_out(),
    }
}

/// The most requests of a kind within any span of this length.
fn busiest(world: &World, kind: Upstream, span: Duration) -> usize {
    let times: Vec<_> = world
        .upstream
        .iter()
        .filter(|(_, upstream)| *upstream == kind)
        .map(|(at, _)| *at)
        .collect();
    let within = |start: usize| {
        let later = times[start..].iter();
        later.take_while(|at| at.since(times[start]) < span).count()
    };
    (0..times.len()).map(within).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn only_a_valid_and_not_rejected_key_that_has_arrived_is_served(
        events in prop::collection::vec((any_event(), 0.0..1.0f64), 0..200),
        lifetime in lifetime(),
        watch: bool,
        route in route(),
    ) {
        let mut world = World::new(lifetime, watch, GatewayTruth::new(route));
        for (event, jitter) in events {
            match event {
                AnyEvent::World(event) => apply(&mut world, event, World::sleep),
                AnyEvent::Acquire(request) => world.acquire(0, request),
                AnyEvent::Timer => world.timer(),
                AnyEvent::Finish => world.finish(jitter),
            }
            world.answer()?;
            world.check_state()?;
        }
    }

    /// Whatever the clients do, a source that fails or has nothing new is asked at most once a
    /// second, and the gateway once in two. Each request beyond that has a cause: a refresh, a
    /// rotation, a rejection, a logout.
    #[test]
    fn upstream_requests_are_bounded_for_any_sequence_of_requests(
        events in prop::collection::vec((any_event(), 0.0..1.0f64), 0..300),
        lifetime in prop::sample::select(vec![None, Some(300), Some(3600)]),
        route in route(),
    ) {
        let mut world = World::new(lifetime, true, GatewayTruth::new(route));
        for (event, jitter) in events {
            match event {
                AnyEvent::World(event) => apply(&mut world, event, World::sleep),
                AnyEvent::Acquire(request) => world.acquire(0, request),
                AnyEvent::Timer => world.timer(),
                AnyEvent::Finish => {}
            }
            world.finish_all(jitter);
        }
        let minute = Duration::from_secs(60);
        let fetches = busiest(&world, Upstream::Fetch, minute);
        prop_assert!(fetches <= 61 + world.justified, "{fetches} fetches in a minute");
        let probes = busiest(&world, Upstream::Probe, minute);
        prop_assert!(probes <= 66 + world.justified, "{probes} probes in a minute");
        let revalidations = busiest(&world, Upstream::Revalidate, minute);
        prop_assert!(revalidations <= 4 + world.justified, "{revalidations} in a minute");
    }

    /// With clients that behave as the real ones do: a key that the gateway accepts is never
    /// refused, and one that it refuses is not handed out twice to one session after that could be
    /// known.
    #[test]
    fn real_clients_get_the_key_that_works(
        scenes in prop::collection::vec((scene(), 0.0..1.0f64), 0..120),
        clients in prop::collection::vec(
            (client_kind(), prop::sample::select(vec![1u64, 60, 300, 3600]), prop::bool::weighted(0.2)),
            4,
        ),
        lifetime in lifetime(),
        watch: bool,
        route in route(),
    ) {
        let mut world = World::new(lifetime, watch, GatewayTruth::new(route));
        let mut clients: Vec<_> = (1..)
            .zip(clients)
            .map(|(pid, (kind, lifetime, is_hidden))| {
                SimulatedClient::new(pid, kind, lifetime, is_hidden)
            })
            .collect();
        for (scene, jitter) in scenes {
            match scene {
                Scene::Prompt(client) => clients[client].prompt(&mut world),
                Scene::TouchSettings(client) => clients[client].touch_settings(&mut world),
                Scene::Headers(client) => clients[client].request_headers(&mut world),
                Scene::World(Event::Sleep { millis }) => {
                    pass_time(&mut world, &mut clients, millis, jitter)?;
                }
                Scene::World(event) => apply(&mut world, event, World::sleep),
            }
            settle(&mut world, &mut clients, jitter)?;
        }
        let hour = Duration::from_secs(3600);
        // A credential that lives for seconds is fetched as often.
        let is_short = lifetime.is_some_and(|lifetime| lifetime < 300);
        for kind in [Upstream::Fetch, Upstream::Probe] {
            let busiest = busiest(&world, kind, hour);
            prop_assert!(is_short || busiest <= 300 + 5 * world.justified, "{busiest} x {kind:?} in an hour");
        }
    }

    /// If the timer fires when it is due, a credential in use never expires.
    #[test]
    fn a_credential_in_use_is_renewed_in_time(
        lifetime in 20u64..100_000, jitters in prop::collection::vec(0.0..1.0f64, 20),
    ) {
        let mut world = World::new(Some(lifetime), false, GatewayTruth::new(ProbedRoute::Checks));
        world.acquire(1, from_session(1));
        world.finish_all(jitters[0]);
        for jitter in jitters {
            // The client keeps sending requests.
            world.acquire(1, from_session(1));
            world.finish_all(jitter);
            world.answer()?;
            world.check_state()?;
            let due = world.slot.next_deadline(world.now);
            prop_assert!(due.is_some());
            let wait = due.unwrap().since(world.now.tick).min(Duration::from_secs(800));
            world.sleep(wait + Duration::from_secs(1));
            prop_assert!(world.slot.valid(world.now).is_some(), "expired in use");
            world.timer();
        }
    }
}

/// Lets time pass; the timer and the clients act when they are due.
fn pass_time(
    world: &mut World,
    clients: &mut [SimulatedClient],
    millis: u64,
    jitter: f64,
) -> Result<(), TestCaseError> {
    let end = world.now.tick + Duration::from_millis(millis);
    let mut jitter = jitter;
    loop {
        // Each draw is another one: a back-off that always draws 0 would not grow.
        jitter = (jitter + 0.618) % 1.0;
        let timer = world.slot.next_deadline(world.now);
        let steps = clients.iter().filter_map(SimulatedClient::due);
        let next = steps.chain(timer).min().unwrap_or(end).min(end);
        world.sleep(next.since(world.now.tick));
        if timer.is_some_and(|due| due <= world.now.tick) {
            world.timer();
        }
        for client in &mut *clients {
            client.retry(world);
        }
        settle(world, clients, jitter)?;
        if next >= end {
            return Ok(());
        }
    }
}

/// Finishes all actions and answers the clients.
fn settle(
    world: &mut World,
    clients: &mut [SimulatedClient],
    jitter: f64,
) -> Result<(), TestCaseError> {
    loop {
        world.finish_all(jitter);
        let answers = world.answer()?;
        world.check_state()?;
        if answers.is_empty() {
            return Ok(());
        }
        for (pid, outcome) in answers {
            if let Some(client) = clients.iter_mut().find(|client| client.pid() == pid) {
                client.on_answer(world, &outcome)?;
            }
        }
    }
}
