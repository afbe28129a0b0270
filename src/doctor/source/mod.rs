//! Where keys come from: the daemon is asked for each profile's key, as a client would ask it, and
//! then for its status.

mod checks;
mod daemon;
mod failure;
mod status;

use std::collections::BTreeMap;

pub(crate) use self::checks::CHECKS;
use self::daemon::Asked;
use super::{Context, finding::Finding, key_life::KeyLife};
use crate::{secret::Secret, status_report::ProfileState};

/// What the checks found, and the keys that were obtained on the way, by profile.
pub(super) struct Obtained {
    pub(super) findings: Vec<Finding>,
    pub(super) keys: Vec<(String, Secret)>,
    /// How long they are valid, where the daemon knows it.
    pub(super) lives: BTreeMap<String, KeyLife>,
}

/// Asks for the key of each profile.
pub(super) fn check(context: &Context<'_>) -> Obtained {
    let mut obtained = Obtained {
        findings: Vec::new(),
        keys: Vec::new(),
        lives: BTreeMap::new(),
    };
    let (Ok(config), Ok(places)) = (context.config, context.places) else {
        return obtained;
    };
    if !context.may_start && !daemon::listens(&places.daemon) {
        return obtained;
    }
    let now = context.clock.now().wall;
    let pending: Vec<_> = context
        .profiles()
        .map(|name| (name, daemon::ask(&places.daemon, name)))
        .collect();
    for (name, pending) in pending {
        (context.progress)(&format!("asking for the key of profile '{name}'"));
        let Asked { key, status } = pending.wait();
        let source = &config.profiles[name].source;
        // The daemon's own check reports that.
        let is_locked = status
            .as_ref()
            .is_some_and(|report| report.state == ProfileState::Locked);
        let of_status = match (&key, status) {
            (Ok(key), Some(report)) => {
                if let Some(life) = KeyLife::of(key, &report) {
                    obtained.lives.insert(name.to_owned(), life);
                }
                status::check(&report, &config.sources[source], now)
            }
            _ => Vec::new(),
        };
        let found = match key {
            Ok(key) => {
                obtained.keys.push((name.to_owned(), key));
                None
            }
            Err(_) if is_locked => None,
            Err(failure) => Some(failure::finding(&failure)),
        };
        let found = found.into_iter().chain(of_status);
        obtained.findings.extend(found.map(|finding| Finding {
            profile: Some(name.to_owned()),
            ..finding
        }));
    }
    obtained
}

#[cfg(test)]
pub(in crate::doctor) mod tests;
