//! The names of the metrics, each with its help and type. They are a contract: dashboards and alert
//! rules name them. `tests/architecture` compares them with the README and `packaging/monitoring`.

use prometheus_client::metrics::MetricType;

/// A metric family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    /// The name; that of a counter without `_total`, which the encoder adds.
    pub(super) name: &'static str,
    /// What it measures.
    pub(super) help: &'static str,
    /// The type. There is no `info`: Prometheus' own text format lacks it.
    pub(super) kind: MetricType,
}

impl Family {
    const fn gauge(name: &'static str, help: &'static str) -> Self {
        let kind = MetricType::Gauge;
        Self { name, help, kind }
    }

    const fn counter(name: &'static str, help: &'static str) -> Self {
        let kind = MetricType::Counter;
        Self { name, help, kind }
    }

    const fn histogram(name: &'static str, help: &'static str) -> Self {
        let kind = MetricType::Histogram;
        Self { name, help, kind }
    }
}

pub(super) const UP: Family = Family::gauge("claviger_up", "Whether a daemon answers");
pub(super) const BUILD_INFO: Family =
    Family::gauge("claviger_build_info", "The version of the daemon");
pub(super) const START_TIME: Family = Family::gauge(
    "claviger_daemon_start_time_seconds",
    "When the daemon was started",
);
pub(super) const CONFIG_ERROR: Family = Family::gauge(
    "claviger_config_error",
    "Whether the current configuration file is invalid",
);
pub(super) const AUDIT_RECORDS: Family =
    Family::counter("claviger_audit_records", "Records in the audit log");
pub(super) const AUDIT_LOST: Family = Family::counter(
    "claviger_audit_lost",
    "Records that could not be written to the audit log",
);
pub(super) const POLICY_COUNTER: Family = Family::gauge(
    "claviger_policy_counter",
    "The counter of the last good central policy",
);
pub(super) const POLICY_IN_FORCE: Family = Family::gauge(
    "claviger_policy_in_force",
    "Whether the last good central policy counts; 0 if there is none or it is too old",
);
pub(super) const POLICY_SEEN: Family = Family::gauge(
    "claviger_policy_seen_timestamp_seconds",
    "When the last good central policy was last seen to be the published one",
);
pub(super) const POLICY_ERROR: Family = Family::gauge(
    "claviger_policy_error",
    "Whether the last look for a newer central policy failed, or found one that is refused",
);
pub(super) const PROFILE_STATE: Family = Family::gauge(
    "claviger_profile_state",
    "The state of a profile: 1 for the current one, 0 for the others",
);
pub(super) const PROFILE_ERROR_CODE: Family = Family::gauge(
    "claviger_profile_error_code",
    "The exit code of a request for the key now; 0 if a key is served",
);
pub(super) const CREDENTIAL_INFO: Family = Family::gauge(
    "claviger_credential_info",
    "The cached key: its fingerprint, and its version at the source",
);
pub(super) const CREDENTIAL_ISSUED: Family = Family::gauge(
    "claviger_credential_issued_timestamp_seconds",
    "When the cached key was issued",
);
pub(super) const CREDENTIAL_EXPIRY: Family = Family::gauge(
    "claviger_credential_expiry_timestamp_seconds",
    "When the cached key expires",
);
pub(super) const CREDENTIAL_SEEN_CURRENT: Family = Family::gauge(
    "claviger_credential_seen_current_timestamp_seconds",
    "When the source was last seen to have the cached key",
);
pub(super) const LOGIN_EXPIRY: Family = Family::gauge(
    "claviger_login_expiry_timestamp_seconds",
    "When the user must sign in again at the latest",
);
pub(super) const REQUESTS: Family = Family::counter(
    "claviger_requests",
    "Requests for a key, by client and outcome",
);
pub(super) const FETCHES: Family =
    Family::counter("claviger_fetches", "Requests to the source, by outcome");
pub(super) const PROBES: Family =
    Family::counter("claviger_probes", "Probes of the gateway, by result");
pub(super) const CLIENT_REJECTIONS: Family = Family::counter(
    "claviger_client_rejections",
    "Requests of clients that have met a 401: stated by the client, or inferred",
);
pub(super) const REQUEST_DURATION: Family = Family::histogram(
    "claviger_request_duration_seconds",
    "How long requests for a key took",
);
