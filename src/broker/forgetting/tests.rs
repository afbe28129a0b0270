//! What is given, fetched and kept while the lock is on and after a long time without a request.

use std::{
    collections::BTreeMap,
    sync::{
        Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use tokio::{sync::Semaphore, task::JoinHandle};

use super::*;
use crate::{
    broker::{AcquireRequest, Jitter, Route, RouteBuilder, observer::NoObserver},
    client_variables::ClientVariables,
    clock::{Clock, ManualClock, Timestamp},
    credential::Credential,
    lock::Lock,
    secret::Secret,
    source::SourceError,
};

const REQUEST: AcquireRequest = AcquireRequest::new(Duration::from_secs(300), None);

const HOUR: Duration = Duration::from_secs(3600);

/// A source that counts what it is asked for. It issues a key for each permit.
struct CountingSource {
    clock: ManualClock,
    permits: Semaphore,
    fetches: AtomicUsize,
    forgets: AtomicUsize,
}

#[async_trait]
impl Source for CountingSource {
    async fn issue(&self) -> Result<Credential, SourceError> {
        let number = self.fetches.fetch_add(1, Ordering::SeqCst) + 1;
        self.permits.acquire().await.unwrap().forget();
        Ok(Credential {
            secret: Secret::new(format!("key-{number}")),
            obtained: self.clock.now(),
            issued: None,
            lifetime: Some(HOUR * 24),
            version: None,
            lease: None,
        })
    }

    async fn forget(&self) {
        self.forgets.fetch_add(1, Ordering::SeqCst);
    }

    fn host(&self) -> &str {
        "counting"
    }
}

/// A broker with the profiles `a` and `b` of one source.
struct Scene {
    clock: ManualClock,
    source: Arc<CountingSource>,
    lock: Arc<Lock>,
    broker: Arc<Broker>,
}

impl Scene {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let source = Arc::new(CountingSource {
            clock: clock.clone(),
            permits: Semaphore::new(0),
            fetches: AtomicUsize::new(0),
            forgets: AtomicUsize::new(0),
        });
        let lock = Arc::new(Lock::in_memory());
        let scene = Self {
            broker: Arc::new(Broker::empty(Arc::clone(&lock), Arc::new(NoObserver))),
            clock,
            source,
            lock,
        };
        Self {
            broker: scene.reconfigured(),
            ..scene
        }
    }

    /// The broker of a configuration in which all profiles have changed.
    fn reconfigured(&self) -> Arc<Broker> {
        let route = Route {
            source: Arc::clone(&self.source) as Arc<dyn Source>,
            source_name: "s".to_owned(),
            gateway: None,
            watch: Some(Duration::from_secs(30)),
            max_age: None,
        };
        let routes = ["a", "b"].map(|name| (name.to_owned(), RouteBuilder::from(route.clone())));
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let jitter: Jitter = Arc::new(|| 0.5);
        let (routes, none) = (BTreeMap::from(routes), std::collections::BTreeSet::new());
        Arc::new(self.broker.reconfigured(routes, &none, &clock, &jitter))
    }

    fn acquire(&self, profile: &'static str) -> JoinHandle<Result<String, AcquireError>> {
        let broker = Arc::clone(&self.broker);
        let deadline = self.clock.now().tick + Duration::from_secs(8);
        tokio::spawn(async move {
            let none = ClientVariables::default();
            let grant = broker.acquire(profile, &none, REQUEST, deadline).await?;
            Ok(grant.credential.secret.expose().to_owned())
        })
    }

    /// The key of `profile`; a fetch may be made for it.
    async fn key(&self, profile: &'static str) -> String {
        self.source.permits.add_permits(1);
        let key = self.acquire(profile).await.unwrap().unwrap();
        self.settle().await;
        self.source.permits.forget_permits(1);
        key
    }

    async fn lock(&self) {
        self.lock.turn_on(self.clock.now().wall).await;
        self.broker.drop_secrets().join_all().await;
    }

    fn fetches(&self) -> usize {
        self.source.fetches.load(Ordering::SeqCst)
    }

    fn forgets(&self) -> usize {
        self.source.forgets.load(Ordering::SeqCst)
    }

    /// Lets all tasks run as far as they can.
    async fn settle(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    /// The credential of `profile` if nothing but the slot keeps it alive.
    fn cached(&self, profile: &str) -> Weak<Credential> {
        let snapshots = self.broker.snapshots(profile);
        Arc::downgrade(snapshots[0].snapshot.credential.as_ref().unwrap())
    }
}

#[track_caller]
fn is_locked<T: std::fmt::Debug>(result: Result<T, AcquireError>) {
    assert!(matches!(result, Err(AcquireError::Locked(_))), "{result:?}");
}

#[tokio::test]
async fn a_lock_drops_every_key_and_gives_none_until_it_is_off() {
    let scene = Scene::new();
    assert_eq!(scene.key("a").await, "key-1");
    assert_eq!(scene.key("b").await, "key-2");
    let keys = [scene.cached("a"), scene.cached("b")];
    scene.lock().await;
    for key in keys {
        assert!(key.upgrade().is_none(), "no owner is left");
    }
    assert!(scene.forgets() > 0);
    // Neither a request nor the time makes a fetch.
    for _ in 0..3 {
        is_locked(scene.acquire("a").await.unwrap());
        let deadline = scene.clock.now().tick + Duration::from_secs(8);
        let none = ClientVariables::default();
        is_locked(scene.broker.refresh("b", &none, deadline).await);
        scene.clock.advance(HOUR);
        scene.settle().await;
    }
    assert_eq!(scene.fetches(), 2);
    assert!(!scene.broker.has_entries("a"), "no request made an entry");
    scene.lock.turn_off().await;
    assert_eq!(scene.key("a").await, "key-3");
}

#[tokio::test]
async fn a_caller_that_waits_when_the_lock_comes_gets_nothing() {
    let scene = Scene::new();
    let waiting = scene.acquire("a");
    scene.settle().await;
    assert_eq!(scene.fetches(), 1);
    scene.lock().await;
    is_locked(waiting.await.unwrap());
    let forgets = scene.forgets();
    // What the fetch brings is dropped, with the login that it has made.
    scene.source.permits.add_permits(1);
    scene.settle().await;
    assert!(scene.forgets() > forgets);
    assert!(!scene.broker.is_used());
    scene.lock.turn_off().await;
    assert_eq!(scene.key("a").await, "key-2");
}

/// The key has arrived, and the caller has not been polled yet.
#[tokio::test]
async fn a_key_that_arrives_with_the_lock_is_not_given() {
    let scene = Scene::new();
    let waiting = scene.acquire("a");
    scene.settle().await;
    scene.source.permits.add_permits(1);
    scene.lock.turn_on(scene.clock.now().wall).await;
    is_locked(waiting.await.unwrap());
    scene.settle().await;
    assert!(!scene.broker.is_used(), "the fetch was dropped at its end");
}

#[tokio::test]
async fn a_new_configuration_does_not_unlock() {
    let mut scene = Scene::new();
    scene.key("a").await;
    scene.lock().await;
    scene.broker = scene.reconfigured();
    is_locked(scene.acquire("a").await.unwrap());
    assert_eq!(scene.fetches(), 1);
}

#[tokio::test]
async fn a_key_that_no_client_asks_for_is_dropped_and_the_login_with_the_last_one() {
    let scene = Scene::new();
    assert_eq!(scene.broker.unused_at(HOUR), None);
    scene.key("a").await;
    scene.clock.advance(HOUR / 2);
    scene.key("b").await;
    let (a, b) = (scene.cached("a"), scene.cached("b"));
    let at = scene.clock.now().tick + HOUR / 2;
    assert_eq!(scene.broker.unused_at(HOUR), Some(at));
    scene.clock.advance(HOUR / 2 - Duration::from_secs(1));
    assert!(!scene.broker.drop_unused(scene.clock.now().tick, HOUR));
    assert!(a.upgrade().is_some());
    scene.clock.advance(Duration::from_secs(1));
    assert!(!scene.broker.drop_unused(scene.clock.now().tick, HOUR));
    assert!(a.upgrade().is_none() && b.upgrade().is_some());
    assert_eq!(scene.broker.unused_at(HOUR), Some(at + HOUR / 2));
    // Nothing is refused, and a request starts the time anew.
    assert_eq!(scene.key("a").await, "key-3");
    scene.clock.advance(HOUR / 2);
    assert!(!scene.broker.drop_unused(scene.clock.now().tick, HOUR));
    assert!(b.upgrade().is_none());
    scene.clock.advance(HOUR / 2);
    assert!(scene.broker.drop_unused(scene.clock.now().tick, HOUR));
    assert_eq!(scene.broker.unused_at(HOUR), None);
    // Once: there is nothing left.
    assert!(!scene.broker.drop_unused(scene.clock.now().tick, HOUR));
}

#[tokio::test]
async fn a_fetch_under_way_is_not_dropped() {
    let scene = Scene::new();
    let waiting = scene.acquire("a");
    scene.settle().await;
    assert!(scene.broker.is_used());
    assert_eq!(scene.broker.unused_at(Duration::ZERO), None);
    assert!(
        !scene
            .broker
            .drop_unused(scene.clock.now().tick, Duration::ZERO)
    );
    scene.source.permits.add_permits(1);
    assert_eq!(waiting.await.unwrap().unwrap(), "key-1");
}
