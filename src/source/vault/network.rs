//! What kept a response from arriving, read from reqwest's chain of errors.

use std::{error::Error, io, time::Duration};

use crate::source::{TlsError, TransportError, sanitize};

/// Classifies `e`. The text of the chain is not shown as it is: every link repeats the address.
pub(super) fn transport_error(e: &reqwest::Error, timeout: Duration) -> TransportError {
    if e.is_timeout() {
        return TransportError::TimedOut(timeout);
    }
    let chain = chain(e);
    if let Some(error) = chain.iter().find_map(|link| tls_error(&link.to_string())) {
        return TransportError::Tls(error);
    }
    let io = chain
        .iter()
        .find_map(|link| link.downcast_ref::<io::Error>())
        .map(io::Error::kind);
    if let Some(reason) = chain
        .iter()
        .find_map(|link| proxy_error(&link.to_string(), io))
    {
        return TransportError::Proxy(reason);
    }
    // hyper-util's DNS error has no public type.
    if chain
        .iter()
        .any(|link| link.to_string().contains("dns error"))
    {
        return TransportError::Unresolved;
    }
    let reason = match io {
        Some(io::ErrorKind::ConnectionRefused) => return TransportError::Refused,
        // The socket file of a unix listener does not exist.
        Some(io::ErrorKind::NotFound) if e.is_connect() => return TransportError::Refused,
        Some(io::ErrorKind::TimedOut) => return TransportError::TimedOut(timeout),
        Some(io::ErrorKind::Other | io::ErrorKind::InvalidData) | None => innermost(e),
        Some(kind) => kind.to_string(),
    };
    if e.is_connect() {
        TransportError::Unconnected(reason)
    } else {
        TransportError::Interrupted(reason)
    }
}

/// The text of the innermost error, as one line.
pub(super) fn innermost(e: &reqwest::Error) -> String {
    chain(e)
        .last()
        .map(|link| sanitize::one_line(&link.to_string()))
        .unwrap_or_default()
}

fn chain(e: &reqwest::Error) -> Vec<&(dyn Error + 'static)> {
    let first: Option<&(dyn Error + 'static)> = Some(e);
    std::iter::successors(first, |&link| link.source()).collect()
}

/// Recognizes rustls' errors by their text: reqwest does not re-export their types.
fn tls_error(text: &str) -> Option<TlsError> {
    if let Some(reason) = text.strip_prefix("invalid peer certificate: ") {
        let lower = reason.to_lowercase();
        return Some(if lower.contains("unknownissuer") {
            TlsError::UntrustedIssuer
        } else if lower.contains("not valid yet") || lower.contains("notvalidyet") {
            TlsError::NotYetValid
        } else if lower.contains("expired") {
            TlsError::Expired
        } else if lower.contains("not valid for name") || lower.contains("notvalidforname") {
            TlsError::WrongHost
        } else {
            TlsError::InvalidCertificate(sanitize::one_line(reason))
        });
    }
    if let Some(alert) = text.strip_prefix("received fatal alert: ") {
        return Some(match alert {
            "CertificateRequired" => TlsError::ClientCertificateRequired,
            other => TlsError::Alert(sanitize::one_line(other)),
        });
    }
    text.starts_with("received corrupt message")
        .then_some(TlsError::NotTls)
}

/// Recognizes hyper-util's error of a `CONNECT` request to a proxy by its text: its type is
/// private. `io` is the kind of the I/O error below it.
fn proxy_error(text: &str, io: Option<io::ErrorKind>) -> Option<String> {
    let reason = text.strip_prefix("tunnel error: ")?;
    Some(io.map_or_else(|| sanitize::one_line(reason), |kind| kind.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_named_as_the_proxy() {
        let text = "tunnel error: proxy authorization required";
        assert_eq!(
            proxy_error(text, None).as_deref(),
            Some("proxy authorization required")
        );
        let text = "tunnel error: failed to create underlying connection";
        assert_eq!(
            proxy_error(text, Some(io::ErrorKind::ConnectionRefused)).as_deref(),
            Some("connection refused")
        );
        assert_eq!(proxy_error("tcp connect error", None), None);
    }

    #[test]
    fn a_tls_error_is_recognized_by_its_text() {
        for (text, error) in [
            (
                "invalid peer certificate: UnknownIssuer",
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
            assert_eq!(tls_error(text), Some(error), "{text}");
        }
        assert_eq!(tls_error("connection reset"), None);
    }
}
