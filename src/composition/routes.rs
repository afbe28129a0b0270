//! From a configuration to the broker's routes: each profile with its source and its gateway.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    broker::{Route, RouteBuilder},
    clock::Clock,
    config::{Config, ProfileConfig},
    gateway::{Gateway, HttpGateway},
    source::catalog::Catalog,
};

/// The routes of all profiles of `config`, by the profile's name. No source and no gateway is
/// asked.
pub(super) fn routes(
    config: &Arc<Config>,
    clock: &Arc<dyn Clock>,
) -> BTreeMap<String, RouteBuilder> {
    let catalog = Arc::new(Catalog::new(config, clock));
    let route = |profile: &ProfileConfig| {
        let catalog = Arc::clone(&catalog);
        let source = profile.source.clone();
        let gateway = gateway(profile, clock);
        let watch = config.watch(&profile.source);
        RouteBuilder::new(move |variables| Route {
            source: catalog.source(&source, variables),
            source_name: source.clone(),
            gateway: gateway.clone(),
            watch,
        })
    };
    config
        .profiles
        .iter()
        .map(|(name, profile)| (name.clone(), route(profile)))
        .collect()
}

/// The gateway to probe; `None` if the profile names none or switches the probe off.
fn gateway(profile: &ProfileConfig, clock: &Arc<dyn Clock>) -> Option<Arc<dyn Gateway>> {
    let gateway = HttpGateway::new(profile.gateway.as_ref()?, profile.probe(), clock)?;
    Some(Arc::new(gateway))
}
