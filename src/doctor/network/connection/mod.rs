//! Names, connections and proxies.

use std::{collections::BTreeMap, time::Duration};

use super::{
    checks::{
        CAPTIVE_PORTAL, DNS, INTERRUPTED, IPV6, PROXY_AUTHORIZATION, PROXY_IN_USE, PROXY_REFUSED,
        PROXY_TLS, PROXY_UNREACHABLE, REFUSED, TIMEOUT, UNREACHABLE,
    },
    facts::{Connection, HttpFacts, ServerFacts, UsedProxy},
    servers::Role,
};
use crate::{
    config::is_loopback,
    doctor::{check::Check, finding::Finding},
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
    let note = |proxy: &UsedProxy, subjects: Vec<String>| {
        let UsedProxy { name, origin } = proxy;
        PROXY_IN_USE.found(
            format!("requests go through the proxy '{name}', from {origin}"),
            subjects,
            "list a host in 'no_proxy' if it is to be reached without it",
        )
    };
    let hosts = hosts.into_iter();
    hosts
        .map(|(proxy, subjects)| note(proxy, subjects))
        .collect()
}

/// Why no answer arrived; `None` for TLS.
fn transport(facts: &ServerFacts, error: &TransportError) -> Option<Finding> {
    let check = match error {
        TransportError::Unresolved => DNS,
        TransportError::Refused => REFUSED,
        TransportError::TimedOut(_) => TIMEOUT,
        TransportError::Unconnected(_) => UNREACHABLE,
        TransportError::Interrupted(_) => INTERRUPTED,
        TransportError::Proxy(failure) => of_proxy(failure),
        TransportError::Tls(_) | TransportError::Program { .. } => return None,
    };
    let evidence = resolution(facts).into_iter();
    let evidence = evidence
        .chain(facts.connections.iter().map(connection))
        .chain(facts.proxy_evidence());
    Some(facts.found(
        &check,
        format!("{} {error}", facts.server.subject()),
        evidence,
        error.hint(),
    ))
}

fn of_proxy(failure: &ProxyFailure) -> Check {
    match failure.error {
        ProxyError::AuthorizationRequired => PROXY_AUTHORIZATION,
        ProxyError::Tls(_) => PROXY_TLS,
        ProxyError::NotConnected(_) | ProxyError::Answered(_) => PROXY_REFUSED,
        _ => PROXY_UNREACHABLE,
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
    Some(facts.found(
        &CAPTIVE_PORTAL,
        format!(
            "something else answers in the place of the {}",
            facts.server.subject()
        ),
        [seen].into_iter().chain(facts.proxy_evidence()),
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
    if is_loopback(&facts.server.url) {
        return None;
    }
    Some(facts.found(
        &IPV6,
        format!(
            "{} is reached by IPv4 only: its IPv6 address does not answer in time",
            facts.server.subject()
        ),
        facts.connections.iter().map(connection),
        "nothing to do if requests are quick; otherwise ask the network's administrator about IPv6",
    ))
}

#[cfg(test)]
mod tests;
