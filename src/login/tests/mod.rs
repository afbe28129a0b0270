//! Logins with a source that the test controls, a real listener and a clock that the test moves.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{
    Entered, Fallback, Flow, LoginError, LoginEvent, LoginKey, LoginRequest, Logins, Watch,
    attempt::{BROWSER_LIMIT, UNWATCHED_LIMIT},
    fake::{FakeSignIn, GOOD_CODE, STATE, login, refused},
};
use crate::{
    client_variables::ClientVariables,
    clock::{ManualClock, Timestamp},
    source::{Login, SignIn, SourceError},
};

struct Fixture {
    clock: ManualClock,
    logins: Arc<Logins>,
}

impl Fixture {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let logins = Logins::new(Arc::new(clock.clone()));
        Self { clock, logins }
    }

    fn enter(&self, sign_in: &Arc<FakeSignIn>, flow: Flow) -> Entered {
        self.logins.enter(LoginRequest {
            key: LoginKey {
                source: sign_in.source.to_owned(),
                variables: ClientVariables::default().hash(),
            },
            sign_in: Arc::clone(sign_in) as Arc<dyn SignIn>,
            flow,
            on_new_user: Box::new(|| {}),
        })
    }

    /// Starts a login, or joins it if `is_joined`.
    fn watch(&self, sign_in: &Arc<FakeSignIn>, flow: Flow, is_joined: bool) -> Watch {
        match self.enter(sign_in, flow) {
            Entered::Watching {
                watch,
                is_joined: joined,
            } => {
                assert_eq!(joined, is_joined);
                watch
            }
            Entered::Busy { source, .. } => panic!("'{source}' is under way"),
        }
    }

    /// Lets the tasks do what they can, then lets `time` pass.
    async fn pass(&self, time: Duration) {
        settle().await;
        self.clock.advance(time);
        settle().await;
    }
}

async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn sso() -> Arc<FakeSignIn> {
    Arc::new(FakeSignIn::new("sso"))
}

/// The port of the next event, which must be a page to open.
async fn browser_port(watch: &mut Watch) -> u16 {
    match watch.next().await {
        Some(LoginEvent::Browser {
            url,
            redirect_port: Some(port),
        }) => {
            assert_eq!(url.as_str(), "https://idp.test/authorize");
            port
        }
        other => panic!("{other:?}"),
    }
}

async fn end(watch: &mut Watch) -> Result<Login, LoginError> {
    loop {
        match watch.next().await {
            Some(LoginEvent::Ended(result)) => {
                assert_eq!(watch.next().await, None);
                return result;
            }
            Some(_) => {}
            None => panic!("no end"),
        }
    }
}

/// What the browser shows after a redirect with this query.
async fn redirect(port: u16, query: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!(
        "GET /callback?state={STATE}&{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    page
}

async fn is_open(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}

#[tokio::test]
async fn a_browser_brings_the_code_and_shows_the_outcome() {
    for (query, expected, page) in [
        ("code=good", Ok(login()), "Signed in as jo"),
        ("code=bad", Err(refused("invalid_grant")), "Sign-in failed"),
        (
            "error=access_denied",
            Err(refused("access_denied")),
            "access_denied",
        ),
    ] {
        let (fixture, sign_in) = (Fixture::new(), sso());
        let mut watch = fixture.watch(&sign_in, Flow::Configured, false);
        let port = browser_port(&mut watch).await;
        sign_in.decided.notify_one();
        let shown = redirect(port, query).await;
        assert!(shown.contains(page), "{shown}");
        if query.starts_with("code") {
            assert_eq!(watch.next().await, Some(LoginEvent::Exchanging));
        }
        assert_eq!(end(&mut watch).await, expected.map_err(LoginError::Source));
    }
}

#[tokio::test]
async fn a_second_watcher_joins_and_gets_the_same_events() {
    let (fixture, sign_in) = (Fixture::new(), sso());
    let mut first = fixture.watch(&sign_in, Flow::Configured, false);
    let port = browser_port(&mut first).await;
    let mut second = fixture.watch(&sign_in, Flow::Device, true);
    assert_eq!(browser_port(&mut second).await, port);
    // The first one goes: the second one still waits.
    drop(first);
    fixture.pass(2 * UNWATCHED_LIMIT).await;
    sign_in.decided.notify_one();
    redirect(port, &format!("code={GOOD_CODE}")).await;
    assert_eq!(end(&mut second).await, Ok(login()));
    assert_eq!(sign_in.started.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_login_at_another_source_waits_for_the_end_of_the_first() {
    let (fixture, sso, other) = (Fixture::new(), sso(), Arc::new(FakeSignIn::new("other")));
    let mut first = fixture.watch(&sso, Flow::Device, false);
    let Entered::Busy { source, mut end } = fixture.enter(&other, Flow::Device) else {
        panic!("two at a time");
    };
    assert_eq!(source, "sso");
    sso.decided.notify_one();
    end.wait().await;
    assert_eq!(self::end(&mut first).await, Ok(login()));
    drop(fixture.watch(&other, Flow::Device, false));
}

#[tokio::test]
async fn a_login_that_is_not_watched_is_cancelled_and_leaves_nothing() {
    for flow in [Flow::Configured, Flow::Device] {
        let (fixture, sign_in) = (Fixture::new(), sso());
        let mut watch = fixture.watch(&sign_in, flow, false);
        let port = match flow {
            Flow::Configured => Some(browser_port(&mut watch).await),
            _ => None,
        };
        drop(watch);
        fixture.pass(UNWATCHED_LIMIT / 2).await;
        let again = fixture.watch(&sign_in, flow, true);
        drop(again);
        fixture.pass(UNWATCHED_LIMIT).await;
        fixture.pass(UNWATCHED_LIMIT).await;
        if let Some(port) = port {
            assert!(!is_open(port).await);
        }
        drop(fixture.watch(&sign_in, flow, false));
        assert_eq!(sign_in.login().await, Ok(None));
    }
}

/// The code is used once, and the server has issued tokens: they must be kept.
#[tokio::test]
async fn a_login_whose_code_has_arrived_is_completed_without_watchers() {
    let (fixture, sign_in) = (Fixture::new(), sso());
    let mut watch = fixture.watch(&sign_in, Flow::Configured, false);
    let port = browser_port(&mut watch).await;
    let browser = tokio::spawn(redirect(port, "code=good"));
    assert_eq!(watch.next().await, Some(LoginEvent::Exchanging));
    drop(watch);
    fixture.pass(2 * UNWATCHED_LIMIT).await;
    sign_in.decided.notify_one();
    assert!(browser.await.unwrap().contains("signed in"));
    assert_eq!(sign_in.login().await, Ok(Some(login())));
}

#[tokio::test]
async fn a_browser_that_does_not_come_back_is_waited_for_with_an_end() {
    let (fixture, sign_in) = (Fixture::new(), sso());
    let mut watch = fixture.watch(&sign_in, Flow::Configured, false);
    let port = browser_port(&mut watch).await;
    fixture.pass(BROWSER_LIMIT - Duration::from_secs(1)).await;
    assert!(is_open(port).await);
    fixture.pass(Duration::from_secs(1)).await;
    assert_eq!(
        end(&mut watch).await,
        Err(LoginError::TimedOut(BROWSER_LIMIT))
    );
    assert!(!is_open(port).await);
}

#[tokio::test]
async fn a_store_that_cannot_keep_a_login_is_found_before_anything_opens() {
    let error = SourceError::Configuration {
        reason: "the store is locked".to_owned(),
        hint: "unlock it".to_owned(),
    };
    for flow in [Flow::Configured, Flow::Device, Flow::NoBrowser] {
        let fixture = Fixture::new();
        let sign_in = Arc::new(FakeSignIn {
            store: Some(error.clone()),
            ..FakeSignIn::new("sso")
        });
        let mut watch = fixture.watch(&sign_in, flow, false);
        let expected = LoginEvent::Ended(Err(error.clone().into()));
        assert_eq!(watch.next().await, Some(expected));
        assert_eq!(sign_in.started.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn without_a_browser_the_user_gets_a_code_or_else_the_page() {
    let (fixture, sign_in) = (Fixture::new(), sso());
    let mut watch = fixture.watch(&sign_in, Flow::NoBrowser, false);
    let fallback = Some(LoginEvent::Fallback(Fallback::Device));
    assert_eq!(watch.next().await, fallback);
    assert!(matches!(
        watch.next().await,
        Some(LoginEvent::Device { user_code, .. }) if user_code == "ABCD-EFGH"
    ));
    sign_in.decided.notify_one();
    assert_eq!(end(&mut watch).await, Ok(login()));

    let error = refused("unauthorized_client");
    let sign_in = Arc::new(FakeSignIn {
        no_device: Some(error.clone()),
        ..FakeSignIn::new("sso")
    });
    let mut watch = fixture.watch(&sign_in, Flow::NoBrowser, false);
    let fallback = Some(LoginEvent::Fallback(Fallback::Url(error.to_string())));
    assert_eq!(watch.next().await, fallback);
    browser_port(&mut watch).await;
    // With --device it is an error.
    drop(watch);
    fixture.pass(UNWATCHED_LIMIT).await;
    let mut watch = fixture.watch(&sign_in, Flow::Device, false);
    assert_eq!(end(&mut watch).await, Err(error.into()));
}

#[tokio::test]
async fn a_configured_port_is_free_for_the_next_login_and_named_if_it_is_taken() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let fixture = Fixture::new();
    let mut sign_in = FakeSignIn::new("sso");
    sign_in.settings.redirect_port = Some(port);
    let sign_in = Arc::new(sign_in);
    let mut watch = fixture.watch(&sign_in, Flow::Configured, false);
    assert_eq!(end(&mut watch).await, Err(LoginError::PortInUse(port)));
    drop(taken);
    // While the page of the first is still shown, the second starts.
    for _ in 0..2 {
        let mut watch = fixture.watch(&sign_in, Flow::Configured, false);
        assert_eq!(browser_port(&mut watch).await, port);
        sign_in.decided.notify_one();
        redirect(port, "code=good").await;
        assert_eq!(end(&mut watch).await, Ok(login()));
    }
}
