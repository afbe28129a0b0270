//! From a configuration to the broker's routes: each profile with its source and its gateway.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    broker::{Route, RouteBuilder},
    client_variables::ClientVariables,
    clock::Clock,
    config::{Config, ProfileConfig},
    gateway::{Gateway, HttpGateway},
    principal::Principal,
    source::catalog::{Catalog, LoginSessions},
};

/// The routes of all profiles of `config`, by the profile's name. No source and no gateway is
/// asked.
pub(super) fn routes(
    config: &Arc<Config>,
    clock: &Arc<dyn Clock>,
    logins: &Arc<LoginSessions>,
) -> BTreeMap<String, RouteBuilder> {
    let catalog = Arc::new(Catalog::new(config, clock, logins));
    let principal = Principal::of_this_machine();
    let route = |profile: &ProfileConfig| {
        let gateways = gateways(profile, &principal, clock);
        let catalog = Arc::clone(&catalog);
        let source = profile.source.clone();
        let watch = config.watch(&profile.source);
        let max_age = Some(profile.max_age());
        RouteBuilder::new(move |variables| Route {
            source: catalog.source(&source, variables),
            source_name: source.clone(),
            gateway: gateways(variables),
            watch,
            max_age,
        })
    };
    config
        .profiles
        .iter()
        .map(|(name, profile)| (name.clone(), route(profile)))
        .collect()
}

/// Returns the gateway to probe for a client with certain variables; `None` if the profile names
/// none or switches the probe off.
///
/// Clients share one, with its calibration, unless the way to it depends on their variables.
fn gateways(
    profile: &ProfileConfig,
    principal: &Principal,
    clock: &Arc<dyn Clock>,
) -> impl Fn(&ClientVariables) -> Option<Arc<dyn Gateway>> + Send + Sync + 'static {
    let depends_on_variables = profile.env_names().next().is_some();
    let (profile, principal, clock) = (profile.clone(), principal.clone(), Arc::clone(clock));
    let build = move |principal: &Principal| -> Option<Arc<dyn Gateway>> {
        let gateway = HttpGateway::new(&profile, principal, &clock)?;
        Some(Arc::new(gateway))
    };
    let shared = (!depends_on_variables).then(|| build(&principal));
    move |variables| match &shared {
        Some(gateway) => gateway.clone(),
        None => build(&principal.with_variables(variables)),
    }
}
