//! What kept an answer from coming, out of reqwest's chain of errors.

use std::{error::Error, io, time::Duration};

use crate::source::{TransportError, sanitize};

/// Names the trouble. The chain's text is not shown as it is: it has the address in it, over and over.
pub(super) fn transport_error(e: &reqwest::Error, timeout: Duration) -> TransportError {
    if e.is_timeout() {
        return TransportError::TimedOut(timeout);
    }
    let chain = chain(e);
    if let Some(reason) = chain.iter().find_map(|link| tls(&link.to_string())) {
        return TransportError::Tls(reason);
    }
    // Only `Display` tells it from others.
    if chain
        .iter()
        .any(|link| link.to_string().contains("dns error"))
    {
        return TransportError::Unresolved;
    }
    let io = chain
        .iter()
        .find_map(|link| link.downcast_ref::<io::Error>());
    match io.map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => TransportError::Refused,
        // A unix listener that is not there.
        Some(io::ErrorKind::NotFound) if e.is_connect() => TransportError::Refused,
        Some(io::ErrorKind::TimedOut) => TransportError::TimedOut(timeout),
        Some(io::ErrorKind::Other | io::ErrorKind::InvalidData) | None => {
            TransportError::Broken(innermost(e))
        }
        Some(kind) => TransportError::Broken(kind.to_string()),
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

/// rustls' words in ours. They are all that there is: its types are not ours to name.
fn tls(text: &str) -> Option<String> {
    if let Some(reason) = text.strip_prefix("invalid peer certificate: ") {
        let lower = reason.to_lowercase();
        return Some(if lower.contains("unknownissuer") {
            "its certificate is from an issuer that is not trusted here".to_owned()
        } else if lower.contains("not valid yet") || lower.contains("notvalidyet") {
            "its certificate is not valid yet".to_owned()
        } else if lower.contains("expired") {
            "its certificate has expired".to_owned()
        } else if lower.contains("not valid for name") || lower.contains("notvalidforname") {
            "its certificate is another host's".to_owned()
        } else {
            format!(
                "its certificate is not valid ({})",
                sanitize::one_line(reason)
            )
        });
    }
    if let Some(alert) = text.strip_prefix("received fatal alert: ") {
        return Some(match alert {
            "CertificateRequired" => "it wants a client certificate".to_owned(),
            other => format!("it ended the handshake ({})", sanitize::one_line(other)),
        });
    }
    text.starts_with("received corrupt message")
        .then(|| "it does not speak TLS".to_owned())
}
