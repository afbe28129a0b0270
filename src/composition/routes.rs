//! From a configuration to the broker's routes: each profile with its source and its gateway.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    broker::Route,
    clock::Clock,
    config::{Config, ProfileConfig},
    gateway::{Gateway, HttpGateway},
    principal::Principal,
    source::catalog,
};

/// The routes of all profiles of `config`, by the profile's name. No source and no gateway is
/// asked.
pub(super) fn routes(config: &Config, clock: &Arc<dyn Clock>) -> BTreeMap<String, Route> {
    let sources = catalog::build(config, clock);
    let principal = Principal::of_this_machine(config.env_names());
    let route = |profile: &ProfileConfig| Route {
        source: Arc::clone(&sources[&profile.source]),
        gateway: gateway(profile, &principal, clock),
        watch: config.watch(&profile.source),
    };
    config
        .profiles
        .iter()
        .map(|(name, profile)| (name.clone(), route(profile)))
        .collect()
}

/// The gateway to probe; `None` if the profile names none or switches the probe off.
fn gateway(
    profile: &ProfileConfig,
    principal: &Principal,
    clock: &Arc<dyn Clock>,
) -> Option<Arc<dyn Gateway>> {
    let gateway = HttpGateway::new(profile, principal, clock)?;
    Some(Arc::new(gateway))
}
