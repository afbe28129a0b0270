//! Requests that are not the callback: each is answered, and the sign-in goes on.

use super::{
    CODE, STATE, right,
    sign_in::{PATIENT, SignIn},
};

#[tokio::test]
async fn another_path_is_not_found() {
    let sign_in = SignIn::start(PATIENT).await;
    for target in ["/", "/favicon.ico", "/robots.txt", "/callback/x", "/%2e%2e"] {
        let target = format!("{target}?code={CODE}&state={STATE}");
        let response = sign_in.get(&target).await;
        assert_eq!(response.status, 404, "{target}");
        response.assert_safe();
    }
    sign_in.assert_goes_on().await;
}

#[tokio::test]
async fn only_get_is_a_callback() {
    let sign_in = SignIn::start(PATIENT).await;
    let form = format!("code={CODE}&state={STATE}");
    let length = format!("Content-Length: {}\r\n", form.len());
    let form_type = format!("{length}Content-Type: application/x-www-form-urlencoded\r\n");
    for (method, lines, body) in [
        ("POST", form_type.as_str(), form.as_str()),
        ("PUT", length.as_str(), form.as_str()),
        (
            "OPTIONS",
            "Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n",
            "",
        ),
        ("DELETE", "", ""),
    ] {
        let mut browser = sign_in.browser().await;
        browser.request(method, &right(), lines).await;
        browser.send(body.as_bytes()).await;
        let response = browser.next_response().await.unwrap();
        assert_eq!(response.status, 405, "{method}");
        assert_eq!(response.header("allow"), Some("GET"));
        assert_eq!(response.header("access-control-allow-origin"), None);
        response.assert_safe();
    }
    let mut browser = sign_in.browser().await;
    browser.request("HEAD", &right(), "").await;
    assert_eq!(browser.next_head().await.unwrap().status, 405);
    sign_in.assert_goes_on().await;
}

#[tokio::test]
async fn another_host_is_refused() {
    let sign_in = SignIn::start(PATIENT).await;
    let port = sign_in.address.port();
    for (hosts, status) in [
        (format!("Host: localhost:{port}\r\n"), 421),
        (format!("Host: rebound.example:{port}\r\n"), 421),
        ("Host: 127.0.0.1\r\n".to_owned(), 421),
        (String::new(), 400),
        (
            format!("Host: 127.0.0.1:{port}\r\nHost: localhost\r\n"),
            400,
        ),
    ] {
        for version in ["1.0", "1.1"] {
            let mut browser = sign_in.browser().await;
            let head = format!("GET {} HTTP/{version}\r\n{hosts}\r\n", right());
            browser.send(head.as_bytes()).await;
            let response = browser.next_response().await.unwrap();
            assert_eq!(response.status, status, "{hosts}");
            response.assert_safe();
        }
    }
    sign_in.assert_goes_on().await;
}

#[tokio::test]
async fn a_forged_callback_is_told_so() {
    let sign_in = SignIn::start(PATIENT).await;
    for query in [
        "",
        "error=access_denied",
        "error=access_denied&error_description=%3Cscript%3E&state=",
        "error=access_denied&state=wrong",
        "code=forged&state=wrong",
        "code=forged",
    ] {
        let response = sign_in.get(&format!("/callback?{query}")).await;
        assert_eq!(response.status, 400, "{query}");
        assert!(response.body.contains("<h1>Not part of this sign-in</h1>"));
        assert!(response.body.contains("Your sign-in goes on"));
        response.assert_safe();
    }
    sign_in.assert_goes_on().await;
}

#[tokio::test]
async fn an_ambiguous_callback_is_refused() {
    let sign_in = SignIn::start(PATIENT).await;
    for query in [
        format!("code={CODE}&code={CODE}&state={STATE}"),
        format!("code={CODE}&state={STATE}&state={STATE}"),
        format!("code={CODE}&error=access_denied&state={STATE}"),
        format!("state={STATE}"),
    ] {
        let response = sign_in.get(&format!("/callback?{query}")).await;
        assert_eq!(response.status, 400, "{query}");
        assert!(response.body.contains("answer is invalid"), "{query}");
        response.assert_safe();
    }
    sign_in.assert_goes_on().await;
}

#[tokio::test]
async fn another_issuer_is_named() {
    let sign_in = SignIn::start_for(Some("https://login.example/"), PATIENT).await;
    for (iss, got) in [
        (
            "&iss=https://login.example",
            "&#39;https://login.example&#39;",
        ),
        (
            "&iss=https://evil.example/",
            "&#39;https://evil.example/&#39;",
        ),
        ("", "got none"),
    ] {
        let response = sign_in.get(&format!("{}{iss}", right())).await;
        assert_eq!(response.status, 400);
        assert!(response.body.contains("another identity provider"));
        assert!(response.body.contains(got), "{}", response.body);
        response.assert_safe();
    }
    let mut browser = sign_in.browser().await;
    browser
        .get(&format!("{}&iss=https%3A%2F%2Flogin.example%2F", right()))
        .await;
    assert_eq!(sign_in.callback().await.0, super::code());
}

/// What a browser adds or leaves out does not matter.
#[tokio::test]
async fn fetch_metadata_does_not_matter() {
    for lines in [
        "",
        "Origin: null\r\n",
        "Origin: https://login.example\r\nSec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
        "Cookie: a=b\r\nConnection: close\r\n",
    ] {
        let sign_in = SignIn::start(PATIENT).await;
        let mut browser = sign_in.browser().await;
        browser.request("GET", &right(), lines).await;
        assert_eq!(sign_in.callback().await.0, super::code(), "{lines}");
    }
}

/// At the lowest level, which contains all others.
#[tokio::test]
async fn the_log_contains_neither_code_nor_state() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let file = log.reopen().unwrap();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(std::sync::Mutex::new(file))
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let sign_in = SignIn::start_for(Some("https://login.example/"), PATIENT).await;
    for target in [
        format!("/callback?code={CODE}&state=x{STATE}"),
        format!("{}&iss={STATE}", right()),
        format!("{}&code={CODE}", right()),
        format!("/other?code={CODE}&state={STATE}"),
    ] {
        sign_in.get(&target).await.assert_safe();
    }
    let mut browser = sign_in.browser().await;
    browser
        .get(&format!("{}&iss=https://login.example/", right()))
        .await;
    let (callback, listener) = sign_in.callback().await;
    drop(guard);
    let log = std::fs::read_to_string(log.path()).unwrap();
    assert_eq!(log.matches("is not part of the sign-in").count(), 3);
    let all = format!("{log}{callback:?}{listener:?}");
    assert!(!all.contains("canary"), "{all}");
}
