//! `claviger doctor`: finds what a roll-out is usually broken by.
//!
//! One folder for each [`Family`](finding::Family) of checks. In each, `observe` reads files or
//! asks servers and returns plain facts, and each check is a pure function of the facts that
//! returns a [`Finding`](finding::Finding) if something is wrong. So a check is tested by a table
//! of facts, and the observation once, with the real thing.
//!
//! [`CHECKS`] is the list of all checks: a report says what was checked, and the tests demand a
//! line of the README and facts of both kinds for each.

pub(crate) mod check;
mod client;
mod environment;
pub(crate) mod finding;
mod gateway;
mod key_life;
mod machine;
mod network;
mod redact;
pub(crate) mod report;
mod source;
#[cfg(test)]
mod tests;

use claviger_wire::Failure;

pub(crate) use self::redact::without_credentials;
use self::{check::Check, report::Report};
use crate::{
    clock::Clock,
    config::{self, Config, ConfigError, Locations},
    environment::Account,
    paths::Places,
};

/// The checks of each family, in the order in which they run: causes before their consequences.
pub(crate) const CHECKS: [&[Check]; 5] = [
    machine::CHECKS,
    client::CHECKS,
    network::CHECKS,
    source::CHECKS,
    gateway::CHECKS,
];

/// What all families of checks start from.
pub(crate) struct Context<'a> {
    /// The user's entry in the user database.
    pub(crate) account: Option<&'a Account>,
    /// The daemon's places, or why they are not known.
    pub(crate) places: Result<&'a Places, &'a Failure>,
    /// The files that may contain the configuration.
    pub(crate) locations: &'a Locations,
    /// The configuration, or why there is none.
    pub(crate) config: Result<&'a Config, &'a ConfigError>,
    /// The only profile to examine; all if absent.
    pub(crate) profile: Option<&'a str>,
    /// Whether a daemon may be started if none runs, as every shim does.
    pub(crate) may_start: bool,
    /// Whether a message may be sent through the gateway, which costs a few tokens.
    pub(crate) may_send_message: bool,
    /// The time.
    pub(crate) clock: &'a dyn Clock,
    /// Called with what a check does now, such as "asking 'vault.example.com'".
    pub(crate) progress: &'a dyn Fn(&str),
}

impl Context<'_> {
    /// The names of the profiles to examine; none without a configuration.
    pub(crate) fn profiles(&self) -> impl Iterator<Item = &str> {
        let config = self.config.ok();
        let all = config.into_iter().flat_map(|config| config.profiles.keys());
        all.map(String::as_str)
            .filter(|name| self.profile.is_none_or(|only| only == *name))
    }
}

/// Runs every check.
pub(crate) async fn examine(context: &Context<'_>) -> Report {
    // First: the checks of the sources start a daemon.
    let mut findings = machine::check(context).await;
    // The clients' settings must suit the keys.
    let obtained = source::check(context);
    findings.extend(client::check(context, obtained.lives));
    findings.extend(network::check(context).await);
    findings.extend(obtained.findings);
    findings.extend(gateway::check(context, &obtained.keys).await);
    let mut checklist = Vec::new();
    if let Ok(config) = context.config {
        for profile in context.profiles() {
            for entry in config::checklist(config, profile) {
                // Two profiles with one gateway need it once.
                if !checklist.contains(&entry) {
                    checklist.push(entry);
                }
            }
        }
    }
    let checked = CHECKS.iter().flat_map(|family| family.iter());
    let checked = checked.map(|check| check.id.to_owned()).collect();
    Report::new(context.clock.now().wall, checked, findings, checklist)
}
