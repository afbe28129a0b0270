//! From the daemon's reports to text: OpenMetrics 1.0, or the classic text format of Prometheus,
//! the only one that node-exporter's textfile collector reads.

use std::fmt;

use prometheus_client::{
    encoding::{prometheus_text, text},
    registry::Registry,
};

use super::{
    family,
    report::{Counts, MetricsReport},
    samples::{Labels, Samples},
};
use crate::{
    clock::Timestamp,
    status_report::{DaemonReport, PolicyReport, PolicyStanding, ProfileReport, ProfileState},
};

/// The metrics of one daemon, or of those of several users.
#[derive(Debug, Default)]
pub(crate) struct Exposition(Samples);

impl Exposition {
    /// Adds that no daemon answers. `user` is the label of `--all-users`.
    pub(crate) fn add_absent(&mut self, user: Option<&str>) {
        self.0.gauge(family::UP, of_user(user), 0);
    }

    /// Adds a daemon's reports.
    pub(crate) fn add(&mut self, user: Option<&str>, reports: Vec<MetricsReport>) {
        self.0.gauge(family::UP, of_user(user), 1);
        for report in reports {
            if let Some(daemon) = &report.daemon {
                self.add_daemon(user, daemon, report.started_at);
            }
            if let Some(entry) = &report.entry {
                self.add_entry(user, entry);
            }
            if let Some(counts) = report.counts {
                self.add_counts(user, counts);
            }
        }
    }

    /// The text as OpenMetrics.
    ///
    /// # Errors
    ///
    /// None: writing to a string cannot fail.
    pub(crate) fn open_metrics(self) -> Result<String, fmt::Error> {
        let mut written = String::new();
        text::encode(&mut written, &self.registry())?;
        Ok(written)
    }

    /// The classic text.
    ///
    /// # Errors
    ///
    /// None: writing to a string cannot fail.
    pub(crate) fn classic(self) -> Result<String, fmt::Error> {
        let mut written = String::new();
        prometheus_text::encode(&mut written, &self.registry())?;
        Ok(written)
    }

    fn registry(self) -> Registry {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self.0));
        registry
    }

    fn add_daemon(
        &mut self,
        user: Option<&str>,
        daemon: &DaemonReport,
        started_at: Option<Timestamp>,
    ) {
        let mut labels = of_user(user);
        labels.push(("version", daemon.version.clone()));
        self.0.gauge(family::BUILD_INFO, labels, 1);
        let is_invalid = i64::from(daemon.config_error.is_some());
        self.0
            .gauge(family::CONFIG_ERROR, of_user(user), is_invalid);
        for (family, count) in [
            (family::AUDIT_RECORDS, daemon.audit_records),
            (family::AUDIT_LOST, daemon.audit_lost),
        ] {
            self.0.counter(family, of_user(user), count);
        }
        if let Some(policy) = &daemon.policy {
            self.add_policy(user, policy);
        }
        if let Some(at) = started_at {
            self.0
                .gauge(family::START_TIME, of_user(user), at.as_second());
        }
    }

    fn add_policy(&mut self, user: Option<&str>, policy: &PolicyReport) {
        // It is at most 2^53 - 1.
        let counter = policy.counter.and_then(|counter| counter.try_into().ok());
        let is_in_force = policy.state == PolicyStanding::InForce;
        for (family, value) in [
            (family::POLICY_COUNTER, counter),
            (
                family::POLICY_SEEN,
                policy.seen_at.map(Timestamp::as_second),
            ),
            (family::POLICY_IN_FORCE, Some(i64::from(is_in_force))),
            (
                family::POLICY_ERROR,
                Some(i64::from(policy.error.is_some())),
            ),
        ] {
            if let Some(value) = value {
                self.0.gauge(family, of_user(user), value);
            }
        }
    }

    fn add_entry(&mut self, user: Option<&str>, entry: &ProfileReport) {
        let mut of_entry = of_profile(user, &entry.name);
        // Entries of one profile differ in the values of the client's variables.
        let variables = entry.variables.as_ref();
        of_entry.extend(variables.map(|of| ("variables", of.fingerprint.clone())));
        for state in ProfileState::KNOWN {
            let mut labels = of_entry.clone();
            labels.push(("state", state.to_string()));
            let is_current = i64::from(entry.state == state);
            self.0.gauge(family::PROFILE_STATE, labels, is_current);
        }
        let code = i64::from(entry.error_code.unwrap_or_default());
        self.0
            .gauge(family::PROFILE_ERROR_CODE, of_entry.clone(), code);
        if let Some(fingerprint) = &entry.fingerprint {
            let mut labels = of_entry.clone();
            labels.push(("source", entry.source.clone()));
            labels.push(("fingerprint", fingerprint.clone()));
            labels.extend(
                entry
                    .version
                    .map(|version| ("version", version.to_string())),
            );
            self.0.gauge(family::CREDENTIAL_INFO, labels, 1);
        }
        let login = entry.login.as_ref();
        for (family, at) in [
            (family::CREDENTIAL_ISSUED, entry.issued_at),
            (family::CREDENTIAL_EXPIRY, entry.expires_at),
            (family::CREDENTIAL_SEEN_CURRENT, entry.seen_current_at),
            (
                family::LOGIN_EXPIRY,
                login.and_then(|login| login.expires_at),
            ),
        ] {
            if let Some(at) = at {
                self.0.gauge(family, of_entry.clone(), at.as_second());
            }
        }
    }

    fn add_counts(&mut self, user: Option<&str>, counts: Counts) {
        let labels = of_profile(user, &counts.profile);
        for request in counts.requests {
            let mut labels = labels.clone();
            labels.push(("client", request.client));
            labels.push(("outcome", request.outcome));
            self.0.counter(family::REQUESTS, labels, request.count);
        }
        for (family, label, counts) in [
            (family::FETCHES, "outcome", counts.fetches),
            (family::PROBES, "result", counts.probes),
            (
                family::CLIENT_REJECTIONS,
                "evidence",
                counts.client_rejections,
            ),
        ] {
            for (value, count) in counts {
                let mut labels = labels.clone();
                labels.push((label, value));
                self.0.counter(family, labels, count);
            }
        }
        self.0
            .histogram(family::REQUEST_DURATION, labels, counts.durations);
    }
}

fn of_user(user: Option<&str>) -> Labels {
    user.map(|user| ("user", user.to_owned()))
        .into_iter()
        .collect()
}

fn of_profile(user: Option<&str>, profile: &str) -> Labels {
    let mut labels = of_user(user);
    labels.push(("profile", profile.to_owned()));
    labels
}

#[cfg(test)]
mod tests;
