//! The gateway that accepts the keys: it is asked as a client would ask it.
//!
//! The checkpoints of a roll-out, in their order: the exact address, without a redirect; the model
//! is routed; the developer's key is accepted; a stream is not buffered; headers and errors are
//! passed on.

mod address;
mod checks;
mod compatibility;
mod facts;
mod key;
mod model;
mod observe;
mod send;
mod stream;

use futures_util::future::join_all;

pub(crate) use self::checks::CHECKS;
use self::{
    facts::GatewayFacts,
    observe::{Question, observe},
    send::GatewayClient,
};
use super::{Context, environment, finding::Finding};
use crate::{network::SetupError, principal::Principal, secret::Secret};

/// Examines the gateway of each profile whose key is among `keys`. Up to three short messages are
/// sent to each, if the context allows that.
pub(crate) async fn check(context: &Context<'_>, keys: &[(String, Secret)]) -> Vec<Finding> {
    let Ok(config) = context.config else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut observations = Vec::new();
    for (name, key) in keys {
        let profile = &config.profiles[name];
        let Some(gateway) = &profile.gateway else {
            continue;
        };
        (context.progress)(&format!("asking the gateway '{}'", gateway.origin()));
        let variables = environment::variables(config.client_variables(name));
        let principal = Principal::of_this_machine().with_variables(&variables);
        match GatewayClient::new(gateway.as_url(), profile, &principal, key) {
            Ok(client) => observations.push(observe(Question {
                profile: name,
                client,
                may_send_messages: context.may_send_message,
                clock: context.clock,
            })),
            Err(error) => findings.push(setup(name, error)),
        }
    }
    let observed = join_all(observations).await;
    findings.extend(observed.iter().flatten().flat_map(judge));
    findings
}

/// The configuration of `profile` does not allow its gateway to be asked.
fn setup(profile: &str, error: SetupError) -> Finding {
    let problem = format!("the gateway cannot be asked: {}", error.reason);
    Finding {
        profile: Some(profile.to_owned()),
        ..checks::SETUP.found(problem, [], error.hint)
    }
}

/// What is wrong with what was observed. A cause leaves out what follows from it.
fn judge(facts: &GatewayFacts) -> Vec<Finding> {
    let unusable = address::check(facts)
        .or_else(|| model::check(facts))
        .or_else(|| key::check(facts))
        .or_else(|| compatibility::refused(facts));
    let of_stream = match unusable {
        None => stream::check(facts),
        Some(_) => None,
    };
    let is_reached = unusable.is_none();
    let others = is_reached.then(|| compatibility::check(facts));
    unusable
        .into_iter()
        .chain(of_stream)
        .chain(others.into_iter().flatten())
        .collect()
}

#[cfg(test)]
pub(in crate::doctor) mod tests;
