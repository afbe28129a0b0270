//! The counters of one profile, in the daemon. They start at zero with the daemon, outlive a change
//! of the profile, and vanish with it. No label's value comes from a client, so that the number of
//! series is bounded.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use super::report::{Counts, DurationCounts, RequestCount};
use crate::{client_kind::ClientKind, sync};

/// The upper bounds of the duration's buckets in seconds. A warm request takes a millisecond, one
/// that waits for the source a second at most, and a client gives up after eight.
const BOUNDS: [f64; 8] = [0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 8.0];

/// The outcome of a fetch that has brought a credential.
const OBTAINED: &str = "obtained";

/// What shows that the gateway has rejected a client's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// The client says so.
    Stated,
    /// The client asks again before its cache lifetime is over.
    Inferred,
}

/// The counters of one profile.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    requests: BTreeMap<(&'static str, &'static str), u64>,
    fetches: BTreeMap<String, u64>,
    probes: BTreeMap<String, u64>,
    client_rejections: BTreeMap<String, u64>,
    buckets: [u64; BOUNDS.len()],
    duration: Duration,
}

impl Counters {
    /// Counts a client's request for the key, which had this outcome after `duration`.
    pub(crate) fn on_request(&self, client: ClientKind, outcome: &'static str, duration: Duration) {
        let mut counted = self.lock();
        *counted
            .requests
            .entry((client.name(), outcome))
            .or_default() += 1;
        counted.duration += duration;
        let seconds = duration.as_secs_f64();
        if let Some(bucket) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            counted.buckets[bucket] += 1;
        }
    }

    /// Counts a fetch: it has brought a credential, or failed with what leads to `state`.
    pub(crate) fn on_fetch(&self, state: Result<(), String>) {
        let outcome = state.map_or_else(|state| state, |()| OBTAINED.to_owned());
        *self.lock().fetches.entry(outcome).or_default() += 1;
    }

    /// Counts a probe of the gateway.
    pub(crate) fn on_probe(&self, result: &'static str) {
        let mut counted = self.lock();
        *counted.probes.entry(result.to_owned()).or_default() += 1;
    }

    /// Counts a request that shows a 401.
    pub(crate) fn on_client_rejection(&self, rejection: Rejection) {
        let evidence = match rejection {
            Rejection::Stated => "stated",
            Rejection::Inferred => "inferred",
        };
        let mut counted = self.lock();
        *counted
            .client_rejections
            .entry(evidence.to_owned())
            .or_default() += 1;
    }

    /// Returns the counts, as those of `profile`.
    #[must_use]
    pub(crate) fn counts(&self, profile: &str) -> Counts {
        let counted = self.lock();
        let requests = counted.requests.iter();
        let requests: Vec<_> = requests
            .map(|((client, outcome), count)| RequestCount {
                client: (*client).to_owned(),
                outcome: (*outcome).to_owned(),
                count: *count,
            })
            .collect();
        Counts {
            profile: profile.to_owned(),
            durations: DurationCounts {
                buckets: BOUNDS.into_iter().zip(counted.buckets).collect(),
                sum_s: counted.duration.as_secs_f64(),
                count: requests.iter().map(|request| request.count).sum(),
            },
            requests,
            fetches: counted.fetches.clone(),
            probes: counted.probes.clone(),
            client_rejections: counted.client_rejections.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        sync::lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_client_and_outcome() {
        let counters = Counters::default();
        let ms = Duration::from_millis;
        counters.on_request(ClientKind::ClaudeCode, "served", ms(1));
        counters.on_request(ClientKind::ClaudeCode, "served", ms(60));
        counters.on_request(ClientKind::Codex, "login-required", ms(9_000));
        let counts = counters.counts("p");
        let found: Vec<_> = counts
            .requests
            .iter()
            .map(|of| (of.client.as_str(), of.outcome.as_str(), of.count))
            .collect();
        let expected = [("claude-code", "served", 2), ("codex", "login-required", 1)];
        assert_eq!(found, expected);
        // The last one is above every bound.
        let DurationCounts {
            buckets,
            sum_s,
            count,
        } = counts.durations;
        let filled: Vec<_> = buckets
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!((filled, count), (vec![(0.001, 1), (0.1, 1)], 3));
        assert!((sum_s - 9.061).abs() < 1e-9, "{sum_s}");
    }

    #[test]
    fn fetches_probes_and_rejections_are_counted() {
        let counters = Counters::default();
        counters.on_fetch(Ok(()));
        counters.on_fetch(Err("denied".to_owned()));
        counters.on_fetch(Err("denied".to_owned()));
        counters.on_probe("rejected");
        counters.on_client_rejection(Rejection::Stated);
        counters.on_client_rejection(Rejection::Inferred);
        let counts = counters.counts("p");
        let of = |map: &BTreeMap<String, u64>, name: &str| map.get(name).copied();
        assert_eq!(of(&counts.fetches, "obtained"), Some(1));
        assert_eq!(of(&counts.fetches, "denied"), Some(2));
        assert_eq!(of(&counts.probes, "rejected"), Some(1));
        assert_eq!(counts.client_rejections.len(), 2);
    }
}
