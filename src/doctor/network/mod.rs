//! How the servers of the configuration are reached: names, connections, proxies, TLS, clocks.
//!
//! ```text
//! Config ─▶ servers ─▶ observe ─▶ ServerFacts ─▶ connection, tls, client_certificate, clock_skew
//! ```

mod certificate;
mod checks;
mod clock_skew;
mod connection;
mod facts;
mod observe;
mod servers;
mod tls;

use futures_util::future::join_all;

pub(crate) use self::checks::CHECKS;
use self::{
    facts::ServerFacts,
    observe::{Target, observe},
    servers::{Server, servers},
};
use super::{Context, finding::Finding};
use crate::network::SetupError;

/// Examines every server of the configuration, all at once.
pub(crate) async fn check(context: &Context<'_>) -> Vec<Finding> {
    let Ok(config) = context.config else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut observations = Vec::new();
    for server in servers(config, context.profile) {
        (context.progress)(&format!("connecting to '{}'", server.host()));
        match Target::new(&server, config) {
            Ok(target) => observations.push(observe(server, target, context.clock)),
            Err(error) => findings.push(setup(&server, error)),
        }
    }
    findings.extend(judge(&join_all(observations).await));
    findings
}

/// The configuration does not allow the server to be asked.
fn setup(server: &Server, error: SetupError) -> Finding {
    let problem = format!("{} cannot be asked: {}", server.subject(), error.reason);
    Finding {
        profile: server.profile.clone(),
        ..checks::SETUP.found(problem, [], error.hint)
    }
}

/// What is wrong with what was observed.
fn judge(all: &[ServerFacts]) -> Vec<Finding> {
    let of_one = |facts: &ServerFacts| {
        let certificate = facts.certificate_of_client.as_ref();
        let of_client =
            certificate.and_then(|certificate| tls::of_client(facts, certificate, facts.at));
        connection::check(facts)
            .into_iter()
            .chain(tls::check(facts))
            .chain(of_client)
            .collect::<Vec<_>>()
    };
    let mut findings: Vec<_> = all.iter().flat_map(of_one).collect();
    findings.extend(clock_skew::check(all));
    findings.extend(connection::proxies(all));
    findings
}

#[cfg(test)]
pub(in crate::doctor) mod tests;
