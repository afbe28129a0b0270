//! The mechanism: tasks, waiting, time. (What is decided is tested in `slot/tests.rs`.)

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
    slot::{Reason, Refusal},
    *,
};
use crate::{
    clock::{ManualClock, Timestamp},
    secret::Secret,
    source::{Source, TransportError},
};

const ASK: Ask = Ask {
    cache_lifetime: Duration::from_secs(300),
    session: None,
};

/// A key with its lifetime in seconds, or what is wrong.
type Line = Result<(&'static str, Option<u64>), SourceError>;

/// A source that says what it was told to say, when it is let.
struct Scripted {
    clock: ManualClock,
    answers: Mutex<VecDeque<Line>>,
    asked: AtomicUsize,
    gate: Option<Notify>,
}

#[async_trait]
impl Source for Scripted {
    async fn issue(&self) -> Result<Credential, SourceError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        let answer = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("asked too often");
        answer.map(|(key, lifetime)| Credential {
            secret: Secret::new(key.to_owned()),
            obtained: self.clock.now(),
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
    source: Arc<Scripted>,
    broker: Arc<Broker>,
}

impl BrokerFixture {
    fn new(gated: bool, answers: impl IntoIterator<Item = Line>) -> Self {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let source = Arc::new(Scripted {
            clock: clock.clone(),
            answers: Mutex::new(answers.into_iter().collect()),
            asked: AtomicUsize::new(0),
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
        let until = self.clock.now().tick + Duration::from_secs(8);
        tokio::spawn(async move {
            let credential = broker.acquire("p", ASK, until).await?;
            Ok(credential.secret.expose().to_owned())
        })
    }

    fn asked(&self) -> usize {
        self.source.asked.load(Ordering::SeqCst)
    }

    /// Lets every task run until all wait.
    async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
}

fn route(source: &Arc<Scripted>) -> Route {
    Route {
        source: Arc::clone(source) as Arc<dyn Source>,
        gateway: None,
        watch: None,
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
    assert_eq!(fixture.asked(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_cancels_nothing() {
    let fixture = BrokerFixture::new(true, [Ok(("k1", None))]);
    let leader = fixture.acquire();
    fixture.settle().await;
    let follower = fixture.acquire();
    fixture.settle().await;
    leader.abort();
    fixture.settle().await;
    fixture.source.gate.as_ref().unwrap().notify_one();
    assert_eq!(follower.await.unwrap().unwrap(), "k1");
    assert_eq!(fixture.asked(), 1);
}

#[tokio::test]
async fn a_hanging_source_costs_a_caller_its_deadline_and_no_more() {
    let fixture = BrokerFixture::new(true, [Ok(("k1", None))]);
    let caller = fixture.acquire();
    fixture.settle().await;
    fixture.clock.advance(Duration::from_secs(8));
    let error = caller.await.unwrap().unwrap_err();
    assert!(matches!(error, AcquireError::TimedOut { ref host, last: None } if host == "scripted"));

    // The next caller finds what has arrived since.
    fixture.source.gate.as_ref().unwrap().notify_one();
    fixture.settle().await;
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    assert_eq!(fixture.asked(), 1);
}

#[tokio::test]
async fn a_profile_in_use_is_renewed_without_being_asked() {
    let fixture = BrokerFixture::new(false, [Ok(("k1", Some(1200))), Ok(("k2", Some(1200)))]);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    fixture.settle().await;
    fixture.clock.advance(Duration::from_secs(600));
    fixture.settle().await;
    assert_eq!(fixture.asked(), 2);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k2");
}

#[tokio::test]
async fn a_profile_at_rest_is_left_alone() {
    let fixture = BrokerFixture::new(false, [Ok(("k1", Some(36_000)))]);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    fixture.settle().await;
    fixture.clock.advance(Duration::from_secs(40_000));
    fixture.settle().await;
    assert_eq!(fixture.asked(), 1);
}

#[tokio::test]
async fn a_refresh_that_fails_says_so_although_the_old_key_is_served() {
    let fixture = BrokerFixture::new(false, [Ok(("k1", None)), Err(down())]);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    let until = fixture.clock.now().tick + Duration::from_secs(8);
    let refreshed = fixture.broker.refresh("p", until).await;
    assert!(
        matches!(refreshed, Err(AcquireError::Refused(refusal)) if refusal.reason == Reason::Source(down()))
    );
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
}

#[tokio::test]
async fn what_the_client_would_refuse_is_not_passed_on() {
    let fixture = BrokerFixture::new(false, [Ok(("two words", None))]);
    let error = fixture.acquire().await.unwrap().unwrap_err();
    assert!(matches!(
        error,
        AcquireError::Refused(Refusal { reason: Reason::Source(SourceError::Unusable { ref reason, .. }), .. })
            if reason == "contains whitespace at character 4"
    ));
}

#[tokio::test]
async fn what_has_expired_when_it_arrives_does_not_replace_what_is_there() {
    let fixture = BrokerFixture::new(false, [Ok(("k1", None)), Ok(("k2", Some(0)))]);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    let until = fixture.clock.now().tick + Duration::from_secs(8);
    fixture.broker.refresh("p", until).await.unwrap_err();
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
}

#[tokio::test]
async fn a_new_configuration_takes_over_the_profiles_that_it_leaves_as_they_were() {
    let fixture = BrokerFixture::new(false, [Ok(("k1", None)), Ok(("k2", None))]);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    let clock: Arc<dyn Clock> = Arc::new(fixture.clock.clone());
    let jitter: Jitter = Arc::new(|| 0.5);
    let until = fixture.clock.now().tick + Duration::from_secs(8);
    for (unchanged, expected) in [(vec!["p".to_owned()], "k1"), (vec![], "k2")] {
        let routes = BTreeMap::from([("p".to_owned(), route(&fixture.source))]);
        let unchanged = unchanged.into_iter().collect();
        let broker = fixture.broker.succeed(routes, &unchanged, &clock, &jitter);
        let credential = broker.acquire("p", ASK, until).await.unwrap();
        assert_eq!(credential.secret.expose(), expected);
    }
}

#[tokio::test]
async fn a_hanging_source_delays_neither_another_profile_nor_a_cached_key() {
    let hanging = BrokerFixture::new(true, [Ok(("never", None))]);
    let well = BrokerFixture::new(false, [Ok(("k1", Some(3600)))]);
    let routes = BTreeMap::from([
        ("hanging".to_owned(), route(&hanging.source)),
        ("well".to_owned(), route(&well.source)),
    ]);
    let clock: Arc<dyn Clock> = Arc::new(well.clock.clone());
    let jitter: Jitter = Arc::new(|| 0.5);
    let broker = Arc::new(Broker::new(routes, &clock, &jitter));
    let until = well.clock.now().tick + Duration::from_secs(8);
    let waiting = tokio::spawn({
        let broker = Arc::clone(&broker);
        async move { broker.acquire("hanging", ASK, until).await }
    });
    well.settle().await;
    assert!(broker.acquire("well", ASK, until).await.is_ok());

    // Its own source hangs from now on, and the key is due for renewal: it is served all the same.
    let broken = BrokerFixture::new(true, [Ok(("k2", Some(3600)))]);
    let routes = BTreeMap::from([("p".to_owned(), route(&broken.source))]);
    let clock: Arc<dyn Clock> = Arc::new(broken.clock.clone());
    let broker = Broker::new(routes, &clock, &jitter);
    broken.source.gate.as_ref().unwrap().notify_one();
    let until = broken.clock.now().tick + Duration::from_secs(8);
    assert!(broker.acquire("p", ASK, until).await.is_ok());
    broken.clock.advance(Duration::from_secs(3000));
    let served = broker.acquire("p", ASK, until).await.unwrap();
    assert_eq!(served.secret.expose(), "k2");
    waiting.abort();
}

#[tokio::test]
async fn a_key_that_lives_for_seven_thousand_years_is_no_trouble() {
    let fixture = BrokerFixture::new(false, [Ok(("k1", Some(240_000_000_000)))]);
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    fixture.settle().await;
    fixture.clock.advance(Duration::from_secs(400_000_000));
    assert_eq!(fixture.acquire().await.unwrap().unwrap(), "k1");
    assert_eq!(fixture.asked(), 1);
}
