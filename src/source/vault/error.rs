//! Why a request has no result, and what kept a response from arriving.

use std::{error::Error, io, time::Duration};

use super::response::{ErrorResponse, MalformedResponse};
use crate::source::{SourceError, TlsError, TransportError, sanitize};

/// How the text of hyper-util's error of a `CONNECT` request to a proxy starts.
const TUNNEL: &str = "tunnel error: ";

/// Why a request has no result. [`super::status`] turns it into a [`SourceError`].
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum RequestError {
    /// No response arrived.
    #[error("{0}")]
    NoResponse(TransportError),
    /// The status is not a success.
    #[error("status {}", .0.status)]
    Status(ErrorResponse),
    /// A redirect to this other host, which is not followed.
    #[error("redirected to '{0}'")]
    Redirected(String),
    /// The response is not Vault's.
    #[error(transparent)]
    Malformed(#[from] MalformedResponse),
    /// The request was not sent, because of an error on this machine.
    #[error(transparent)]
    NotSent(#[from] SourceError),
}

/// Classifies an error of reqwest's. The text of the chain is not shown as it is: every link
/// repeats the address.
pub(super) fn transport_error(e: &reqwest::Error, timeout: Duration) -> TransportError {
    if e.is_timeout() {
        return TransportError::TimedOut(timeout);
    }
    let chain = chain(e);
    let any = |test: fn(&str) -> bool| chain.iter().any(|link| test(&link.to_string()));
    let io = chain
        .iter()
        .find_map(|link| link.downcast_ref::<io::Error>())
        .map(io::Error::kind);
    let reason = match io {
        Some(io::ErrorKind::Other | io::ErrorKind::InvalidData) | None => innermost(e),
        Some(kind) => kind.to_string(),
    };
    // The errors of hyper-util's tunnel and resolver have no public types.
    if any(|text| text.starts_with(TUNNEL)) {
        let reason = reason.strip_prefix(TUNNEL).unwrap_or(&reason);
        return TransportError::Proxy(reason.to_owned());
    }
    if let Some(error) = chain.iter().find_map(|link| tls_error(&link.to_string())) {
        return TransportError::Tls(error);
    }
    if any(|text| text.contains("dns error")) {
        return TransportError::Unresolved;
    }
    match io {
        Some(io::ErrorKind::ConnectionRefused) => TransportError::Refused,
        // The socket file of a Unix listener does not exist.
        Some(io::ErrorKind::NotFound) if e.is_connect() => TransportError::Refused,
        Some(io::ErrorKind::TimedOut) => TransportError::TimedOut(timeout),
        _ if e.is_connect() => TransportError::Unconnected(reason),
        _ => TransportError::Interrupted(reason),
    }
}

/// Returns the text of the innermost error, as one line.
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
                TlsError::InvalidCertificate(sanitize::one_line(reason))
            },
        );
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::{io::AsyncWriteExt as _, net::TcpListener};

    use super::*;

    /// The error of a request to an HTTPS server through the proxy at `address`.
    async fn through_proxy(address: SocketAddr) -> TransportError {
        let client = reqwest::Client::builder()
            .tls_certs_only(Vec::new())
            .proxy(reqwest::Proxy::all(format!("http://{address}")).unwrap())
            .build()
            .unwrap();
        let error = client.get("https://v.test").send().await.unwrap_err();
        transport_error(&error, Duration::from_secs(1))
    }

    #[tokio::test]
    async fn a_proxy_is_named_as_the_proxy() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let response = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
            stream.write_all(response).await.unwrap();
            stream
        };
        let (error, _stream) = tokio::join!(through_proxy(address), serve);
        assert_eq!(
            error.to_string(),
            "cannot be reached through the proxy: proxy authorization required"
        );
        drop(listener);
        assert_eq!(
            through_proxy(address).await,
            TransportError::Proxy("connection refused".to_owned())
        );
    }

    #[test]
    fn a_tls_error_is_recognized_by_its_text() {
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
            assert_eq!(tls_error(text), Some(error), "{text}");
        }
        assert_eq!(tls_error("connection reset"), None);
    }
}
