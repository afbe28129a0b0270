use std::time::Duration;

use async_trait::async_trait;

use super::{super::*, *};
use crate::{
    clock::{ManualClock, Timestamp},
    credential::Credential,
    secret::Secret,
    source::{Source, SourceError},
};

const REQUEST: AcquireRequest = AcquireRequest::new(Duration::from_secs(300), None);

/// A source whose key is its client's variable `TEAM`; counts the fetches of all clients.
struct TeamSource {
    team: String,
    fetches: Arc<Mutex<Vec<String>>>,
    clock: ManualClock,
}

#[async_trait]
impl Source for TeamSource {
    async fn issue(&self) -> Result<Credential, SourceError> {
        self.fetches.lock().unwrap().push(self.team.clone());
        Ok(Credential {
            secret: Secret::new(format!("key-{}", self.team)),
            obtained: self.clock.now(),
            issued: None,
            lifetime: None,
            version: None,
            lease: None,
        })
    }

    fn host(&self) -> &str {
        "team"
    }
}

/// A broker with the profile `p`, whose credential depends on the client's variable `TEAM`.
struct TeamFixture {
    clock: ManualClock,
    fetches: Arc<Mutex<Vec<String>>>,
    broker: Broker,
}

impl TeamFixture {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let fetches = Arc::<Mutex<Vec<String>>>::default();
        let routes = RouteBuilder::new({
            let (clock, fetches) = (clock.clone(), Arc::clone(&fetches));
            move |variables| Route {
                source: Arc::new(TeamSource {
                    team: variables.get("TEAM").unwrap().expose().to_owned(),
                    fetches: Arc::clone(&fetches),
                    clock: clock.clone(),
                }),
                source_name: "team".to_owned(),
                gateway: None,
                watch: None,
                max_age: None,
            }
        });
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let jitter: Jitter = Arc::new(|| 0.5);
        let routes = BTreeMap::from([("p".to_owned(), routes)]);
        let broker = Broker::new(routes, &shared, &jitter);
        Self {
            clock,
            fetches,
            broker,
        }
    }

    fn deadline(&self) -> Tick {
        self.clock.now().tick + Duration::from_secs(8)
    }

    async fn acquire(&self, team: &str) -> String {
        let variables = self::team(team);
        let acquired = self
            .broker
            .acquire("p", &variables, REQUEST, self.deadline());
        acquired
            .await
            .unwrap()
            .credential
            .secret
            .expose()
            .to_owned()
    }

    /// The clients whose credentials have been fetched since the last call.
    fn fetched(&self) -> Vec<String> {
        mem::take(&mut *self.fetches.lock().unwrap())
    }
}

fn team(name: &str) -> ClientVariables {
    let value = Secret::new(name.to_owned());
    [("TEAM".to_owned(), value)].into_iter().collect()
}

#[tokio::test]
async fn clients_with_different_variables_get_different_keys_and_equal_ones_share() {
    let fixture = TeamFixture::new();
    for name in ["a", "b", "a", "b", "a"] {
        assert_eq!(fixture.acquire(name).await, format!("key-{name}"));
    }
    assert_eq!(fixture.fetched(), ["a", "b"]);
    let (one, two) = tokio::join!(fixture.acquire("c"), fixture.acquire("c"));
    assert_eq!((one.as_str(), two.as_str()), ("key-c", "key-c"));
    assert_eq!(fixture.fetched(), ["c"], "one flight");
}

#[tokio::test]
async fn refresh_and_logout_act_on_all_entries() {
    let fixture = TeamFixture::new();
    fixture.acquire("a").await;
    fixture.acquire("b").await;
    assert_eq!(fixture.fetched(), ["a", "b"]);
    let other = team("c");
    let refreshed = fixture.broker.refresh("p", &other, fixture.deadline());
    refreshed.await.unwrap();
    let mut fetched = fixture.fetched();
    fetched.sort();
    assert_eq!(fetched, ["a", "b"]);
    assert_eq!(fixture.broker.snapshots("p").len(), 2);

    assert_eq!(fixture.broker.log_out("p").await.len(), 2);
    assert!(!fixture.broker.has_entries("p"));
    let refreshed = fixture.broker.refresh("p", &other, fixture.deadline());
    refreshed.await.unwrap();
    fixture.acquire("a").await;
    assert_eq!(fixture.fetched(), ["c", "a"]);
}

#[tokio::test]
async fn the_least_recently_used_entry_is_dropped_and_an_idle_one_first() {
    let fixture = TeamFixture::new();
    let names: Vec<_> = (0..MAX_ENTRIES).map(|at| at.to_string()).collect();
    for name in &names {
        fixture.acquire(name).await;
        fixture.clock.advance(Duration::from_secs(1));
    }
    fixture.acquire("0").await;
    fixture.fetched();
    fixture.acquire("new").await;
    // All are in use: the least recently used one is gone, and no other.
    for name in ["0", "2", "63", "new"] {
        fixture.acquire(name).await;
    }
    assert_eq!(fixture.fetched(), ["new"]);
    assert_eq!(fixture.broker.snapshots("p").len(), MAX_ENTRIES);

    // A client that caches for longer keeps its entry in use for longer.
    let long = AcquireRequest::new(Duration::from_secs(36_000), None);
    let deadline = fixture.deadline();
    let two = team("2");
    let acquired = fixture.broker.acquire("p", &two, long, deadline);
    acquired.await.unwrap();
    fixture.clock.advance(Duration::from_secs(1));
    fixture.acquire("3").await;
    fixture.clock.advance(Duration::from_secs(1_000));
    for name in names
        .iter()
        .skip(4)
        .chain([&"0".to_owned(), &"new".to_owned()])
    {
        fixture.acquire(name).await;
    }
    fixture.acquire("newer").await;
    fixture.fetched();
    fixture.acquire("2").await;
    assert_eq!(fixture.fetched(), [""; 0], "the entry in use stays");
    fixture.acquire("3").await;
    assert_eq!(fixture.fetched(), ["3"], "the idle one was dropped");
}
