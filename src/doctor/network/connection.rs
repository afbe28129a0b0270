//! Names, connections and proxies.

use std::{collections::BTreeMap, time::Duration};

use super::{
    facts::{Connection, HttpFacts, ServerFacts, UsedProxy},
    servers::Role,
};
use crate::{
    doctor::finding::{Family, Finding, Severity},
    network::{ProxyError, ProxyFailure, TransportError},
};

/// An address that takes this much longer than another one delays each new connection.
const SLOW: Duration = Duration::from_secs(1);

/// What is wrong with the way to a server, apart from TLS.
pub(super) fn check(facts: &ServerFacts) -> Vec<Finding> {
    let trouble = match &facts.answer {
        Ok(answer) => portal(facts, answer),
        Err(error) => transport(facts, error),
    };
    trouble.into_iter().chain(broken_addresses(facts)).collect()
}

/// The proxies in use, for whom they may surprise.
pub(super) fn proxies(all: &[ServerFacts]) -> Vec<Finding> {
    let mut hosts: BTreeMap<&UsedProxy, Vec<String>> = BTreeMap::new();
    for facts in all {
        if let Some(proxy) = &facts.proxy {
            hosts.entry(proxy).or_default().push(facts.server.subject());
        }
    }
    let note = |(UsedProxy { name, origin }, subjects): (_, Vec<_>)| Finding {
        id: "network.proxy-in-use".to_owned(),
        severity: Severity::Note,
        family: Family::Network,
        profile: None,
        finding: format!("requests go through the proxy '{name}', from {origin}"),
        evidence: subjects,
        remedy: "list a host in 'no_proxy' if it is to be reached without it".to_owned(),
    };
    hosts.into_iter().map(note).collect()
}

/// Why no answer arrived; `None` for TLS.
fn transport(facts: &ServerFacts, error: &TransportError) -> Option<Finding> {
    let id = match error {
        TransportError::Unresolved => "dns",
        TransportError::Refused => "refused",
        TransportError::TimedOut(_) => "timeout",
        TransportError::Unconnected(_) => "unreachable",
        TransportError::Interrupted(_) => "interrupted",
        TransportError::Proxy(failure) => of_proxy(failure),
        TransportError::Tls(_) | TransportError::Program { .. } => return None,
    };
    let evidence = resolution(facts).into_iter();
    let evidence = evidence
        .chain(facts.connections.iter().map(connection))
        .chain(facts.proxy_evidence());
    Some(finding(
        facts,
        id,
        Severity::Fatal,
        format!("{} {error}", facts.server.subject()),
        evidence.collect(),
        error.hint(),
    ))
}

fn of_proxy(failure: &ProxyFailure) -> &'static str {
    match failure.error {
        ProxyError::AuthorizationRequired => "proxy-authorization",
        ProxyError::Tls(_) => "proxy-tls",
        ProxyError::NotConnected(_) | ProxyError::Answered(_) => "proxy-refused",
        _ => "proxy-unreachable",
    }
}

fn resolution(facts: &ServerFacts) -> Option<String> {
    let name = facts.server.url.host_str().unwrap_or_default();
    Some(match facts.addresses.as_ref()? {
        Ok(addresses) => {
            let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            format!("'{name}' resolves to {}", addresses.join(", "))
        }
        Err(reason) => format!("the system's resolver about '{name}': {reason}"),
    })
}

fn connection(Connection { address, result }: &Connection) -> String {
    match result {
        Ok(time) => format!("{address} accepts connections ({} ms)", time.as_millis()),
        Err(reason) => format!("{address}: {reason}"),
    }
}

/// A page in place of an answer, or a way to another host.
fn portal(facts: &ServerFacts, answer: &HttpFacts) -> Option<Finding> {
    let status = answer.status;
    let host = facts.server.host();
    let seen = match &answer.redirects_to {
        // What a gateway does with a key decides: that is a check of its own.
        Some(_) if facts.server.role == Role::Gateway => return None,
        Some(to) => format!("status {status}, which redirects to '{to}'"),
        None if status == 511 => format!("status {status}: the network requires a login"),
        None if answer.is_page && matches!(status, 200..300) => {
            format!("status {status} with a web page in place of JSON")
        }
        None => return None,
    };
    Some(finding(
        facts,
        "captive-portal",
        Severity::Fatal,
        format!(
            "something else answers in the place of the {}",
            facts.server.subject()
        ),
        [seen].into_iter().chain(facts.proxy_evidence()).collect(),
        format!(
            "open 'https://{host}' in a browser: sign in to the network's captive portal, or correct the \
             address in {}",
            facts.server.table()
        ),
    ))
}

/// Addresses that fail, or are slow, beside one that works.
fn broken_addresses(facts: &ServerFacts) -> Option<Finding> {
    let works = |wanted: bool| {
        let of_family = facts
            .connections
            .iter()
            .filter(move |connection| connection.address.is_ipv6() == wanted);
        of_family.filter_map(|connection| connection.result.as_ref().ok().copied())
    };
    let has_v6 = facts.connections.iter().any(|one| one.address.is_ipv6());
    let quickest_v4 = works(false).min()?;
    let is_slow = |v6: Duration| v6 > quickest_v4 + SLOW;
    if !has_v6 || works(true).min().is_some_and(|v6| !is_slow(v6)) {
        return None;
    }
    // A name of this machine itself often has an address that no program listens on.
    if crate::config::is_loopback(&facts.server.url) {
        return None;
    }
    Some(finding(
        facts,
        "ipv6",
        Severity::Note,
        format!(
            "{} is reached by IPv4 only: its IPv6 address does not answer in time",
            facts.server.subject()
        ),
        facts.connections.iter().map(connection).collect(),
        "nothing to do if requests are quick; otherwise ask the network's administrator about IPv6"
            .to_owned(),
    ))
}

/// A finding about one server.
pub(super) fn finding(
    facts: &ServerFacts,
    id: &str,
    severity: Severity,
    finding: String,
    evidence: Vec<String>,
    remedy: String,
) -> Finding {
    Finding {
        id: format!("network.{id}"),
        severity,
        family: Family::Network,
        profile: facts.server.profile.clone(),
        finding,
        evidence,
        remedy,
    }
}

#[cfg(test)]
mod tests;
