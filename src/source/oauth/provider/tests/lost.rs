//! Whether a request was sent decides what the caller does with its refresh token.

use super::*;
use crate::source::TransportError;

/// What became of a refresh at `provider`.
async fn refresh(provider: &Provider) -> TokenError {
    let token = secret("rt-0123456789abcdef");
    let error = provider.token(Grant::Refresh(&token)).await.unwrap_err();
    assert!(!format!("{error:?}").contains("0123456789"), "{error:?}");
    error
}

#[tokio::test]
async fn a_request_without_a_complete_answer_is_lost() {
    for reply in [
        (|| Reply::Close) as fn() -> Reply,
        || Reply::CutOff,
        || Reply::Stall,
    ] {
        let server = FakeServer::with_document(move |_, _| reply()).await;
        let mut config = server.config();
        config.timeout = Duration::from_millis(300);
        let error = refresh(&provider(&config)).await;
        assert!(
            matches!(
                error,
                TokenError::Lost(TransportError::Interrupted(_) | TransportError::TimedOut(_))
            ),
            "{error:?}"
        );
        let lines = server.lines();
        assert_eq!(
            lines.iter().filter(|line| *line == TOKEN).count(),
            1,
            "{lines:?}"
        );
    }
}

/// A server whose token endpoint is at `endpoint`.
async fn with_token_endpoint(endpoint: String) -> TokenError {
    let server = FakeServer::start(move |_, _| {
        let mut document = document();
        document["token_endpoint"] = endpoint.clone().into();
        json_of(200, &document)
    })
    .await;
    let mut config = server.config();
    config.plain_http = true;
    config.timeout = Duration::from_millis(500);
    refresh(&provider(&config)).await
}

#[tokio::test]
async fn a_request_without_a_connection_was_not_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    // Answers no TLS handshake.
    let plain = FakeServer::start(|_, _| empty(200)).await;
    for endpoint in [
        format!("http://{address}/token"),
        "http://no-such-host.invalid/token".to_owned(),
        format!("{}/token", plain.base.replace("http:", "https:")),
    ] {
        let error = with_token_endpoint(endpoint.clone()).await;
        assert!(
            matches!(error, TokenError::Other(SourceError::Unreachable { .. })),
            "{endpoint}: {error:?}"
        );
    }
}

/// A listener whose queue is full: a connection to it is never accepted.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_connection_that_times_out_was_not_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) =
        std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200))
    {
        queued.push(stream);
        assert!(queued.len() < 10_000);
    }
    let error = with_token_endpoint(format!("http://{address}/token")).await;
    assert!(
        matches!(
            error,
            TokenError::Other(SourceError::Unreachable {
                error: TransportError::TimedOut(_),
                ..
            })
        ),
        "{error:?}"
    );
}
