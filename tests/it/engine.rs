//! The refresh engine against a real OpenBao, on a clock that the test moves: an hour of outage takes a second.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use claviger::{
    broker::{AcquireRequest, Broker, Jitter, Route},
    clock::{Clock, ManualClock, SystemClock},
    config,
    credential::Credential,
    source::{Freshness, Source, SourceError, catalog},
};
use serde_json::json;

use crate::{
    lease::Database,
    support::{Bao, TestEnv, bao::Options, test_env::approle, until},
};

const KEY: &str = "sk-canary-engine-1";
const NEXT: &str = "sk-canary-engine-2";

/// A client that asks every ten seconds and caches for five minutes.
const EVERY: Duration = Duration::from_secs(10);
const ASK: AcquireRequest = AcquireRequest {
    cache_lifetime: Duration::from_secs(300),
    session: None,
};

/// Counts what is asked of the real source, and what of it is not yet over.
struct Counting {
    source: Arc<dyn Source>,
    started: AtomicUsize,
    ended: AtomicUsize,
}

impl Counting {
    async fn count<T>(&self, work: impl Future<Output = T>) -> T {
        self.started.fetch_add(1, Ordering::SeqCst);
        let done = work.await;
        self.ended.fetch_add(1, Ordering::SeqCst);
        done
    }

    fn attempts(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Source for Counting {
    async fn issue(&self) -> Result<Credential, SourceError> {
        self.count(self.source.issue()).await
    }

    async fn revalidate(&self, credential: &Credential) -> Result<Freshness, SourceError> {
        self.count(self.source.revalidate(credential)).await
    }

    fn host(&self) -> &str {
        self.source.host()
    }
}

/// A broker of the program's own, for a key in a real OpenBao.
struct EngineFixture {
    bao: Bao,
    clock: ManualClock,
    source: Arc<Counting>,
    broker: Broker,
    /// Holds the secret-id.
    _machine: TestEnv,
}

impl EngineFixture {
    async fn new() -> Self {
        Self::at(Bao::start().await).await
    }

    async fn at(bao: Bao) -> Self {
        bao.put("team/key", json!({ "api_key": KEY })).await;
        bao.policy("reader", &[("secret/*", "read")]).await;
        let role = bao
            .approle(json!({"token_policies": "reader", "token_ttl": "1h"}))
            .await;
        let env = TestEnv::new();
        let secret_id = env.secret_file("secret-id", &role.secret_id);
        env.config(&format!(
            r#"
[profile.default]
source = "vault"
[source.vault]
type = "vault"
address = "{}"
path = "secret/team/key"
field = "api_key"
timeout = "200ms"
auth = {{ {} }}
"#,
            bao.url(),
            approle(&role.role_id, &secret_id)
        ));
        Self::of(bao, env)
    }

    /// With the one source that is configured on `env`.
    fn of(bao: Bao, env: TestEnv) -> Self {
        let file = env.config_file();
        let config = config::parse(&file, &fs::read_to_string(&file).unwrap()).unwrap();
        let clock = ManualClock::at(SystemClock.now().wall);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let (name, source) = catalog::build(&config, &shared).pop_first().unwrap();
        let source = Arc::new(Counting {
            source,
            started: AtomicUsize::default(),
            ended: AtomicUsize::default(),
        });
        let route = Route {
            source: Arc::clone(&source) as Arc<dyn Source>,
            gateway: None,
            watch: config.watch(&name),
        };
        let jitter: Jitter = Arc::new(fastrand::f64);
        let routes = BTreeMap::from([("default".to_owned(), route)]);
        let broker = Broker::new(routes, &shared, &jitter);
        Self {
            bao,
            clock,
            source,
            broker,
            _machine: env,
        }
    }

    /// The key that a client is given now.
    async fn key(&self) -> String {
        let until = self.clock.now().tick + Duration::from_secs(8);
        let credential = self.broker.acquire("default", ASK, until).await.unwrap();
        credential.secret.expose().to_owned()
    }

    /// Lets so much time pass in steps, with a client that asks at each and is given `key` every time.
    async fn pass(&self, time: Duration, key: &str) {
        for _ in 0..time.as_secs() / EVERY.as_secs() {
            self.clock.advance(EVERY);
            assert_eq!(self.key().await, key);
            self.settle().await;
        }
    }

    /// Waits until nothing is asked of the source any more.
    async fn settle(&self) {
        // A task that was woken by the clock has to run before it starts anything.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        until("the source is done", Duration::from_secs(10), async || {
            self.source.attempts() == self.source.ended.load(Ordering::SeqCst)
        })
        .await;
    }
}

/// An hour without Vault: the key is served all the while, Vault is tried now and then, and when it is back the next
/// version is found within back-off. Gives the number of tries within the hour.
async fn an_hour_without(
    bao: Bao,
    away: impl AsyncFn(&mut Bao),
    back: impl AsyncFn(&mut Bao),
) -> usize {
    let mut fixture = EngineFixture::at(bao).await;
    assert_eq!(fixture.key().await, KEY);
    away(&mut fixture.bao).await;
    let before = fixture.source.attempts();
    fixture.pass(Duration::from_secs(3600), KEY).await;
    let tries = fixture.source.attempts() - before;

    back(&mut fixture.bao).await;
    fixture
        .bao
        .put("team/key", json!({ "api_key": NEXT }))
        .await;
    // Back-off, and its jitter, are five minutes at most; then a look and a read.
    for _ in 0..36 {
        fixture.clock.advance(EVERY);
        fixture.key().await;
        fixture.settle().await;
    }
    assert_eq!(fixture.key().await, NEXT);
    tries
}

/// Back-off over an hour: with the longest draws 1, 2, 4, … 256, 300, 300 s; with the shortest every 27 s, the shortest
/// watch. Chance makes it something between.
fn assert_bounded(what: &str, tries: usize) {
    println!("an hour of Vault {what}: {tries} tries, 360 asks, each served");
    assert!((10..=134).contains(&tries), "{what}: {tries}");
}

#[tokio::test]
async fn an_hour_of_vault_frozen() {
    let tries = an_hour_without(
        Bao::start().await,
        async |bao| bao.freeze(),
        async |bao| bao.thaw(),
    )
    .await;
    assert_bounded("frozen", tries);
}

#[tokio::test]
async fn an_hour_of_vault_sealed() {
    let tries = an_hour_without(
        Bao::start().await,
        async |bao| bao.seal().await,
        async |bao| bao.unseal().await,
    )
    .await;
    assert_bounded("sealed", tries);
}

#[tokio::test]
async fn an_hour_of_vault_killed() {
    let tries = an_hour_without(
        Bao::start_with(Options {
            persistent: true,
            ..Options::default()
        })
        .await,
        async |bao| bao.kill(),
        async |bao| bao.restart().await,
    )
    .await;
    assert_bounded("killed", tries);
}

#[tokio::test]
async fn a_new_version_is_found_within_watch_and_costs_one_read() {
    let fixture = EngineFixture::new().await;
    assert_eq!(fixture.key().await, KEY);
    fixture
        .bao
        .put("team/key", json!({ "api_key": NEXT }))
        .await;
    // 30 s, 10% of jitter, and the step.
    for _ in 0..4 {
        fixture.clock.advance(EVERY);
        fixture.settle().await;
    }
    assert_eq!(fixture.key().await, NEXT);
    assert_eq!(fixture.bao.asked("read", "secret/data/team/key"), 2);
    assert_eq!(fixture.bao.asked("update", "auth/approle/login"), 1);
}

#[tokio::test]
async fn a_deleted_version_is_dropped_within_watch_and_comes_back_with_the_next() {
    let fixture = EngineFixture::new().await;
    assert_eq!(fixture.key().await, KEY);
    fixture.bao.delete_version("team/key", 1).await;
    for _ in 0..4 {
        fixture.clock.advance(EVERY);
        fixture.settle().await;
    }
    let until = fixture.clock.now().tick + Duration::from_secs(8);
    let refused = fixture
        .broker
        .acquire("default", ASK, until)
        .await
        .unwrap_err();
    assert!(
        format!("{refused:?}").contains("was deleted"),
        "{refused:?}"
    );
    fixture
        .bao
        .put("team/key", json!({ "api_key": NEXT }))
        .await;
    fixture.clock.advance(Duration::from_secs(300));
    assert_eq!(fixture.key().await, NEXT);
}

#[tokio::test]
async fn a_revoked_lease_is_noticed_and_another_credential_issued() {
    let Database {
        bao,
        env,
        postgres: _postgres,
    } = Database::start("1h", "24h").await;
    let fixture = EngineFixture::of(bao, env);
    let first = fixture.key().await;
    fixture
        .bao
        .write("sys/leases/revoke-prefix/database/creds/dev", json!({}))
        .await;
    for _ in 0..4 {
        fixture.clock.advance(EVERY);
        fixture.settle().await;
    }
    let until = fixture.clock.now().tick + Duration::from_secs(8);
    let refused = fixture.broker.acquire("default", ASK, until).await;
    let second = match refused {
        // What was revoked is dropped; the back-off's second may be over by now, or not.
        Err(_) => {
            fixture.clock.advance(EVERY);
            fixture.key().await
        }
        Ok(credential) => credential.secret.expose().to_owned(),
    };
    assert_ne!(second, first);
    assert_eq!(fixture.bao.asked("read", "database/creds/dev"), 2);
}

#[tokio::test]
async fn a_laptop_at_rest_asks_nothing_and_looks_when_it_wakes() {
    let fixture = EngineFixture::new().await;
    assert_eq!(fixture.key().await, KEY);
    for _ in 0..100 {
        fixture.clock.advance(Duration::from_secs(30));
        fixture.settle().await;
    }
    let looks = fixture.source.attempts() - 1;
    println!("fifty minutes without an ask: {looks} looks, all of the first fifteen");
    assert!(looks <= 34, "{looks}");
    let at_rest = fixture.source.attempts();
    fixture.clock.advance(Duration::from_secs(8 * 3600));
    fixture.settle().await;
    assert_eq!(fixture.source.attempts(), at_rest);

    fixture
        .bao
        .put("team/key", json!({ "api_key": NEXT }))
        .await;
    assert_eq!(
        fixture.key().await,
        NEXT,
        "the token had expired, the key was rotated: one ask"
    );
}
