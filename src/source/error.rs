//! Errors of the sources. The variants differ in which side is at fault and in what helps.

use std::time::Duration;

/// Why a source returned no credential.
///
/// A message names the host and the server's reason. It contains no response body and no secret.
///
/// At fault are, and what helps is:
///
/// - the network or the server, for now; retrying: [`Unreachable`](Self::Unreachable),
///   [`Unavailable`](Self::Unavailable)
/// - the secret of the login; replacing it: [`LoginRefused`](Self::LoginRefused)
/// - a login that has ended; logging in: [`LoginRequired`](Self::LoginRequired)
/// - the policy or the content of the source; its administrator: [`Denied`](Self::Denied),
///   [`Missing`](Self::Missing), [`Unusable`](Self::Unusable)
/// - the address; correcting it: [`Malformed`](Self::Malformed)
/// - the program; correcting it: [`BadOutput`](Self::BadOutput)
/// - this machine; correcting the configuration or the file that it names:
///   [`Configuration`](Self::Configuration)
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No response. Temporary: the broker keeps its credential and retries with back-off.
    #[error("'{host}' {error}")]
    Unreachable {
        /// Host and port, or the program.
        host: String,
        /// What kept the response from arriving.
        error: TransportError,
    },

    /// The server is up and refuses all requests for now: sealed, standby, rate limit, internal
    /// error. Temporary.
    #[error("'{host}' {reason}")]
    Unavailable {
        /// Host and port.
        host: String,
        /// The end of a sentence that starts with the host: "is sealed (503)".
        reason: String,
        /// The server's `Retry-After`.
        retry_after: Option<Duration>,
    },

    /// The server rejected the login. Retrying with the same secret does not help.
    #[error("'{host}' refused the login: {reason}")]
    LoginRefused {
        /// Host and port.
        host: String,
        /// The server's reason.
        reason: String,
        /// The one thing to do now.
        hint: String,
    },

    /// A person must log in before the source can be asked again. A credential that was obtained
    /// before is as good as it was.
    #[error("'{host}' requires a login: {reason}")]
    LoginRequired {
        /// The program.
        host: String,
        /// The program's reason.
        reason: String,
        /// The one thing to do now.
        hint: String,
    },

    /// The login is valid and lacks the permission for this path.
    #[error("'{host}' denied access to '{path}': {reason}")]
    Denied {
        /// Host and port.
        host: String,
        /// The requested path.
        path: String,
        /// The server's reason.
        reason: String,
    },

    /// The configured path holds no secret, or no longer holds one.
    #[error("no secret at '{path}' on '{host}' ({reason})")]
    Missing {
        /// Host and port.
        host: String,
        /// The requested path.
        path: String,
        /// The status, or the state of the secret: "404", "version 3, the current version, was
        /// deleted".
        reason: String,
    },

    /// The response holds a value that is not a credential, or one that the client would refuse.
    #[error("field '{field}' from '{host}' {reason}")]
    Unusable {
        /// Host and port, or the program.
        host: String,
        /// The field of the response.
        field: String,
        /// The end of the sentence: "is empty", "is a number, not a string".
        reason: String,
    },

    /// The response does not belong to this kind of source: not JSON, a web page, too large.
    #[error("unexpected response from '{host}': {reason}")]
    Malformed {
        /// Host and port.
        host: String,
        /// What is wrong with the response.
        reason: String,
    },

    /// The program's output is neither a key nor its JSON object: it is too long, or invalid JSON.
    #[error("unexpected output of '{program}': {reason}")]
    BadOutput {
        /// The program.
        program: String,
        /// What is wrong with the output.
        reason: String,
    },

    /// The configuration, or a secret file, certificate or variable that it names, is missing or
    /// invalid.
    #[error("{reason}")]
    Configuration {
        /// The problem, with the key or the file.
        reason: String,
        /// The one thing to do now.
        hint: String,
    },

    /// Not a failure of the source: a logout discarded the credential while the caller waited.
    #[error("the credential was discarded while it was being fetched")]
    Forgotten,
}

/// What kept a response from arriving.
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
    /// The proxy opened no connection to the host.
    #[error("cannot be reached through the proxy: {0}")]
    Proxy(String),
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

impl SourceError {
    /// Whether the source has revoked or refused the credential, so that a cached one must be
    /// dropped. An error on this machine or in the response says nothing about a cached one.
    #[must_use]
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::LoginRefused { .. } | Self::Denied { .. } | Self::Missing { .. }
        )
    }

    /// How long the server asked to wait before the next request.
    #[must_use]
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl TransportError {
    /// The one thing to do now.
    #[must_use]
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Refused => "check the address, and that the server is running",
            Self::TimedOut(_) | Self::Unconnected(_) | Self::Interrupted(_) => {
                "check the network connection, including the VPN"
            }
            Self::Unresolved => "check the host name, and the network connection including the VPN",
            Self::Proxy(_) => "check the system's proxy settings",
            Self::Tls(error) => error.hint(),
            Self::Program { hint, .. } => hint,
        }
        .to_owned()
    }
}

impl TlsError {
    fn hint(&self) -> &'static str {
        match self {
            Self::UntrustedIssuer => {
                "set 'ca_file' to the PEM file of the CA that signed the server's certificate"
            }
            Self::NotYetValid | Self::Expired => {
                "check this machine's clock; if it is right, ask the administrator of the server for a new certificate"
            }
            Self::WrongHost => "set the address to a host name that the certificate contains",
            Self::InvalidCertificate(_) => {
                "ask the administrator of the server for a valid certificate"
            }
            Self::ClientCertificateRequired => {
                "log in with method 'cert', which presents 'cert_file' and 'key_file'"
            }
            Self::Alert(_) => "check the client certificate and the server's TLS settings",
            Self::NotTls => "check the scheme and the port of the address",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untrusted_ca_suggests_ca_file() {
        let error = TransportError::Tls(TlsError::UntrustedIssuer);
        assert_eq!(
            error.to_string(),
            "failed the TLS handshake: its certificate is signed by an untrusted CA"
        );
        assert!(error.hint().contains("'ca_file'"), "{}", error.hint());
    }
}
