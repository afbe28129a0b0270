//! The daemon's answer to a request for its metrics: one JSON object for itself, one for each
//! profile's entry and one for each profile's counters. A client of one release reads the answer of
//! another: unknown fields are ignored, missing ones have their default.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    clock::Timestamp,
    status_report::{DaemonReport, ProfileReport},
};

/// One of the objects; it has one of these fields, the daemon's two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MetricsReport {
    /// The daemon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) daemon: Option<DaemonReport>,
    /// When the daemon was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_at: Option<Timestamp>,
    /// A profile's entry, as `status` reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entry: Option<Box<ProfileReport>>,
    /// A profile's counters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) counts: Option<Counts>,
}

/// The counters of one profile since the daemon's start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Counts {
    /// Its name.
    pub(crate) profile: String,
    /// The requests for its key.
    pub(crate) requests: Vec<RequestCount>,
    /// The fetches, by outcome.
    pub(crate) fetches: BTreeMap<String, u64>,
    /// The probes of its gateway, by result.
    pub(crate) probes: BTreeMap<String, u64>,
    /// The requests that show a 401, by what shows it.
    pub(crate) client_rejections: BTreeMap<String, u64>,
    /// How long the requests took.
    pub(crate) durations: DurationCounts,
}

/// The number of requests of one kind of client with one outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RequestCount {
    /// The client.
    pub(crate) client: String,
    /// `served`, or the state that kept the daemon from it.
    pub(crate) outcome: String,
    /// How many.
    pub(crate) count: u64,
}

/// How long the requests took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct DurationCounts {
    /// Upper bounds in seconds, ascending, each with the requests above the bound before it.
    pub(crate) buckets: Vec<(f64, u64)>,
    /// The sum of all durations in seconds.
    pub(crate) sum_s: f64,
    /// All requests, also those above the last bound.
    pub(crate) count: u64,
}
