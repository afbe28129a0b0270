//! The refresh engine and a real OpenBao, with a manual clock: an hour of outage takes a second.

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
    client_kind::{ClientKind, HelperContext},
    client_variables::ClientVariables,
    clock::{Clock, ManualClock, SystemClock},
    config,
    credential::Credential,
    source::{
        Freshness, Source, SourceError,
        catalog::{Catalog, LoginSessions},
    },
};
use serde_json::json;

use crate::{
    lease::DatabaseFixture,
    support::{
        Bao, TestEnv,
        bao::BaoOptions,
        until,
        vault_config::{approle_auth, vault_config},
    },
};

const KEY: &str = "sk-canary-engine-1";
const NEXT: &str = "sk-canary-engine-2";

/// The time between two requests of the client.
const INTERVAL: Duration = Duration::from_secs(10);

/// The client caches for five minutes.
const REQUEST: AcquireRequest = AcquireRequest {
    cache_lifetime: Duration::from_secs(300),
    session: None,
    client: ClientKind::ClaudeCode,
    context: HelperContext::Unstated,
    is_for_headers: false,
};

/// Counts the calls of the real source, and those that have ended.
struct CountingSource {
    source: Arc<dyn Source>,
    started: AtomicUsize,
    ended: AtomicUsize,
}

impl CountingSource {
    async fn count<T>(&self, work: impl Future<Output = T>) -> T {
        self.started.fetch_add(1, Ordering::SeqCst);
        let result = work.await;
        self.ended.fetch_add(1, Ordering::SeqCst);
        result
    }

    fn attempts(&self) -> usize {
        self.started.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Source for CountingSource {
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

/// The program's own broker, for a key in a real OpenBao.
struct EngineFixture {
    bao: Bao,
    clock: ManualClock,
    source: Arc<CountingSource>,
    broker: Broker,
    /// Has the configuration and the secret-id.
    _env: TestEnv,
}

impl EngineFixture {
    async fn new() -> Self {
        Self::with_bao(Bao::start().await).await
    }

    async fn with_bao(bao: Bao) -> Self {
        bao.put("team/key", json!({ "api_key": KEY })).await;
        bao.set_policy("reader", &[("secret/*", "read")]).await;
        let role = bao
            .enable_approle(json!({"token_policies": "reader", "token_ttl": "1h"}))
            .await;
        let env = TestEnv::new();
        let secret_id = env.write_secret_file("secret-id", &role.secret_id);
        let auth = approle_auth(&role.role_id, &secret_id);
        let timeout = "timeout = \"200ms\"";
        env.write_config(&vault_config(&bao.url(), "secret/team/key", timeout, &auth));
        Self::with_env(bao, env, "vault")
    }

    /// A broker with the source `name` in the configuration of `env`.
    fn with_env(bao: Bao, env: TestEnv, name: &str) -> Self {
        let file = env.config_file();
        let config = config::parse(&file, &fs::read_to_string(&file).unwrap()).unwrap();
        let clock = ManualClock::at(SystemClock.now().wall);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let config = Arc::new(config);
        let variables = ClientVariables::default();
        let logins = Arc::new(LoginSessions::new(
            file.with_file_name("state"),
            String::new(),
        ));
        let source = Catalog::new(&config, &shared, &logins).source(name, &variables);
        let source = Arc::new(CountingSource {
            source,
            started: AtomicUsize::default(),
            ended: AtomicUsize::default(),
        });
        let route = Route {
            source: Arc::clone(&source) as Arc<dyn Source>,
            source_name: name.to_owned(),
            gateway: None,
            watch: config.watch(name),
            max_age: None,
        };
        let jitter: Jitter = Arc::new(fastrand::f64);
        let routes = BTreeMap::from([("default".to_owned(), route)]);
        let broker = Broker::new(routes, &shared, &jitter);
        Self {
            bao,
            clock,
            source,
            broker,
            _env: env,
        }
    }

    /// Requests the key.
    async fn key(&self) -> String {
        let until = self.clock.now().tick + Duration::from_secs(8);
        let grant = self
            .broker
            .acquire("default", &ClientVariables::default(), REQUEST, until)
            .await
            .unwrap();
        grant.credential.secret.expose().to_owned()
    }

    /// Advances the clock by `time` in steps. The client requests a key at each step and must get
    /// `key`.
    async fn pass(&self, time: Duration, key: &str) {
        for _ in 0..time.as_secs() / INTERVAL.as_secs() {
            self.clock.advance(INTERVAL);
            assert_eq!(self.key().await, key);
            self.settle().await;
        }
    }

    /// Waits until all calls of the source have ended.
    async fn settle(&self) {
        // A task that the clock woke must run before it calls the source.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        until(
            "all calls of the source have ended",
            Duration::from_secs(10),
            async || self.source.attempts() == self.source.ended.load(Ordering::SeqCst),
        )
        .await;
    }
}

/// Runs an hour without Vault: the key is served from the cache, Vault is tried now and then, and
/// once it is available again the next version is found within the back-off. Returns the number of
/// tries within the hour.
async fn an_hour_without(
    bao: Bao,
    take_down: impl AsyncFn(&mut Bao),
    bring_back: impl AsyncFn(&mut Bao),
) -> usize {
    let mut fixture = EngineFixture::with_bao(bao).await;
    assert_eq!(fixture.key().await, KEY);
    take_down(&mut fixture.bao).await;
    let before = fixture.source.attempts();
    fixture.pass(Duration::from_secs(3600), KEY).await;
    let tries = fixture.source.attempts() - before;

    bring_back(&mut fixture.bao).await;
    fixture
        .bao
        .put("team/key", json!({ "api_key": NEXT }))
        .await;
    // The back-off with its jitter is at most five minutes; a revalidation and a read follow.
    for _ in 0..36 {
        fixture.clock.advance(INTERVAL);
        fixture.key().await;
        fixture.settle().await;
    }
    assert_eq!(fixture.key().await, NEXT);
    tries
}

/// Asserts the bounds of the back-off over an hour. With the longest jitter the delays are 1, 2, 4,
/// … 256, 300, 300 s; with the shortest, 27 s, which is the shortest watch interval.
fn assert_bounded(what: &str, tries: usize) {
    println!("an hour of Vault {what}: {tries} tries, 360 requests, each answered");
    assert!((10..=134).contains(&tries), "{what}: {tries}");
}

#[tokio::test]
async fn the_key_is_served_for_an_hour_while_vault_is_frozen() {
    let tries = an_hour_without(
        Bao::start().await,
        async |bao| bao.freeze(),
        async |bao| bao.thaw(),
    )
    .await;
    assert_bounded("frozen", tries);
}

#[tokio::test]
async fn the_key_is_served_for_an_hour_while_vault_is_sealed() {
    let tries = an_hour_without(
        Bao::start().await,
        async |bao| bao.seal().await,
        async |bao| bao.unseal().await,
    )
    .await;
    assert_bounded("sealed", tries);
}

#[tokio::test]
async fn the_key_is_served_for_an_hour_while_vault_is_down() {
    let tries = an_hour_without(
        Bao::start_with(BaoOptions {
            persistent: true,
            ..BaoOptions::default()
        })
        .await,
        async |bao| bao.kill(),
        async |bao| bao.restart().await,
    )
    .await;
    assert_bounded("killed", tries);
}

#[tokio::test]
async fn a_new_version_is_found_within_the_watch_interval_and_costs_one_read() {
    let fixture = EngineFixture::new().await;
    assert_eq!(fixture.key().await, KEY);
    fixture
        .bao
        .put("team/key", json!({ "api_key": NEXT }))
        .await;
    // The watch interval of 30 s, 10% of jitter, and a step.
    for _ in 0..4 {
        fixture.clock.advance(INTERVAL);
        fixture.settle().await;
    }
    assert_eq!(fixture.key().await, NEXT);
    assert_eq!(fixture.bao.count("read", "secret/data/team/key"), 2);
    assert_eq!(fixture.bao.count("update", "auth/approle/login"), 1);
}

#[tokio::test]
async fn a_deleted_version_is_dropped_within_the_watch_interval() {
    let fixture = EngineFixture::new().await;
    assert_eq!(fixture.key().await, KEY);
    fixture.bao.delete_version("team/key", 1).await;
    for _ in 0..4 {
        fixture.clock.advance(INTERVAL);
        fixture.settle().await;
    }
    let until = fixture.clock.now().tick + Duration::from_secs(8);
    let refused = fixture
        .broker
        .acquire("default", &ClientVariables::default(), REQUEST, until)
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
async fn a_revoked_lease_is_replaced_within_the_watch_interval() {
    let DatabaseFixture {
        bao,
        env,
        postgres: _postgres,
    } = DatabaseFixture::start("1h", "24h").await;
    let fixture = EngineFixture::with_env(bao, env, "db");
    let first = fixture.key().await;
    fixture
        .bao
        .write("sys/leases/revoke-prefix/database/creds/dev", json!({}))
        .await;
    for _ in 0..4 {
        fixture.clock.advance(INTERVAL);
        fixture.settle().await;
    }
    let until = fixture.clock.now().tick + Duration::from_secs(8);
    let refused = fixture
        .broker
        .acquire("default", &ClientVariables::default(), REQUEST, until)
        .await;
    let second = match refused {
        // The revoked credential was dropped, and the back-off of one second is not over.
        Err(_) => {
            fixture.clock.advance(INTERVAL);
            fixture.key().await
        }
        Ok(grant) => grant.credential.secret.expose().to_owned(),
    };
    assert_ne!(second, first);
    assert_eq!(fixture.bao.count("read", "database/creds/dev"), 2);
}

#[tokio::test]
async fn an_idle_laptop_does_not_contact_vault_and_revalidates_after_sleep() {
    let fixture = EngineFixture::new().await;
    assert_eq!(fixture.key().await, KEY);
    for _ in 0..100 {
        fixture.clock.advance(Duration::from_secs(30));
        fixture.settle().await;
    }
    let revalidations = fixture.source.attempts() - 1;
    println!("fifty idle minutes: {revalidations} revalidations, all in the first fifteen");
    assert!(revalidations <= 34, "{revalidations}");
    let idle = fixture.source.attempts();
    fixture.clock.advance(Duration::from_secs(8 * 3600));
    fixture.settle().await;
    assert_eq!(fixture.source.attempts(), idle);

    fixture
        .bao
        .put("team/key", json!({ "api_key": NEXT }))
        .await;
    assert_eq!(
        fixture.key().await,
        NEXT,
        "the token had expired, the key was rotated: one request"
    );
}
