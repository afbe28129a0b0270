//! From an error of the HTTP library to a [`TransportError`].
//!
//! The text of the library's errors is not shown as it is: every link of the chain repeats the
//! address. Some of them have no public types, so that they are recognized by their text.

use std::{error::Error, io, time::Duration};

use super::{
    error::{ProxyError, ProxyFailure, TlsError, TransportError},
    foreign_text::{ForeignText, RequestSecrets},
    proxy::UsedProxy,
};

/// How the text of the error of a `CONNECT` request to a proxy starts.
const TUNNEL: &str = "tunnel error: ";

/// How the text of an error of a SOCKS proxy starts.
const SOCKS: &str = "SOCKS error: ";

/// How the text of a failed DNS lookup starts.
const DNS: &str = "dns error";

/// What is known about a request that failed.
#[derive(Clone)]
pub(super) struct Exchange {
    /// The proxy that it went through.
    pub(super) proxy: Option<UsedProxy>,
    /// Whether it was sent to the proxy itself.
    pub(super) forwards: bool,
    pub(super) timeout: Duration,
    /// The secrets that it contains.
    pub(super) secrets: RequestSecrets,
}

impl Exchange {
    /// The failure `error` of the proxy; `None` if there was none.
    pub(super) fn proxy_failure(&self, error: ProxyError) -> Option<TransportError> {
        let proxy = self.proxy.as_ref()?;
        Some(TransportError::Proxy(ProxyFailure {
            name: proxy.url.name(),
            origin: proxy.origin,
            error,
        }))
    }

    fn clean(&self, text: &str) -> String {
        ForeignText::new(text).clean(&self.secrets)
    }
}

/// Classifies an error of reqwest's.
pub(super) fn transport_error(e: &reqwest::Error, exchange: &Exchange) -> TransportError {
    let facts = Facts::of(e, exchange);
    facts
        .proxy_error()
        .and_then(|error| exchange.proxy_failure(error))
        .unwrap_or_else(|| facts.server_error())
}

/// What the chain of errors shows.
struct Facts<'a> {
    exchange: &'a Exchange,
    is_timeout: bool,
    is_connect: bool,
    /// The text of every link, from the outermost.
    texts: Vec<String>,
    /// The debug output of the last link: SOCKS errors have no source.
    debug: String,
    io: Option<io::ErrorKind>,
}

impl<'a> Facts<'a> {
    fn of(e: &reqwest::Error, exchange: &'a Exchange) -> Self {
        let first: Option<&(dyn Error + 'static)> = Some(e);
        let chain: Vec<_> = std::iter::successors(first, |&link| link.source()).collect();
        let io = chain
            .iter()
            .find_map(|link| link.downcast_ref::<io::Error>())
            .map(io::Error::kind);
        Self {
            exchange,
            is_timeout: e.is_timeout(),
            is_connect: e.is_connect(),
            texts: chain.iter().map(ToString::to_string).collect(),
            debug: chain
                .last()
                .map(|link| format!("{link:?}"))
                .unwrap_or_default(),
            io,
        }
    }

    /// The failure of the proxy, if it is at fault.
    fn proxy_error(&self) -> Option<ProxyError> {
        self.exchange.proxy.as_ref()?;
        if let Some(reason) = self.after(SOCKS) {
            return Some(self.socks_error(reason));
        }
        let tunnel = self.after(TUNNEL);
        if self.is_timeout {
            return Some(ProxyError::TimedOut(self.exchange.timeout));
        }
        // Without a tunnel, the server at the other end of the connection is the proxy.
        if !self.exchange.forwards && tunnel.is_none() {
            return None;
        }
        let reason = self.exchange.clean(tunnel.unwrap_or(&self.reason()));
        Some(match (self.tls_error(), self.io) {
            (Some(error), _) => ProxyError::Tls(error),
            _ if self.has(DNS) => ProxyError::Unresolved,
            (_, Some(io::ErrorKind::ConnectionRefused)) => ProxyError::Refused,
            _ if reason.starts_with("proxy authorization required") => {
                ProxyError::AuthorizationRequired
            }
            _ if reason.starts_with("failed to create underlying connection") => {
                ProxyError::Unconnected(self.reason())
            }
            _ if tunnel.is_some() => ProxyError::NotConnected(match reason.as_str() {
                "unsuccessful" => "it refused the request 'CONNECT'".to_owned(),
                _ => reason,
            }),
            _ if self.is_connect => ProxyError::Unconnected(reason),
            _ => ProxyError::Interrupted(reason),
        })
    }

    fn socks_error(&self, reason: &str) -> ProxyError {
        if reason.starts_with("failed to create underlying connection") {
            return match &self.debug {
                text if text.contains("ConnectionRefused") => ProxyError::Refused,
                text if text.contains(DNS) => ProxyError::Unresolved,
                _ => ProxyError::Unconnected("no connection".to_owned()),
            };
        }
        if reason.contains("authentication") || reason.contains("credentials") {
            return ProxyError::AuthorizationRequired;
        }
        match reason.starts_with("io error") || reason.starts_with("failed parsing") {
            true => ProxyError::Interrupted("it may not speak SOCKS5".to_owned()),
            false => ProxyError::NotConnected(self.exchange.clean(reason)),
        }
    }

    /// The failure of the server or of the network.
    fn server_error(&self) -> TransportError {
        let timeout = self.exchange.timeout;
        if self.is_timeout {
            return TransportError::TimedOut(timeout);
        }
        if let Some(error) = self.tls_error() {
            return TransportError::Tls(error);
        }
        if self.has(DNS) {
            return TransportError::Unresolved;
        }
        match self.io {
            Some(io::ErrorKind::ConnectionRefused) => TransportError::Refused,
            // The socket file of a Unix listener does not exist.
            Some(io::ErrorKind::NotFound) if self.is_connect => TransportError::Refused,
            Some(io::ErrorKind::TimedOut) => TransportError::TimedOut(timeout),
            _ if self.is_connect => TransportError::Unconnected(self.reason()),
            _ => TransportError::Interrupted(self.reason()),
        }
    }

    /// The text after `start` of the link that starts with it.
    fn after(&self, start: &str) -> Option<&str> {
        self.texts.iter().find_map(|text| text.strip_prefix(start))
    }

    fn has(&self, part: &str) -> bool {
        self.texts.iter().any(|text| text.contains(part))
    }

    fn tls_error(&self) -> Option<TlsError> {
        self.texts
            .iter()
            .find_map(|text| tls_error(text, self.exchange))
    }

    /// The kind of the system's error, or else the innermost text.
    fn reason(&self) -> String {
        match self.io {
            Some(io::ErrorKind::Other | io::ErrorKind::InvalidData) | None => {
                let innermost = self.texts.last().map_or("", String::as_str);
                self.exchange.clean(innermost)
            }
            Some(kind) => kind.to_string(),
        }
    }
}

/// Recognizes rustls' errors by their text.
fn tls_error(text: &str, exchange: &Exchange) -> Option<TlsError> {
    if let Some(reason) = text.strip_prefix("invalid peer certificate: ") {
        let lower = reason.to_lowercase();
        // A CA that has the name of a trusted one and another key fails the signature.
        return Some(
            if lower.contains("unknownissuer") || lower == "badsignature" {
                TlsError::UntrustedIssuer
            } else if lower.contains("not valid yet") || lower.contains("notvalidyet") {
                TlsError::NotYetValid
            } else if lower.contains("expired") {
                TlsError::Expired
            } else if lower.contains("not valid for name") || lower.contains("notvalidforname") {
                TlsError::WrongHost
            } else {
                TlsError::InvalidCertificate(exchange.clean(reason))
            },
        );
    }
    if let Some(alert) = text.strip_prefix("received fatal alert: ") {
        return Some(match alert {
            "CertificateRequired" => TlsError::ClientCertificateRequired,
            other => TlsError::Alert(exchange.clean(other)),
        });
    }
    text.starts_with("received corrupt message")
        .then_some(TlsError::NotTls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tls_error_is_recognized_by_its_text() {
        let exchange = Exchange {
            proxy: None,
            forwards: false,
            timeout: Duration::from_secs(1),
            secrets: RequestSecrets::default(),
        };
        for (text, error) in [
            (
                "invalid peer certificate: UnknownIssuer",
                TlsError::UntrustedIssuer,
            ),
            (
                "invalid peer certificate: BadSignature",
                TlsError::UntrustedIssuer,
            ),
            (
                "invalid peer certificate: certificate expired: …",
                TlsError::Expired,
            ),
            (
                "invalid peer certificate: certificate not valid yet: …",
                TlsError::NotYetValid,
            ),
            (
                "invalid peer certificate: certificate not valid for name \"v\"; …",
                TlsError::WrongHost,
            ),
            (
                "received fatal alert: CertificateRequired",
                TlsError::ClientCertificateRequired,
            ),
            (
                "received corrupt message of type InvalidContentType",
                TlsError::NotTls,
            ),
        ] {
            assert_eq!(tls_error(text, &exchange), Some(error), "{text}");
        }
        assert_eq!(tls_error("connection reset", &exchange), None);
    }
}
