//! What kept a response from arriving: the server, the proxy before it, or the network.

use std::time::Duration;

/// What kept a response from arriving, as the end of a sentence whose subject is the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No process listens at the address.
    #[error("refused the connection")]
    Refused,
    /// No response within the configured time.
    #[error("timed out after {0:?}")]
    TimedOut(Duration),
    /// The host name is unknown, or the DNS server does not respond.
    #[error("cannot be resolved (DNS lookup failed)")]
    Unresolved,
    /// No connection could be made: no route, network down.
    #[error("cannot be reached: {0}")]
    Unconnected(String),
    /// The proxy is at fault, or the server behind it cannot be reached.
    #[error("cannot be reached: {0}")]
    Proxy(ProxyFailure),
    /// The TLS handshake failed.
    #[error("failed the TLS handshake: {0}")]
    Tls(TlsError),
    /// The connection ended before the response was complete.
    #[error("dropped the connection: {0}")]
    Interrupted(String),
    /// The program could not be started, exited with an error or timed out.
    #[error("failed: {reason}")]
    Program {
        /// The exit status and the last line of standard error.
        reason: String,
        /// The one thing to do now.
        hint: String,
    },
}

/// A proxy that did not connect to the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proxy '{name}' {error}")]
pub struct ProxyFailure {
    /// Host and port.
    pub name: String,
    /// Where the proxy's address comes from.
    pub origin: ProxyOrigin,
    /// What it did.
    pub error: ProxyError,
}

/// Where the address of a proxy comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyOrigin {
    /// `proxy` in the configuration.
    Configuration,
    /// The asking client's variables.
    Environment,
    /// The system's settings.
    System,
}

/// Why a proxy did not connect to the server, as the end of a sentence whose subject is the proxy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// No process listens at the proxy's address.
    #[error("refused the connection")]
    Refused,
    /// No response arrived through the proxy in time.
    #[error("brought no response within {0:?}")]
    TimedOut(Duration),
    /// The proxy's name is unknown.
    #[error("cannot be resolved (DNS lookup failed)")]
    Unresolved,
    /// No connection to the proxy could be made.
    #[error("cannot be reached ({0})")]
    Unconnected(String),
    /// The proxy demands a user name and a password, or others than those that it was given.
    #[error("demands authorization (407)")]
    AuthorizationRequired,
    /// The TLS handshake with the proxy itself failed.
    #[error("failed the TLS handshake: {0}")]
    Tls(TlsError),
    /// The proxy refused to connect to the server, or could not.
    #[error("did not connect to it ({0})")]
    NotConnected(String),
    /// The proxy answered a request itself, with this status.
    #[error("answered {0} in its place")]
    Answered(u16),
    /// The proxy closed the connection.
    #[error("dropped the connection ({0})")]
    Interrupted(String),
}

/// Why a TLS handshake failed, as the end of a sentence whose subject is the server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The chain ends at no trusted CA.
    #[error("its certificate is signed by an untrusted CA")]
    UntrustedIssuer,
    /// `notBefore` is in the future.
    #[error("its certificate is not valid yet")]
    NotYetValid,
    /// `notAfter` is in the past.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate names other hosts.
    #[error("its certificate is for another host name")]
    WrongHost,
    /// Anything else that is wrong with the certificate, as rustls describes it.
    #[error("its certificate is invalid ({0})")]
    InvalidCertificate(String),
    /// The server accepts only clients with a certificate.
    #[error("it requires a client certificate")]
    ClientCertificateRequired,
    /// The server ended the handshake with this alert (RFC 8446, section 6).
    #[error("it sent the alert '{0}'")]
    Alert(String),
    /// The response is not a TLS record.
    #[error("it does not speak TLS")]
    NotTls,
}

impl TransportError {
    /// The one thing to do now.
    #[must_use]
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Refused => "check the address, and that the server is running".to_owned(),
            Self::TimedOut(_) | Self::Unconnected(_) | Self::Interrupted(_) => {
                "check the network connection, including the VPN".to_owned()
            }
            Self::Unresolved => {
                "check the host name, and the network connection including the VPN".to_owned()
            }
            Self::Proxy(failure) => failure.hint(),
            Self::Tls(error) => error.hint("server").to_owned(),
            Self::Program { hint, .. } => hint.clone(),
        }
    }

    /// Whether the remedy is in the configuration, which only an administrator can change if it is
    /// the managed one.
    #[must_use]
    pub(crate) fn is_of_configuration(&self) -> bool {
        let is_of_tls = |error: &TlsError| {
            matches!(
                error,
                TlsError::UntrustedIssuer | TlsError::WrongHost | TlsError::NotTls
            )
        };
        match self {
            Self::Proxy(failure) => failure.origin == ProxyOrigin::Configuration,
            Self::Tls(error) => is_of_tls(error),
            _ => false,
        }
    }
}

impl ProxyFailure {
    fn hint(&self) -> String {
        let settings = match self.origin {
            ProxyOrigin::Configuration => "'proxy' and 'no_proxy' in the configuration",
            ProxyOrigin::Environment => {
                "the client's variables HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY"
            }
            ProxyOrigin::System => {
                "the system's proxy settings; 'proxy' and 'no_proxy' in the configuration override \
                 them"
            }
        };
        match &self.error {
            ProxyError::AuthorizationRequired => match self.origin {
                ProxyOrigin::Environment => {
                    format!("check the user name and the password in {settings}")
                }
                _ => {
                    "use a proxy that needs no password, or set 'proxy = \"environment\"' for the \
                      client's own, or list the host in 'no_proxy'"
                        .to_owned()
                }
            },
            ProxyError::Tls(TlsError::UntrustedIssuer) => {
                "set 'ca_file' to a PEM file with the CA that signed the proxy's certificate"
                    .to_owned()
            }
            ProxyError::Tls(error) => error.hint("proxy").to_owned(),
            ProxyError::NotConnected(_) | ProxyError::Answered(_) => {
                format!("ask for access to the host at the proxy, or check {settings}")
            }
            _ => format!("check {settings}"),
        }
    }
}

impl TlsError {
    /// The one thing to do now if `peer`, the server or the proxy, is at the other end.
    fn hint(&self, peer: &str) -> &'static str {
        let is_proxy = peer == "proxy";
        match self {
            Self::UntrustedIssuer => {
                "set 'ca_file' to the PEM file of the CA that signed the server's certificate"
            }
            Self::NotYetValid | Self::Expired => {
                "check this machine's clock; if it is right, ask the administrator of the server for a new certificate"
            }
            Self::WrongHost if is_proxy => {
                "set 'proxy' to a host name that the proxy's certificate contains"
            }
            Self::WrongHost => "set the address to a host name that the certificate contains",
            Self::InvalidCertificate(_) => {
                "ask the administrator of the server for a valid certificate"
            }
            Self::ClientCertificateRequired if is_proxy => {
                "use a proxy that requires no client certificate"
            }
            Self::ClientCertificateRequired => {
                "set 'cert_file' and 'key_file': for Vault, log in with method 'cert'"
            }
            Self::Alert(_) => "check the client certificate and the server's TLS settings",
            Self::NotTls if is_proxy => "check the scheme and the port of 'proxy'",
            Self::NotTls => "check the scheme and the port of the address",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(origin: ProxyOrigin, error: ProxyError) -> TransportError {
        TransportError::Proxy(ProxyFailure {
            name: "proxy.corp:3128".to_owned(),
            origin,
            error,
        })
    }

    #[test]
    fn an_untrusted_ca_suggests_ca_file() {
        let error = TransportError::Tls(TlsError::UntrustedIssuer);
        assert_eq!(
            error.to_string(),
            "failed the TLS handshake: its certificate is signed by an untrusted CA"
        );
        assert!(error.hint().contains("'ca_file'"), "{}", error.hint());
    }

    #[test]
    fn every_failure_of_a_proxy_names_it_and_its_remedy() {
        for (error, message, hint) in [
            (ProxyError::Refused, "refused the connection", "'no_proxy'"),
            (
                ProxyError::Unresolved,
                "cannot be resolved (DNS lookup failed)",
                "'no_proxy'",
            ),
            (
                ProxyError::AuthorizationRequired,
                "demands authorization (407)",
                "password",
            ),
            (
                ProxyError::Tls(TlsError::UntrustedIssuer),
                "failed the TLS handshake: its certificate is signed by an untrusted CA",
                "'ca_file'",
            ),
            (
                ProxyError::NotConnected("unsuccessful".to_owned()),
                "did not connect to it (unsuccessful)",
                "at the proxy",
            ),
            (
                ProxyError::Answered(502),
                "answered 502 in its place",
                "at the proxy",
            ),
        ] {
            let error = proxy(ProxyOrigin::Configuration, error);
            assert_eq!(
                error.to_string(),
                format!("cannot be reached: the proxy 'proxy.corp:3128' {message}")
            );
            assert!(error.hint().contains(hint), "{}", error.hint());
            assert!(!error.hint().contains("network"), "{}", error.hint());
            assert!(error.is_of_configuration());
        }
    }

    #[test]
    fn the_hint_names_the_place_of_the_proxys_address() {
        let hint = |origin| proxy(origin, ProxyError::Refused).hint();
        assert!(hint(ProxyOrigin::Environment).contains("HTTPS_PROXY"));
        assert!(hint(ProxyOrigin::System).contains("system's proxy settings"));
        assert!(!proxy(ProxyOrigin::Environment, ProxyError::Refused).is_of_configuration());
    }
}
