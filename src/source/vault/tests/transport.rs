//! Redirects, and servers that do not respond.

use super::*;

#[tokio::test]
async fn a_redirect_is_followed_on_the_same_host_only() {
    let other = FakeVault::start(normal).await;
    let to = format!("http://{}/v1/kv/data/team", other.address);
    let header: &'static str = Box::leak(format!("location: {to}").into_boxed_str());
    let server = FakeVault::start(move |line, before, _| match line {
        "GET /v1/kv/data/team" => Reply::WithHeader(307, header, String::new()),
        _ => normal(line, before, ""),
    })
    .await;
    let error = issue_once(&server.address).await.unwrap_err();
    assert!(
        error.to_string().contains(&format!(
            "redirects to '{}', which 'redirect_hosts' does not list",
            other.address
        )),
        "{error}"
    );
    assert!(!error.is_final());
    assert!(other.requests().is_empty());

    let server = FakeVault::start(|line, before, token| match line {
        "GET /v1/kv/data/team" => Reply::WithHeader(307, "location: /v1/other", String::new()),
        "GET /v1/other" if token == "hvs.T" => respond(200, SECRET),
        _ => normal(line, before, ""),
    })
    .await;
    assert!(issue_once(&server.address).await.is_ok());

    let server = FakeVault::start(|_, _, _| {
        Reply::WithHeader(307, "location: /v1/auth/m/login", String::new())
    })
    .await;
    let error = issue_once(&server.address).await.unwrap_err();
    assert!(!error.is_final(), "{error:?}");
    assert!(server.requests().len() <= 5);
}

#[tokio::test]
async fn without_a_response_the_error_names_the_cause() {
    let outcome = async |script: fn(&str, usize, &str) -> Reply| {
        let server = FakeVault::start(script).await;
        issue_once(&server.address).await.unwrap_err()
    };
    let stalled = outcome(|_, _, _| Reply::Stall).await;
    assert!(
        matches!(
            stalled,
            SourceError::Unreachable {
                error: TransportError::TimedOut(_),
                ..
            }
        ),
        "{stalled:?}"
    );
    let broken = outcome(|_, _, _| Reply::CutOff).await;
    assert!(
        matches!(
            broken,
            SourceError::Unreachable {
                error: TransportError::Interrupted(_),
                ..
            }
        ),
        "{broken:?}"
    );
    let long = outcome(|_, _, _| respond(200, &"x".repeat(1024 * 1024 + 1))).await;
    assert!(matches!(long, SourceError::Malformed { .. }), "{long:?}");
    let page = outcome(|_, _, _| respond(200, "<html>")).await;
    assert!(matches!(page, SourceError::Malformed { .. }), "{page:?}");
    let quota = outcome(|_, _, _| Reply::WithHeader(429, "retry-after: 17", String::new())).await;
    assert_eq!(quota.retry_after(), Some(Duration::from_secs(17)));
    let date = "retry-after: Thu, 01 Jan 2026 00:01:00 GMT";
    let dated = FakeVault::start(move |_, _, _| {
        Reply::WithHeader(503, date, r#"{"errors":["Vault is sealed"]}"#.to_owned())
    })
    .await;
    let sealed = issue_once(&dated.address).await.unwrap_err();
    assert_eq!(sealed.retry_after(), Some(Duration::from_secs(60)));

    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let refused = VaultFixture::with_approle(&free.to_string())
        .source
        .issue()
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            SourceError::Unreachable {
                error: TransportError::Refused,
                ..
            }
        ),
        "{refused:?}"
    );
}
