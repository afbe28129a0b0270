//! From the right callback to the page with the outcome.

use std::{io, net::Ipv4Addr, time::Duration};

use tokio::{net::TcpStream, task::JoinHandle};

use super::{
    super::{Callback, LoopbackListener, Outcome, RedirectSettings, listener::Limits},
    CODE, STATE, code, right,
    sign_in::{PATIENT, SignIn, signed_in},
};

fn finish(listener: LoopbackListener, outcome: Outcome) -> JoinHandle<()> {
    tokio::spawn(async move { listener.finish(&outcome).await })
}

fn failed() -> Outcome {
    Outcome::Failed {
        title: "Sign-in failed".to_owned(),
        reason: "The code <expired>.".to_owned(),
        what_to_do: "Run 'claviger login' again.".to_owned(),
    }
}

#[tokio::test]
async fn the_redirect_uri_has_the_port_and_the_path() {
    for (path, expected) in [
        ("/callback", "/callback"),
        ("/oauth2/cb", "/oauth2/cb"),
        ("/", "/"),
    ] {
        let settings = RedirectSettings {
            port: None,
            path: path.to_owned(),
        };
        let listener = LoopbackListener::bind(&settings).await.unwrap();
        let uri = listener.redirect_uri();
        assert_eq!(uri.scheme(), "http");
        assert_eq!(uri.host_str(), Some("127.0.0.1"));
        assert_eq!(uri.path(), expected);
        let taken = RedirectSettings {
            port: uri.port(),
            path: path.to_owned(),
        };
        let error = LoopbackListener::bind(&taken).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        let listener = LoopbackListener::bind(&taken).await.unwrap();
        assert_eq!(listener.redirect_uri().port(), taken.port);
    }
}

/// Another address of this machine's loopback network has nothing at the port.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn only_127_0_0_1_listens() {
    let sign_in = SignIn::start(PATIENT).await;
    let port = sign_in.address.port();
    assert_eq!(sign_in.address.ip(), Ipv4Addr::LOCALHOST);
    for address in [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::new(127, 1, 2, 3)] {
        let error = TcpStream::connect((address, port)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}

#[tokio::test]
async fn the_browser_waits_for_the_outcome() {
    for (outcome, text) in [
        (signed_in(), "<p>Signed in as jo@example.com.</p>"),
        (failed(), "The code &lt;expired&gt;."),
    ] {
        let sign_in = SignIn::start(PATIENT).await;
        let mut browser = sign_in.browser().await;
        browser.get(&right()).await;
        let (callback, listener) = sign_in.callback().await;
        assert_eq!(callback, code());
        let finishing = finish(listener, outcome);
        let page = browser.next_response().await.unwrap();
        assert_eq!(page.status, 200);
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(
            page.header("content-length"),
            Some(&*page.body.len().to_string())
        );
        assert!(page.body.contains(text), "{}", page.body);
        page.assert_safe();
        // The connection stays open for what the browser asks next.
        browser.get("/favicon.ico").await;
        assert_eq!(browser.next_response().await.unwrap().status, 404);
        finishing.abort();
    }
}

#[tokio::test]
async fn the_servers_error_is_a_callback() {
    let sign_in = SignIn::start(PATIENT).await;
    let mut browser = sign_in.browser().await;
    browser
        .get(&format!(
            "/callback?error=access_denied&error_description=no%0A+way&state={STATE}"
        ))
        .await;
    let expected = Callback::Error {
        code: "access_denied".to_owned(),
        description: Some("no way".to_owned()),
    };
    assert_eq!(sign_in.callback().await.0, expected);
}

/// A reload or a second tab, before and after the outcome: the first callback alone counts.
#[tokio::test]
async fn all_tabs_show_the_same_outcome() {
    let sign_in = SignIn::start(PATIENT).await;
    let mut first = sign_in.browser().await;
    let mut second = sign_in.browser().await;
    first.get(&right()).await;
    let (callback, listener) = sign_in.callback().await;
    assert_eq!(callback, code());
    // These differ from the first, so that a second use would show.
    second
        .get(&format!("/callback?code=other&state={STATE}"))
        .await;
    let address = listener.redirect_uri().socket_addrs(|| None).unwrap()[0];
    let mut third = super::browser::Browser::open(address).await;
    third
        .get(&format!("/callback?error=other&state={STATE}"))
        .await;
    let mut foreign = super::browser::Browser::open(address).await;
    foreign.get("/callback?error=access_denied&state=x").await;

    let finishing = finish(listener, signed_in());
    let page = first.next_response().await.unwrap();
    for tab in [&mut second, &mut third] {
        assert_eq!(tab.next_response().await.unwrap().body, page.body);
    }
    assert_eq!(foreign.next_response().await.unwrap().status, 400);
    first.get(&right()).await;
    assert_eq!(first.next_response().await.unwrap().body, page.body);
    finishing.abort();
}

#[tokio::test]
async fn a_browser_that_gives_up_does_not_matter() {
    let sign_in = SignIn::start(PATIENT).await;
    let address = sign_in.address;
    let mut browser = sign_in.browser().await;
    browser.get(&right()).await;
    let (callback, listener) = sign_in.callback().await;
    drop(browser);
    assert_eq!(callback, code());
    let finishing = finish(listener, signed_in());
    let mut again = super::browser::Browser::open(address).await;
    again.get(&right()).await;
    let page = again.next_response().await.unwrap();
    assert!(page.body.contains("<h1>You are signed in</h1>"));
    finishing.abort();
}

#[tokio::test]
async fn http_1_0_and_pipelines_are_answered() {
    let sign_in = SignIn::start(PATIENT).await;
    let address = sign_in.address;
    let host = format!("Host: {address}\r\n\r\n");
    let mut old = sign_in.browser().await;
    let head = format!("GET /callback?state=x HTTP/1.0\r\n{host}");
    old.send(head.as_bytes()).await;
    assert_eq!(old.next_response().await.unwrap().status, 400);
    // An old client's connection ends with the response.
    assert!(old.next_response().await.is_none());

    let mut pipeline = sign_in.browser().await;
    let callback = format!("GET {} HTTP/1.1\r\n{host}", right());
    let icon = format!("GET /favicon.ico HTTP/1.1\r\n{host}");
    let all = format!("{icon}{callback}{callback}{icon}");
    pipeline.send(all.as_bytes()).await;
    assert_eq!(pipeline.next_response().await.unwrap().status, 404);
    let (callback, listener) = sign_in.callback().await;
    assert_eq!(callback, code());
    let finishing = finish(listener, signed_in());
    for status in [200, 200, 404] {
        assert_eq!(pipeline.next_response().await.unwrap().status, status);
    }
    finishing.abort();
}

#[tokio::test]
async fn the_port_is_closed_at_the_end() {
    let limits = Limits {
        linger: Duration::from_millis(50),
        ..PATIENT
    };
    let sign_in = SignIn::start(limits).await;
    let address = sign_in.address;
    let mut browser = sign_in.browser().await;
    browser
        .get(&format!("/callback?code={CODE}&state={STATE}"))
        .await;
    let (_, listener) = sign_in.callback().await;
    listener.finish(&signed_in()).await;
    assert_eq!(browser.next_response().await.unwrap().status, 200);
    assert!(browser.next_response().await.is_none());
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_wait_that_is_given_up_can_go_on() {
    let settings = RedirectSettings {
        port: None,
        path: "/callback".to_owned(),
    };
    let mut listener = LoopbackListener::bind(&settings).await.unwrap();
    let address = listener.redirect_uri().socket_addrs(|| None).unwrap()[0];
    let expected = super::super::ExpectedCallback {
        state: crate::secret::Secret::new(STATE.to_owned()),
        issuer: None,
        iss_required: false,
    };
    let mut browser = super::browser::Browser::open(address).await;
    let early = tokio::time::timeout(Duration::from_millis(20), listener.callback(&expected));
    assert!(early.await.is_err());
    browser.get(&right()).await;
    assert_eq!(listener.callback(&expected).await, code());
}
