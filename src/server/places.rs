//! The places for connections, and which connection gives way if there are too many.
//!
//! A new connection always gets a place, so the daemon never stops accepting: `claviger status`,
//! `claviger stop` and a shim whose key is cached are served at once, however many other
//! connections are open. If there are too many, of one process or in all, the one that gives way is
//! one that has asked for nothing, then one that does not read its answer, then one that has waited
//! longest for a source. Waiting takes no place from those who can be served.
//!
//! Pure: the time is an argument, and what is displaced is returned.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use crate::clock::Tick;

/// How long a connection may be silent while more than half of the places are taken: a shim has its
/// request ready before it connects, and writes it at once.
const SILENCE_IN_A_CROWD: Duration = Duration::from_millis(200);

/// What a connection is doing; the first of these gives way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It has sent nothing.
    Silent,
    /// It has sent a part of its request.
    Asking,
    /// It is being sent its answer.
    Reading,
    /// It has sent its request, which is being answered.
    Waiting,
}

/// The connections that are open, each with its `T`: how it is made to give way.
#[derive(Debug)]
pub(super) struct Places<T> {
    total: usize,
    per_process: usize,
    next: u64,
    taken: BTreeMap<u64, Taken<T>>,
}

#[derive(Debug)]
struct Taken<T> {
    process: Option<u32>,
    phase: Phase,
    since: Tick,
    occupant: T,
}

impl<T> Places<T> {
    /// `total` places in all, and at most `per_process` for one process.
    pub(super) fn new(total: usize, per_process: usize) -> Self {
        Self {
            total,
            per_process,
            next: 0,
            taken: BTreeMap::new(),
        }
    }

    /// Gives a new connection of `process` a place; returns its number, and the connections that
    /// give way.
    pub(super) fn admit(&mut self, now: Tick, process: Option<u32>, occupant: T) -> (u64, Vec<T>) {
        let mut displaced = Vec::new();
        if self.taken.len() > self.total / 2 {
            let is_late = |taken: &Taken<T>| {
                taken.phase == Phase::Silent && now.since(taken.since) >= SILENCE_IN_A_CROWD
            };
            let late = self.taken.extract_if(.., |_, taken| is_late(taken));
            displaced.extend(late.map(|(_, taken)| taken.occupant));
        }
        // Processes without a number may be many.
        if process.is_some() && self.of_process(process) >= self.per_process {
            displaced.extend(self.displace(|taken| taken.process == process));
        }
        if self.taken.len() >= self.total {
            displaced.extend(self.displace(|_| true));
        }
        let id = self.next;
        self.next += 1;
        let taken = Taken {
            process,
            phase: Phase::Silent,
            since: now,
            occupant,
        };
        self.taken.insert(id, taken);
        (id, displaced)
    }

    /// Records what the connection `id` is doing now.
    pub(super) fn enter(&mut self, now: Tick, id: u64, phase: Phase) {
        if let Some(taken) = self.taken.get_mut(&id) {
            taken.phase = phase;
            taken.since = now;
        }
    }

    /// Gives back the place of the connection `id`, which may have given way before.
    pub(super) fn release(&mut self, id: u64) {
        self.taken.remove(&id);
    }

    /// Makes one connection that has not sent its request give way, because the system has no
    /// descriptor for a new one.
    pub(super) fn give_way(&mut self) -> Option<T> {
        self.displace(|taken| taken.phase <= Phase::Asking)
    }

    /// Takes the place from the connection among `candidates` that deserves it least: by its phase,
    /// then by how many its process has, then by how long it has been in the phase.
    fn displace(&mut self, candidates: impl Fn(&Taken<T>) -> bool) -> Option<T> {
        let mut crowds = BTreeMap::<_, usize>::new();
        for taken in self.taken.values() {
            *crowds.entry(taken.process).or_default() += 1;
        }
        let candidates = self.taken.iter().filter(|(_, taken)| candidates(taken));
        let (&id, _) = candidates
            .min_by_key(|(_, taken)| (taken.phase, Reverse(crowds[&taken.process]), taken.since))?;
        self.taken.remove(&id).map(|taken| taken.occupant)
    }

    fn of_process(&self, process: Option<u32>) -> usize {
        let taken = self.taken.values();
        taken.filter(|taken| taken.process == process).count()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Places whose clock advances by a millisecond with each connection.
    struct Scene {
        places: Places<&'static str>,
        now: Tick,
    }

    impl Scene {
        fn new(total: usize, per_process: usize) -> Self {
            Self {
                places: Places::new(total, per_process),
                now: Tick(Duration::from_secs(1)),
            }
        }

        fn admit(&mut self, process: u32, name: &'static str) -> (u64, Vec<&'static str>) {
            self.now = self.now + Duration::from_millis(1);
            self.places.admit(self.now, Some(process), name)
        }

        fn enter(&mut self, id: u64, phase: Phase) {
            self.places.enter(self.now, id, phase);
        }
    }

    #[test]
    fn the_connections_of_one_process_displace_each_other() {
        let mut scene = Scene::new(10, 2);
        let (other, _) = scene.admit(7, "other");
        let (first, _) = scene.admit(1, "first");
        scene.enter(first, Phase::Waiting);
        scene.admit(1, "second");
        // The one that has asked for something stays.
        assert_eq!(scene.admit(1, "third").1, ["second"]);
        scene.places.release(other);
        // A place that is given back is free, also for the process that has its share.
        scene.places.release(first);
        assert!(scene.admit(1, "fourth").1.is_empty());
    }

    #[test]
    fn processes_without_a_number_share_no_limit() {
        let mut places = Places::new(8, 2);
        let now = Tick::default();
        for _ in 0..8 {
            assert!(places.admit(now, None, "unknown").1.is_empty());
        }
        assert_eq!(places.admit(now, None, "one more").1.len(), 1);
    }

    #[test]
    fn the_least_deserving_gives_way_first() {
        let mut scene = Scene::new(6, 3);
        let phases = [
            ("waits", 1, Phase::Waiting),
            ("reads", 2, Phase::Reading),
            ("asks", 3, Phase::Asking),
            ("silent", 4, Phase::Silent),
            ("silent of a crowd", 5, Phase::Silent),
            ("waits in a crowd", 5, Phase::Waiting),
        ];
        for (name, process, phase) in phases {
            let (id, displaced) = scene.admit(process, name);
            assert!(displaced.is_empty());
            scene.enter(id, phase);
        }
        let mut order = Vec::new();
        for process in 6..12 {
            let (id, displaced) = scene.admit(process, "new");
            scene.enter(id, Phase::Waiting);
            order.extend(displaced);
        }
        let expected = [
            "silent of a crowd",
            "silent",
            "asks",
            "reads",
            "waits",
            "waits in a crowd",
        ];
        assert_eq!(order, expected);
    }

    #[test]
    fn silence_is_short_in_a_crowd_only() {
        let mut scene = Scene::new(8, 8);
        for name in ["a", "b", "c", "d"] {
            assert!(scene.admit(1, name).1.is_empty());
        }
        scene.now = scene.now + SILENCE_IN_A_CROWD;
        assert!(scene.admit(2, "half of the places").1.is_empty());
        let (_, mut displaced) = scene.admit(3, "more than half");
        displaced.sort_unstable();
        assert_eq!(displaced, ["a", "b", "c", "d"]);
    }

    #[test]
    fn without_descriptors_only_connections_without_a_request_give_way() {
        let mut scene = Scene::new(8, 8);
        assert_eq!(scene.places.give_way(), None);
        let (waiting, _) = scene.admit(1, "waiting");
        scene.enter(waiting, Phase::Waiting);
        assert_eq!(scene.places.give_way(), None);
        scene.admit(2, "silent");
        assert_eq!(scene.places.give_way(), Some("silent"));
    }

    proptest! {
        #[test]
        fn the_limits_hold_and_the_newest_has_a_place(
            steps in prop::collection::vec((1..4_u32, 0..4_u8, 0..400_u64), 1..200),
        ) {
            let mut places = Places::new(12, 5);
            let mut now = Tick::default();
            for (process, phase, pause) in steps {
                now = now + Duration::from_millis(pause);
                let (id, _) = places.admit(now, Some(process), ());
                prop_assert!(places.taken.contains_key(&id));
                prop_assert!(places.taken.len() <= 12);
                prop_assert!(places.of_process(Some(process)) <= 5);
                let phases = [Phase::Silent, Phase::Asking, Phase::Reading, Phase::Waiting];
                places.enter(now, id, phases[usize::from(phase)]);
            }
        }
    }
}
