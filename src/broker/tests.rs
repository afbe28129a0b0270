//! The mechanism: tasks, waiting and time. The policy is tested in `slot/tests`.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{sync::Notify, task::JoinHandle};

use super::{
    slot::{CredentialUnavailable, Reason},
    *,
};
use crate::{
    clock::{ManualClock, Timestamp},
    credential,
    credential::Credential,
    secret::Secret,
    source::{Revocation, Source, SourceError, TransportError},
};

const REQUEST: AcquireRequest = AcquireRequest::new(Duration::from_secs(300), None);

/// A key with its lifetime in seconds, or an error.
type Scripted = Result<(&'static str, Option<u64>), SourceError>;

/// A source that returns the given answers in order; with a gate, each after one notification.
struct ScriptedSource {
    clock: ManualClock,
    answers: Mutex<VecDeque<Scripted>>,
    fetches: AtomicUsize,
    gate: Option<Notify>,
}

#[async_trait]
impl Source for ScriptedSource {
    async fn issue(&self) -> Result<Credential, SourceError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        let answer = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("more fetches than answers");
        answer.map(|(key, lifetime)| Credential {
            secret: Secret::new(key.to_owned()),
            obtained: self.clock.now(),
            issued: None,
            lifetime: lifetime.map(Duration::from_secs),
            version: None,
            lease: None,
        })
    }

    fn host(&self) -> &str {
        "scripted"
    }
}

struct BrokerFixture {
    clock: ManualClock,
    source: Arc<ScriptedSource>,
    broker: Arc<Broker>,
}

impl BrokerFixture {
    fn new(gated: bool, answers: impl IntoIterator<Item = Scripted>) -> Self {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let source = Arc::new(ScriptedSource {
            clock: clock.clone(),
            answers: Mutex::new(answers.into_iter().collect()),
            fetches: AtomicUsize::new(0),
            gate: gated.then(Notify::new),
        });
        let jitter: Jitter = Arc::new(|| 0.5);
        let routes = BTreeMap::from([("p".to_owned(), route(&source))]);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let broker = Arc::new(Broker::new(routes, &shared, &jitter));
        Self {
            clock,
            source,
            broker,
        }
    }

    fn acquire(&self) -> JoinHandle<Result<String, AcquireError>> {
        let broker = Arc::clone(&self.broker);
        let deadline = self.clock.now().tick + Duration::from_secs(8);
        tokio::spawn(async move {
            let grant = broker
                .acquire("p", &ClientVariables::default(), REQUEST, deadline)
                .await?;
            Ok(grant.credential.secret.expose().to_owned())
        })
    }

    fn fetches(&self) -> usize {
        self.source.fetches.load(Ordering::SeqCst)
    }

    /// Lets all tasks run as far as they can.
    async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
}

fn route(source: &Arc<ScriptedSource>) -> Route {
    Route {
        source: Arc::clone(source) as Arc<dyn Source>,
        source_name: "s".to_owned(),
        gateway: None,
        watch: None,
        max_age: None,
    }
}

fn down() -> SourceError {
    SourceError::Unreachable {
        host: "scripted".to_owned(),
        error: TransportError::Refused,
    }
}

#[tokio::test]
async fn a_hundred_callers_make_one_request() {
    let fixture = BrokerFixture::new(true, [Ok(("k1", None))]);
    let callers: Vec<_> = (0..100).map(|_| fixture.acquire()).collect();
    fixture.settle().await;
    fixture.source.gate.as_ref().unwrap().notify_one();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap(), "k1");
    }
    assert_eq!(fixture.fetches(), 1);
}

#[tokio::test]
async fn a_caller_that_disconnects_cancels_nothing() {
    let fixture = BrokerFixture::new(true, [Ok(("k1", None))]);
    let leader = fixture.acquire();
    fixture.settle().await;
    let follower = fixture.acquire();
    fixture.settle().await;
    leader.abort();
    fixture.settle().await;
    fixture.source.gate.as_ref().unwrap().notify_one();
    assert_eq!(follower.await.unwrap().unwrap(), "k1");
    assert_eq!(fixture.fetches(), 1);
}

#[tokio::test]
async fn a_hanging_source_delays_a_caller_until_its_deadline_and_no_longer() {
    let fixture = BrokerFixture::new(true, [Ok(("k1", None))]);
    let caller = fixture.acquire();
    fixture.settle().await;
    fixture.clock.advance(Duration::from_secs(8));
    let error = caller.await.unwrap().unwrap_err();
    assert!(matches!(error, AcquireError::TimedOut { ref host, last: None } if host == "scripted"));

    // The next caller gets what has arrived since.
    fixture.source.gate.as_ref().unwrap().notify_one();
    fixture.settle().await;
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    assert_eq!(fixture.fetches(), 1);
}

#[tokio::test]
async fn a_profile_in_use_is_renewed_without_a_request() {
    let fixture = BrokerFixture::new(false, [Ok(("k1", Some(1200))), Ok(("k2", Some(1200)))]);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    fixture.settle().await;
    fixture.clock.advance(Duration::from_secs(600));
    fixture.settle().await;
    assert_eq!(fixture.fetches(), 2);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k2");
}

#[tokio::test]
async fn an_idle_profile_is_not_renewed() {
    let fixture = BrokerFixture::new(false, [Ok(("k1", Some(36_000)))]);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    fixture.settle().await;
    fixture.clock.advance(Duration::from_secs(40_000));
    fixture.settle().await;
    assert_eq!(fixture.fetches(), 1);
}

#[tokio::test]
async fn a_failed_refresh_returns_the_error_although_the_old_key_is_served() {
    let fixture = BrokerFixture::new(false, [Ok(("k1", None)), Err(down())]);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    let deadline = fixture.clock.now().tick + Duration::from_secs(8);
    let refreshed = fixture
        .broker
        .refresh("p", &ClientVariables::default(), deadline)
        .await;
    assert!(
        matches!(refreshed, Err(AcquireError::Unavailable(unavailable)) if unavailable.reason == Reason::Source(down()))
    );
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
}

/// The log of `work`, which must not leave this thread.
async fn logged(work: impl Future<Output = ()>) -> String {
    let log = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&log);
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || LogWriter(Arc::clone(&writer)))
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    work.await;
    drop(guard);
    String::from_utf8(log.lock().unwrap().clone()).unwrap()
}

struct LogWriter(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn every_line_of_the_log_names_the_profile_and_the_source() {
    let log = logged(async {
        let fixture = BrokerFixture::new(false, [Err(down()), Ok(("k1", None))]);
        fixture.acquire().await.unwrap().unwrap_err();
        let nothing = LoggedOut {
            forgotten: None,
            revocation: Ok(Revocation::default()),
        };
        assert_eq!(fixture.broker.log_out("p").await, [nothing]);
        assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
        let logged_out = fixture.broker.log_out("p").await;
        let fingerprint = Secret::new("k1".to_owned()).fingerprint();
        assert_eq!(logged_out[0].forgotten, Some(fingerprint));
    })
    .await;
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 4, "{log}");
    for (line, part) in lines.iter().zip([
        "failed to obtain a credential",
        "logged out",
        "obtained a credential",
        "logged out",
    ]) {
        assert!(
            line.contains(part) && line.contains(r#"profile="p" source="s""#),
            "{log}"
        );
    }
}

#[tokio::test]
async fn a_key_that_the_client_would_refuse_is_an_error() {
    let fixture = BrokerFixture::new(false, [Ok(("a b", None))]);
    let error = fixture.acquire().await.unwrap().unwrap_err();
    let unusable = credential::check_usable(&Secret::new("a b".to_owned())).unwrap_err();
    assert!(matches!(
        error,
        AcquireError::Unavailable(CredentialUnavailable { reason: Reason::Source(SourceError::Unusable { ref reason, .. }), .. })
            if *reason == unusable.to_string()
    ));
}

#[tokio::test]
async fn a_key_that_is_already_expired_does_not_replace_the_cached_one() {
    let fixture = BrokerFixture::new(false, [Ok(("k1", None)), Ok(("k2", Some(0)))]);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    let deadline = fixture.clock.now().tick + Duration::from_secs(8);
    fixture
        .broker
        .refresh("p", &ClientVariables::default(), deadline)
        .await
        .unwrap_err();
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
}

#[tokio::test]
async fn a_new_configuration_keeps_the_keys_of_unchanged_profiles() {
    let fixture = BrokerFixture::new(false, [Ok(("k1", None)), Ok(("k2", None))]);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    let clock: Arc<dyn Clock> = Arc::new(fixture.clock.clone());
    let jitter: Jitter = Arc::new(|| 0.5);
    let deadline = fixture.clock.now().tick + Duration::from_secs(8);
    for (unchanged, expected) in [(vec!["p".to_owned()], "k1"), (vec![], "k2")] {
        let routes = BTreeMap::from([("p".to_owned(), route(&fixture.source))]);
        let unchanged = unchanged.into_iter().collect();
        let broker = fixture
            .broker
            .reconfigured(routes, &unchanged, &clock, &jitter);
        let grant = broker
            .acquire("p", &ClientVariables::default(), REQUEST, deadline)
            .await
            .unwrap();
        assert_eq!(grant.credential.secret.expose(), expected);
    }
}

#[tokio::test]
async fn a_hanging_source_delays_neither_another_profile_nor_a_cached_key() {
    let hanging = BrokerFixture::new(true, [Ok(("never", None))]);
    let healthy = BrokerFixture::new(false, [Ok(("k1", Some(3600)))]);
    let routes = BTreeMap::from([
        ("hanging".to_owned(), route(&hanging.source)),
        ("healthy".to_owned(), route(&healthy.source)),
    ]);
    let clock: Arc<dyn Clock> = Arc::new(healthy.clock.clone());
    let jitter: Jitter = Arc::new(|| 0.5);
    let broker = Arc::new(Broker::new(routes, &clock, &jitter));
    let deadline = healthy.clock.now().tick + Duration::from_secs(8);
    let waiting = tokio::spawn({
        let broker = Arc::clone(&broker);
        async move {
            broker
                .acquire("hanging", &ClientVariables::default(), REQUEST, deadline)
                .await
        }
    });
    healthy.settle().await;
    assert!(
        broker
            .acquire("healthy", &ClientVariables::default(), REQUEST, deadline)
            .await
            .is_ok()
    );

    // The key's own source hangs and the key is due for renewal: it is served all the same.
    let renewing = BrokerFixture::new(true, [Ok(("k2", Some(3600)))]);
    let routes = BTreeMap::from([("p".to_owned(), route(&renewing.source))]);
    let clock: Arc<dyn Clock> = Arc::new(renewing.clock.clone());
    let broker = Broker::new(routes, &clock, &jitter);
    renewing.source.gate.as_ref().unwrap().notify_one();
    let deadline = renewing.clock.now().tick + Duration::from_secs(8);
    assert!(
        broker
            .acquire("p", &ClientVariables::default(), REQUEST, deadline)
            .await
            .is_ok()
    );
    renewing.clock.advance(Duration::from_secs(3000));
    let served = broker
        .acquire("p", &ClientVariables::default(), REQUEST, deadline)
        .await
        .unwrap();
    assert_eq!(served.credential.secret.expose(), "k2");
    waiting.abort();
}

#[tokio::test]
async fn a_lifetime_of_seven_thousand_years_does_not_overflow() {
    let fixture = BrokerFixture::new(false, [Ok(("k1", Some(240_000_000_000)))]);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    fixture.settle().await;
    fixture.clock.advance(Duration::from_secs(400_000_000));
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    assert_eq!(fixture.fetches(), 1);
}
