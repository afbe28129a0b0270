//! What was observed of one server.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use super::{certificate::Certificate, servers::Server};
use crate::{
    clock::Timestamp,
    doctor::{check::Check, finding::Finding},
    network::{ProxyOrigin, TransportError},
};

/// What was observed of one server. Nothing in it is a secret: no key is sent.
#[derive(Clone, Debug)]
pub(super) struct ServerFacts {
    pub(super) server: Server,
    /// When the answer arrived.
    pub(super) at: Timestamp,
    /// The proxy that requests go through.
    pub(super) proxy: Option<UsedProxy>,
    /// What the resolver returned; `None` if it is not asked: a proxy connects, or the host is an
    /// address.
    pub(super) addresses: Option<Result<Vec<IpAddr>, String>>,
    /// How each address answered a connection; empty if a proxy connects.
    pub(super) connections: Vec<Connection>,
    /// The answer to a request without a key, or why there is none.
    pub(super) answer: Result<HttpFacts, TransportError>,
    /// The chain that the server presented; empty without TLS.
    pub(super) chain: Vec<Certificate>,
    /// The file of the trusted certificates, if it is configured.
    pub(super) ca_file: Option<PathBuf>,
    /// If the chain is not trusted, and `ca_file` is set: whether the system trusts it.
    pub(super) system_trusts: bool,
    /// The client's own certificate.
    pub(super) certificate_of_client: Option<ClientCertificate>,
}

/// The proxy of a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UsedProxy {
    /// Host and port.
    pub(super) name: String,
    /// Where its address comes from.
    pub(super) origin: &'static str,
}

impl UsedProxy {
    pub(super) fn new((name, origin): (String, ProxyOrigin)) -> Self {
        let origin = match origin {
            ProxyOrigin::Configuration => "the configuration",
            ProxyOrigin::Environment => "this shell's variables, as a client's would be",
            ProxyOrigin::System => "the system's settings",
        };
        Self { name, origin }
    }
}

/// A connection to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Connection {
    pub(super) address: IpAddr,
    /// How long it took, or why it failed.
    pub(super) result: Result<Duration, String>,
}

/// An answer, without its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HttpFacts {
    pub(super) status: u16,
    /// Whether it is a page for people.
    pub(super) is_page: bool,
    /// The origin that it redirects to, if that is another host.
    pub(super) redirects_to: Option<String>,
    /// The header `Date`.
    pub(super) date: Option<Timestamp>,
}

/// The client's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClientCertificate {
    pub(super) file: PathBuf,
    pub(super) certificate: Certificate,
}

impl ServerFacts {
    /// What `check` found about this server.
    pub(super) fn found(
        &self,
        check: &Check,
        finding: String,
        evidence: impl IntoIterator<Item = String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding {
            profile: self.server.profile.clone(),
            ..check.found(finding, evidence, remedy)
        }
    }

    /// The proxy, as evidence.
    pub(super) fn proxy_evidence(&self) -> Option<String> {
        let UsedProxy { name, origin } = self.proxy.as_ref()?;
        Some(format!("through the proxy '{name}', from {origin}"))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::doctor::network::servers::tests::server;

    /// A Vault that answers as it must, with the right time.
    pub(in super::super) fn healthy() -> ServerFacts {
        let at = "2026-06-01T12:00:00Z".parse().unwrap();
        ServerFacts {
            server: server("https://vault.test:8200"),
            at,
            proxy: None,
            addresses: None,
            connections: Vec::new(),
            answer: Ok(HttpFacts {
                status: 200,
                date: Some(at),
                ..HttpFacts::default()
            }),
            chain: Vec::new(),
            ca_file: None,
            system_trusts: false,
            certificate_of_client: None,
        }
    }

    /// The same, which fails with `error`.
    pub(in super::super) fn failed(error: TransportError) -> ServerFacts {
        ServerFacts {
            answer: Err(error),
            ..healthy()
        }
    }

    #[test]
    fn a_healthy_server_has_no_finding() {
        assert_eq!(crate::doctor::network::judge(&[healthy()]), []);
    }
}
