//! How the servers of the configuration are reached: names, connections, proxies, TLS, clocks.
//!
//! ```text
//! Config ─▶ servers ─▶ observe ─▶ ServerFacts ─▶ connection, tls, client_certificate, clock_skew
//! ```

mod certificate;
mod clock_skew;
mod connection;
mod facts;
mod observe;
mod servers;
mod tls;

use std::sync::Arc;

use tokio::task::JoinSet;

use self::{
    facts::ServerFacts,
    observe::{Target, observe},
    servers::{Server, servers},
};
use super::{
    Context,
    finding::{Family, Finding, Severity},
};

/// Examines every server of the configuration, all at once.
pub(crate) async fn check(context: &Context<'_>) -> Vec<Finding> {
    let Ok(config) = context.config else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let mut observations = JoinSet::new();
    for (index, server) in servers(config, context.profile).into_iter().enumerate() {
        (context.progress)(&format!("connecting to '{}'", server.host()));
        match Target::new(&server, config) {
            Ok(target) => {
                let clock = Arc::clone(context.clock);
                observations.spawn(async move { (index, observe(server, target, &*clock).await) });
            }
            Err(error) => findings.push(Finding {
                id: "network.setup".to_owned(),
                severity: Severity::Fatal,
                family: Family::Network,
                profile: server.profile.clone(),
                finding: format!("{} cannot be asked: {}", server.subject(), error.reason),
                evidence: Vec::new(),
                remedy: error.hint,
            }),
        }
    }
    let mut observed = observations.join_all().await;
    // In the order of the configuration, whichever answered first.
    observed.sort_by_key(|(index, _)| *index);
    let all: Vec<_> = observed.into_iter().map(|(_, facts)| facts).collect();
    findings.extend(judge(&all));
    findings
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
