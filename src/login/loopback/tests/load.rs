//! Peers that send nothing, too much or too slowly.

use std::time::Duration;

use super::{
    super::listener::Limits,
    browser::Browser,
    right,
    sign_in::{PATIENT, SignIn},
};

const IMPATIENT: Limits = Limits {
    head_timeout: Duration::from_millis(100),
    ..PATIENT
};

#[tokio::test]
async fn a_silent_connection_does_not_matter() {
    let sign_in = SignIn::start(PATIENT).await;
    let _preconnect = sign_in.browser().await;
    let mut partial = sign_in.browser().await;
    partial.send(b"GET /callback?co").await;
    drop(sign_in.browser().await);
    sign_in.assert_goes_on().await;
}

#[tokio::test]
async fn a_slow_head_ends_the_connection() {
    let sign_in = SignIn::start(IMPATIENT).await;
    for start in ["", "G", "GET /callback HTTP/1.1\r\nHost: 127.0.0.1\r\nA: "] {
        let mut browser = sign_in.browser().await;
        browser.send(start.as_bytes()).await;
        let response = browser.next_response().await;
        assert!(response.is_none_or(|response| response.status == 408));
    }
    // One byte at a time does not extend the time.
    let mut drip = sign_in.browser().await;
    drip.send(b"GET /").await;
    let dripping = async {
        loop {
            drip.send(b"a").await;
            tokio::time::sleep(Duration::from_millis(10)).await;
            if drip.is_closed() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), dripping)
        .await
        .unwrap();
    // An idle connection gives its place back, too.
    let mut idle = sign_in.browser().await;
    idle.get("/").await;
    assert_eq!(idle.next_response().await.unwrap().status, 404);
    assert!(idle.next_response().await.is_none());
    sign_in.assert_goes_on().await;
}

/// More connections than there are places: the callback waits until the silent ones are closed.
#[tokio::test]
async fn many_connections_do_not_keep_the_callback_out() {
    let sign_in = SignIn::start(IMPATIENT).await;
    let mut crowd = Vec::new();
    for _ in 0..200 {
        crowd.push(sign_in.browser().await);
    }
    sign_in.assert_goes_on().await;
    drop(crowd);
}

#[tokio::test]
async fn many_requests_are_all_answered() {
    let sign_in = SignIn::start(PATIENT).await;
    let mut crowd = Vec::new();
    for number in 0..100 {
        let mut browser = sign_in.browser().await;
        browser.get(&format!("/callback?state={number}")).await;
        crowd.push(browser);
    }
    // Each one that is closed lets another in.
    for mut browser in crowd {
        assert_eq!(browser.next_response().await.unwrap().status, 400);
    }
    sign_in.assert_goes_on().await;
}

#[tokio::test]
async fn a_huge_request_is_refused() {
    let sign_in = SignIn::start(PATIENT).await;
    let huge = "a".repeat(200_000);
    for (target, lines) in [
        (format!("/callback?code={huge}"), String::new()),
        ("/callback".to_owned(), format!("Cookie: {huge}\r\n")),
    ] {
        let mut browser = sign_in.browser().await;
        browser.request("GET", &target, &lines).await;
        // A peer that is still writing may see a reset instead.
        let response = browser.next_response().await;
        assert!(response.is_none_or(|response| matches!(response.status, 414 | 431)));
    }
    let lines: String = (0..200).map(|n| format!("X-{n}: a\r\n")).collect();
    let mut browser = sign_in.browser().await;
    browser.request("GET", "/callback", &lines).await;
    assert_eq!(browser.next_response().await.unwrap().status, 431);
    sign_in.assert_goes_on().await;
}

/// The cookies of other programs on 127.0.0.1 come along.
#[tokio::test]
async fn a_long_code_and_cookies_have_room() {
    let sign_in = SignIn::start(PATIENT).await;
    let cookies = format!("Cookie: {}\r\n", "c".repeat(16_000));
    let mut browser = sign_in.browser().await;
    let target = format!("{}&session_state={}", right(), "s".repeat(8_000));
    browser.request("GET", &target, &cookies).await;
    assert_eq!(sign_in.callback().await.0, super::code());
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let sign_in = SignIn::start(PATIENT).await;
    for bytes in [
        // A browser that insists on https.
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /callback?code=a b c HTTP/1.1\r\n\r\n",
        b"\r\n\r\n\0\0\0\0\r\n\r\n",
    ] {
        let mut browser: Browser = sign_in.browser().await;
        browser.send(bytes).await;
        let response = browser.next_response().await;
        assert!(response.is_none_or(|response| (400..600).contains(&response.status)));
    }
    sign_in.assert_goes_on().await;
}
