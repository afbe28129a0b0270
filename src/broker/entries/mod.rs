//! The entries of one profile: a credential for each set of values of the variables that the
//! profile needs of a client's environment. A profile that needs none has one entry.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use super::{
    Jitter, Observer, RouteBuilder,
    driver::Driver,
    slot::{RotateAfter, Snapshot},
};
use crate::{
    client_variables::{ClientVariables, VariablesHash, VariablesSummary},
    clock::{Clock, Tick},
    gateway::Calibration,
    lock::Lock,
    metrics::Counters,
    source::Source,
    sync,
};

/// The most entries of one profile: more than one user's terminals have different values at once. A
/// client whose values differ each time must not fill the memory.
pub(super) const MAX_ENTRIES: usize = 64;

/// The entries of one profile.
pub(super) struct Entries {
    /// The profile's name, for the log.
    profile: String,
    routes: RouteBuilder,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
    lock: Arc<Lock>,
    counters: Arc<Counters>,
    observer: Arc<dyn Observer>,
    entries: Mutex<BTreeMap<VariablesHash, Entry>>,
    /// The latest central rotation.
    rotation: Mutex<Option<RotateAfter>>,
}

struct Entry {
    driver: Arc<Driver>,
    variables: VariablesSummary,
    last_used: Tick,
}

/// What `status` reports about one entry.
pub(crate) struct EntrySnapshot {
    /// The variables that it is for.
    pub(crate) variables: VariablesSummary,
    /// The state of its slot.
    pub(crate) snapshot: Snapshot,
    /// Whether the answers of the gateway are reliable; `None` if there is none to probe.
    pub(crate) calibration: Option<Calibration>,
    /// Its source.
    pub(crate) source: Arc<dyn Source>,
}

impl Entries {
    /// No entries yet: each is created at its first use.
    pub(super) fn new(
        profile: &str,
        routes: RouteBuilder,
        clock: &Arc<dyn Clock>,
        jitter: &Jitter,
        lock: &Arc<Lock>,
        counters: Arc<Counters>,
        observer: Arc<dyn Observer>,
    ) -> Arc<Self> {
        Arc::new(Self {
            profile: profile.to_owned(),
            routes,
            clock: Arc::clone(clock),
            jitter: Arc::clone(jitter),
            lock: Arc::clone(lock),
            counters,
            observer,
            entries: Mutex::default(),
            rotation: Mutex::default(),
        })
    }

    /// The entry for `variables`. If it is a new one and there are too many, another one is
    /// dropped: the least recently used idle one, or if none is idle, the least recently used one.
    /// Callers that wait for that one are still answered.
    pub(super) fn get(&self, variables: &ClientVariables) -> Arc<Driver> {
        let now = self.clock.now();
        let hash = variables.hash();
        let mut entries = self.lock();
        if let Some(entry) = entries.get_mut(&hash) {
            entry.last_used = now.tick;
            return Arc::clone(&entry.driver);
        }
        if entries.len() >= MAX_ENTRIES {
            let order = |entry: &Entry| (!entry.driver.lock().is_idle(now), entry.last_used);
            let victim = entries.iter().min_by_key(|(_, entry)| order(entry));
            let victim = victim.map(|(hash, _)| *hash);
            victim.map(|hash| entries.remove(&hash));
        }
        let entry = self.entry(variables, now.tick);
        let driver = Arc::clone(&entry.driver);
        entries.insert(hash, entry);
        driver
    }

    /// Whether there is an entry.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Rejects what was issued before `rotation`, in all entries and those to come.
    pub(super) fn rotate_after(&self, rotation: Option<RotateAfter>) {
        // Each request sets it again.
        if mem::replace(&mut *sync::lock(&self.rotation), rotation) == rotation {
            return;
        }
        let now = self.clock.now();
        for driver in self.all() {
            driver.update(|slot| slot.rotate_after(now, rotation));
        }
    }

    /// All entries.
    pub(super) fn all(&self) -> Vec<Arc<Driver>> {
        let entries = self.lock();
        let drivers = entries.values().map(|entry| Arc::clone(&entry.driver));
        drivers.collect()
    }

    /// The counters of the profile.
    pub(super) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// The sources of all entries, and that of an unused one.
    pub(super) fn sources(&self) -> Vec<Arc<dyn Source>> {
        let unused = self.routes.build(&ClientVariables::default()).source;
        let used = self.all().into_iter();
        used.map(|driver| Arc::clone(&driver.route.source))
            .chain([unused])
            .collect()
    }

    /// Removes all entries and returns them; an unused one if there are none: the source may have a
    /// login all the same.
    pub(super) fn take(&self) -> Vec<Arc<Driver>> {
        let mut drivers = self.remove_all();
        if drivers.is_empty() {
            let unused = self.entry(&ClientVariables::default(), self.clock.now().tick);
            drivers.push(unused.driver);
        }
        drivers
    }

    /// Removes all entries and returns them.
    pub(super) fn remove_all(&self) -> Vec<Arc<Driver>> {
        let entries = mem::take(&mut *self.lock());
        entries.into_values().map(|entry| entry.driver).collect()
    }

    /// Removes the entries that have not been used for `limit` and returns them.
    pub(super) fn remove_unused(&self, now: Tick, limit: Duration) -> Vec<Arc<Driver>> {
        let is_unused = |entry: &Entry| {
            let unused_at = entry.driver.lock().unused_at(limit);
            unused_at.is_some_and(|at| at <= now)
        };
        let mut entries = self.lock();
        let unused = entries.extract_if(.., |_, entry| is_unused(entry));
        unused.map(|(_, entry)| entry.driver).collect()
    }

    /// The state of each entry; that of an unused one if there are none.
    pub(super) fn snapshots(&self) -> Vec<EntrySnapshot> {
        let now = self.clock.now();
        let snapshot = |entry: &Entry| EntrySnapshot {
            variables: entry.variables.clone(),
            snapshot: entry.driver.lock().snapshot(now),
            calibration: entry.driver.calibration(),
            source: Arc::clone(&entry.driver.route.source),
        };
        let entries = self.lock();
        if entries.is_empty() {
            return vec![snapshot(&self.entry(&ClientVariables::default(), now.tick))];
        }
        entries.values().map(snapshot).collect()
    }

    fn entry(&self, variables: &ClientVariables, now: Tick) -> Entry {
        let route = self.routes.build(variables);
        let driver = Driver::new(
            &self.profile,
            route,
            &self.clock,
            &self.jitter,
            &self.lock,
            &self.counters,
            &self.observer,
        );
        let rotation = *sync::lock(&self.rotation);
        driver.lock().rotate_after(self.clock.now(), rotation);
        Entry {
            driver,
            variables: variables.summary(),
            last_used: now,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<VariablesHash, Entry>> {
        sync::lock(&self.entries)
    }
}

#[cfg(test)]
mod tests;
