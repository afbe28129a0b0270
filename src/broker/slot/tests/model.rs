//! Any sequence of asks, time, rotations, failures and sleeps, against a simple reference.
//!
//! The reference knows only what has landed: the last credential that was obtained, whether a definitive refusal has
//! dropped it since, and which key the gateway has rejected since. Whatever the slot does, it may serve nothing else.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

/// What may happen.
#[derive(Clone, Debug)]
enum Event {
    Acquire {
        pid: u32,
        cache_lifetime: u64,
    },
    Refresh,
    Sleep {
        seconds: u64,
    },
    Wake,
    /// The wall clock is set, by so many seconds.
    SetWall {
        by: i64,
    },
    /// The source gets a new key; the old one may go on being good.
    Rotate {
        revoke: bool,
    },
    SourceBecomes(Source),
    GatewayBecomes {
        up: bool,
    },
    /// The oldest errand that is under way comes to its end.
    Finish,
    Logout,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Up,
    Down,
    Denying,
}

#[derive(Debug)]
struct World {
    now: Now,
    slot: Slot,
    actions: VecDeque<Action>,
    tickets: Vec<Ticket>,
    source: Source,
    gateway_is_up: bool,
    key: u32,
    lifetime: Option<u64>,
    revoked: Vec<String>,
    fetched_at: Vec<Tick>,
    free_fetches: usize,
    // The reference.
    last: Option<Credential>,
    rejected: Option<String>,
}

impl World {
    fn new(lifetime: Option<u64>, watch: bool) -> Self {
        Self {
            now: at(0),
            slot: Slot::new(SlotConfig {
                watch: watch.then_some(Duration::from_secs(30)),
                has_gateway: true,
            }),
            actions: VecDeque::new(),
            tickets: Vec::new(),
            source: Source::Up,
            gateway_is_up: true,
            key: 1,
            lifetime,
            revoked: Vec::new(),
            fetched_at: Vec::new(),
            free_fetches: 0,
            last: None,
            rejected: None,
        }
    }

    fn key_name(&self) -> String {
        format!("k{}", self.key)
    }

    fn happen(&mut self, event: Event, jitter: f64) {
        match event {
            Event::Acquire {
                pid,
                cache_lifetime,
            } => {
                let ask = AcquireRequest {
                    cache_lifetime: Duration::from_secs(cache_lifetime),
                    session: Some(ClientSession { pid, started: 0 }),
                };
                self.tickets.push(self.slot.acquire(self.now, ask));
            }
            Event::Refresh => {
                self.free_fetches += 1;
                self.tickets.push(self.slot.refresh());
            }
            Event::Sleep { seconds } => {
                let by = Duration::from_secs(seconds);
                self.now.tick = self.now.tick + by;
                self.now.wall = self.now.wall.saturating_add(by).unwrap();
            }
            Event::Wake => self.slot.on_timer(self.now),
            Event::SetWall { by } => {
                let by = jiff::SignedDuration::from_secs(by);
                self.now.wall = self.now.wall.saturating_add(by).unwrap();
            }
            Event::Rotate { revoke } => {
                if revoke {
                    self.revoked.push(self.key_name());
                }
                self.key += 1;
                // A look may find it, and a rejection may want it.
                self.free_fetches += 2;
            }
            Event::SourceBecomes(source) => self.source = source,
            Event::GatewayBecomes { up } => {
                self.gateway_is_up = up;
            }
            Event::Finish => self.finish(jitter),
            Event::Logout => {
                self.slot.forget();
                self.free_fetches += 1;
                self.last = None;
                self.rejected = None;
            }
        }
        for action in self.slot.take_actions() {
            if matches!(action, Action::Fetch { .. }) {
                self.fetched_at.push(self.now.tick);
            }
            self.actions.push_back(action);
        }
    }

    fn finish(&mut self, jitter: f64) {
        match self.actions.pop_front() {
            None => {}
            Some(Action::Fetch { flight, .. }) => {
                let is_wanted = self.slot.flight.current() == Some(flight);
                let result = match self.source {
                    Source::Up => Ok(key(&self.key_name(), self.now, self.lifetime)),
                    Source::Down => Err(down()),
                    Source::Denying => Err(denied()),
                };
                if is_wanted {
                    match &result {
                        Ok(credential) => {
                            if self.rejected.as_deref() != Some(credential.secret.expose()) {
                                self.rejected = None;
                            }
                            self.last = Some(credential.clone());
                        }
                        Err(error) if error.is_final() => {
                            self.last = None;
                            self.rejected = None;
                        }
                        Err(_) => {}
                    }
                }
                self.slot.on_fetched(self.now, jitter, flight, result);
            }
            Some(Action::Probe { probe, credential }) => {
                let name = credential.secret.expose().to_owned();
                let result = match (self.gateway_is_up, self.revoked.contains(&name)) {
                    (false, _) => ProbeResult::Inconclusive("answered 503".to_owned()),
                    (true, true) => ProbeResult::Rejected,
                    (true, false) => ProbeResult::Accepted,
                };
                let is_wanted = !self.slot.probe.is_finished(probe);
                if is_wanted && result == ProbeResult::Rejected {
                    self.free_fetches += 1;
                    self.rejected = Some(name);
                } else if is_wanted && result == ProbeResult::Accepted {
                    self.rejected = None;
                }
                self.slot.on_probed(self.now, probe, result);
            }
            Some(Action::Revalidate {
                revalidation,
                credential,
            }) => {
                let is_wanted = !self.slot.watch.is_finished(revalidation);
                let result = match self.source {
                    Source::Up if credential.secret.expose() == self.key_name() => {
                        Ok(Freshness::Fresh)
                    }
                    Source::Up => Ok(Freshness::Stale),
                    Source::Down => Err(down()),
                    Source::Denying => Err(denied()),
                };
                if is_wanted && result == Err(denied()) {
                    self.last = None;
                    self.rejected = None;
                }
                if is_wanted && result == Ok(Freshness::Stale) {
                    self.free_fetches += 1;
                }
                self.slot
                    .on_revalidated(self.now, jitter, revalidation, result);
            }
        }
    }

    /// What holds at every moment.
    fn check(&mut self) -> Result<(), TestCaseError> {
        let fetches = self.actions.iter().filter(|action| match action {
            Action::Fetch { flight, .. } => self.slot.flight.current() == Some(*flight),
            _ => false,
        });
        prop_assert!(fetches.count() <= 1, "two flights at once");

        let waiting = mem::take(&mut self.tickets);
        for ticket in waiting {
            match self.slot.poll(self.now, ticket) {
                Outcome::Ready(credential) => {
                    prop_assert_eq!(Some(&*credential), self.last.as_ref(), "not the last one");
                    prop_assert!(!credential.is_expired(self.now), "served past its expiry");
                    let is_rejected = self.rejected.as_deref() == Some(credential.secret.expose());
                    prop_assert!(!is_rejected, "served although it was rejected");
                }
                Outcome::Failed(_) => {
                    let is_alive = self
                        .last
                        .as_ref()
                        .is_some_and(|last| !last.is_expired(self.now));
                    prop_assert!(
                        !is_alive || self.rejected.is_some(),
                        "refused although there is one"
                    );
                }
                Outcome::Pending(again_at) => {
                    prop_assert!(
                        !self.actions.is_empty() || again_at.is_some(),
                        "waits for nothing"
                    );
                    self.tickets.push(ticket);
                }
            }
        }

        if let Some(held) = self.slot.valid(self.now)
            && let Some(left) = held.credential.remaining(self.now)
        {
            let renewal = self.slot.renewal_due(self.now, held);
            prop_assert!(
                renewal.unwrap() < self.now.tick + left,
                "scheduled past its expiry"
            );
        }
        Ok(())
    }
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0u32..4, prop::sample::select(vec![0u64, 1, 300, 3600]))
            .prop_map(|(pid, cache_lifetime)| Event::Acquire { pid, cache_lifetime }),
        12 => Just(Event::Finish),
        6 => Just(Event::Wake),
        6 => (0u64..5).prop_map(|seconds| Event::Sleep { seconds }),
        3 => (0u64..2000).prop_map(|seconds| Event::Sleep { seconds }),
        1 => (-100_000i64..100_000).prop_map(|by| Event::SetWall { by }),
        2 => any::<bool>().prop_map(|revoke| Event::Rotate { revoke }),
        2 => prop::sample::select(vec![Source::Up, Source::Up, Source::Down, Source::Denying])
            .prop_map(Event::SourceBecomes),
        1 => any::<bool>().prop_map(|up| Event::GatewayBecomes { up }),
        1 => Just(Event::Refresh),
        1 => Just(Event::Logout),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_happens_only_what_is_good_is_served(
        events in prop::collection::vec((event(), 0.0..1.0f64), 0..200),
        lifetime in prop::sample::select(vec![None, Some(2), Some(300), Some(3600), Some(86_400)]),
        watch: bool,
    ) {
        let mut world = World::new(lifetime, watch);
        for (event, jitter) in events {
            world.happen(event, jitter);
            world.check()?;
        }
    }

    /// However clients ask, a source that fails or has nothing new is asked no more than once a second, and what is
    /// asked beyond that has a reason that happened: a refresh, a rotation, a rejection, a logout.
    #[test]
    fn fetches_are_bounded_for_every_sequence_of_asks(
        events in prop::collection::vec((event(), 0.0..1.0f64), 0..300),
        lifetime in prop::sample::select(vec![None, Some(300), Some(3600)]),
    ) {
        let mut world = World::new(lifetime, true);
        for (event, jitter) in events {
            world.happen(event, jitter);
            world.happen(Event::Finish, jitter);
            world.happen(Event::Finish, jitter);
        }
        let mut busiest = 0;
        for (index, start) in world.fetched_at.iter().enumerate() {
            let within = world.fetched_at[index..]
                .iter()
                .take_while(|at| at.since(*start) < Duration::from_secs(60))
                .count();
            busiest = busiest.max(within);
        }
        prop_assert!(busiest <= 61 + world.free_fetches, "{busiest} in a minute");
    }

    /// A schedule kept by waking exactly when due never lets a credential in use expire.
    #[test]
    fn in_use_it_is_renewed_in_time(lifetime in 20u64..100_000, draws in prop::collection::vec(0.0..1.0f64, 20)) {
        let mut world = World::new(Some(lifetime), false);
        let ask = Event::Acquire { pid: 1, cache_lifetime: 300 };
        world.happen(ask.clone(), 0.5);
        world.happen(Event::Finish, draws[0]);
        for jitter in draws {
            // A client that keeps asking.
            world.happen(ask.clone(), jitter);
            while !world.actions.is_empty() {
                world.happen(Event::Finish, jitter);
            }
            world.check()?;
            let due = world.slot.next_deadline(world.now);
            prop_assert!(due.is_some());
            let seconds = due.unwrap().since(world.now.tick).as_secs().min(800) + 1;
            world.happen(Event::Sleep { seconds }, jitter);
            prop_assert!(world.slot.valid(world.now).is_some(), "expired in use");
            world.happen(Event::Wake, jitter);
        }
    }
}
