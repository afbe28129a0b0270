//! Remedies for problems of the setup, each by the rule that finds the problem.
//!
//! Pure functions of what is configured and of what the broker and the gateway report. Each one
//! returns a sentence: the problem, then the one thing to do about it.

mod client;
mod key;
mod probe;

use crate::{
    broker::slot::Snapshot, clock::Timestamp, config::ProfileConfig, gateway::Calibration,
    status_report::UserLoginReport,
};

/// What the rules know.
pub(super) struct Facts<'f> {
    /// The profile's name.
    pub(super) name: &'f str,
    /// Its configuration.
    pub(super) profile: &'f ProfileConfig,
    /// Its credential.
    pub(super) snapshot: &'f Snapshot,
    /// What its gateway is known to do; `None` if it is not probed.
    pub(super) calibration: Option<Calibration>,
    /// The user's login at its source, if there is one.
    pub(super) login: Option<&'f UserLoginReport>,
    /// [`Config::ask_administrator`](crate::config::Config::ask_administrator).
    pub(super) administrator: Option<String>,
    /// The time of the report.
    pub(super) now: Timestamp,
}

impl Facts<'_> {
    /// `remedy`, unless only an administrator can change the configuration.
    fn by_administrator(&self, remedy: impl Into<String>) -> String {
        self.administrator.clone().unwrap_or_else(|| remedy.into())
    }
}

/// The advice for a profile, the most urgent first. The remedy for the last error is not part of
/// it.
pub(super) fn of(facts: &Facts<'_>) -> Vec<String> {
    [
        facts.login.and_then(|login| login.warning.clone()),
        key::waiting_successor(facts),
        key::is_ageing(facts),
        probe::proves_nothing(facts),
        client::short_lifetime(facts),
        client::unusual_rejection(facts),
        client::short_cache_lifetime(facts),
        probe::forbidden_route(facts),
        probe::there_is_none(facts),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests;
