//! When looks happen and what requests see, with the manual clock and a publisher of the test's.

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::{publisher::Fetched, *};
use crate::{
    clock::{ManualClock, Timestamp},
    policy::{
        signed_policies::{key, text_of},
        worst_case,
    },
};

/// What the publisher answers.
#[derive(Clone, Debug)]
enum Answer {
    /// A text with its entity tag, or 304 for that tag.
    Text(String, Option<&'static str>),
    Fails(&'static str),
    Hangs,
}

#[derive(Clone)]
struct Server {
    answer: Arc<Mutex<Answer>>,
    /// The entity tag of each request.
    requests: Arc<Mutex<Vec<Option<String>>>>,
}

#[async_trait]
impl Publisher for Server {
    async fn fetch(&self, etag: Option<&str>) -> Result<Fetched, String> {
        sync::lock(&self.requests).push(etag.map(str::to_owned));
        let answer = sync::lock(&self.answer).clone();
        match answer {
            Answer::Text(_, tag) if tag.is_some() && tag == etag => Ok(Fetched::Unchanged),
            Answer::Text(text, tag) => Ok(Fetched::Text {
                text: text.into_bytes(),
                etag: tag.map(str::to_owned),
            }),
            Answer::Fails(reason) => Err(reason.to_owned()),
            Answer::Hangs => std::future::pending().await,
        }
    }
}

#[derive(Default)]
struct Observed {
    events: Mutex<Vec<PolicyEvent>>,
    counter: Mutex<Option<u64>>,
}

impl Observer for Observed {
    fn on_counter(&self, counter: Option<u64>) {
        *sync::lock(&self.counter) = counter;
    }

    fn on_policy(&self, event: &PolicyEvent) {
        sync::lock(&self.events).push(event.clone());
    }
}

/// A machine with one state directory, and a daemon on it.
struct Machine {
    clock: ManualClock,
    server: Server,
    observed: Arc<Observed>,
    watch: Arc<PolicyWatch>,
    /// The requests of daemons before this one.
    before: usize,
    directory: Arc<tempfile::TempDir>,
    _tasks: JoinSet<()>,
}

/// A policy with this counter that is looked at once a minute and counts for an hour.
fn policy(counter: u64) -> Answer {
    let text = format!("version = 1\ncounter = {counter}\nwatch = '1m'\nmax_age = '1h'\n");
    Answer::Text(text_of(&text), None)
}

fn tagged(counter: u64, etag: &'static str) -> Answer {
    match policy(counter) {
        Answer::Text(text, _) => Answer::Text(text, Some(etag)),
        other => other,
    }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn config() -> PolicyConfig {
    let text = format!(
        "version = 1\n[policy]\npublic_keys = ['{}']\nurl = 'https://c.test/policy.jws'\n\
         [profile.p]\nsource = 's'\n[source.s]\ntype = 'exec'\ncommand = ['/bin/key']\n",
        key().public()
    );
    let config = crate::config::parse(Path::new("/c.toml"), &text).unwrap();
    config.policy
}

impl Machine {
    fn new(answer: Answer) -> Self {
        let clock = ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap());
        let server = Server {
            answer: Arc::new(Mutex::new(answer)),
            requests: Arc::default(),
        };
        let directory = Arc::new(tempfile::tempdir().unwrap());
        Self::start(clock, server, directory, None)
    }

    /// Starts a daemon whose audit log has this counter.
    fn start(
        clock: ManualClock,
        server: Server,
        directory: Arc<tempfile::TempDir>,
        audited: Option<u64>,
    ) -> Self {
        let observed = Arc::new(Observed::default());
        let before = sync::lock(&server.requests).len();
        let publisher = server.clone();
        let state_dir = directory.path().canonicalize().unwrap().join("state");
        let watch = Arc::new(PolicyWatch {
            publishers: Box::new(move |_| Box::new(publisher.clone())),
            ..PolicyWatch::new(
                &state_dir,
                "",
                Arc::new(clock.clone()),
                Arc::new(|| 0.5),
                Arc::<Observed>::clone(&observed),
            )
        });
        watch.configure(&config(), || audited);
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let watch = Arc::clone(&watch);
            async move { watch.run(|_| {}).await }
        });
        Self {
            clock,
            server,
            observed,
            watch,
            before,
            directory,
            _tasks: tasks,
        }
    }

    fn restarted(self, audited: Option<u64>) -> Self {
        Self::start(self.clock, self.server, self.directory, audited)
    }

    fn publish(&self, answer: Answer) {
        *sync::lock(&self.server.answer) = answer;
    }

    fn file(&self) -> PathBuf {
        self.watch.file.clone()
    }

    /// What a request with an hour's patience finds: the policy's counter.
    async fn request(&self) -> Result<u64, NoPolicy> {
        let deadline = self.clock.now().tick + secs(3600);
        let policy = self.watch.current(deadline).await?;
        Ok(policy.unwrap().signed.document.counter)
    }

    fn counter(&self) -> Option<u64> {
        Some(self.watch.in_force()?.signed.document.counter)
    }

    /// How many looks this daemon has started.
    fn started(&self) -> u64 {
        u64::try_from(self.requests() - self.before).unwrap()
    }

    fn requests(&self) -> usize {
        sync::lock(&self.server.requests).len()
    }

    fn events(&self) -> Vec<PolicyEvent> {
        sync::lock(&self.observed.events).clone()
    }

    /// Waits until `holds`, while the clock stands.
    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            // The file is written in another thread.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Lets `time` pass second by second, so that each look that is due happens.
    async fn pass(&self, time: Duration) {
        for _ in 0..time.as_secs() {
            self.clock.advance(secs(1));
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            self.until(|machine| !machine.is_looking()).await;
        }
    }

    fn is_looking(&self) -> bool {
        let now = self.clock.now();
        let watched = self.watch.watched().unwrap();
        let is_due = watched.next_look(now).is_some_and(|at| at <= now.tick);
        is_due || *watched.looks.borrow() < self.started()
    }
}

#[tokio::test]
async fn the_first_request_waits_for_the_policy() {
    let machine = Machine::new(policy(41));
    assert_eq!(machine.requests(), 0, "nothing before a request");
    assert_eq!(machine.request().await, Ok(41));
    assert_eq!(*sync::lock(&machine.observed.counter), Some(41));
    let accepted = PolicyEvent::Accepted {
        counter: 41,
        key_id: crate::policy::key_id(&key().public()),
    };
    assert_eq!(machine.events(), [accepted]);
}

#[tokio::test]
async fn without_a_policy_there_is_a_reason_and_it_is_reported_once() {
    let machine = Machine::new(Answer::Fails("unexpected status 404"));
    let error = machine.request().await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the company's policy has not arrived from 'https://c.test/policy.jws' yet: unexpected \
         status 404"
    );
    machine.pass(secs(60)).await;
    assert!(machine.requests() > 4, "it is looked for again soon");
    let reason = "unexpected status 404".to_owned();
    assert_eq!(machine.events(), [PolicyEvent::Failed { reason }]);
    machine.publish(policy(41));
    machine.pass(secs(12)).await;
    assert_eq!(machine.request().await, Ok(41));
}

#[tokio::test]
async fn a_server_that_does_not_answer_delays_a_request_for_a_bounded_time() {
    let machine = Machine::new(Answer::Hangs);
    let (waiting, clock) = (machine.request(), machine.clock.clone());
    let start = clock.now().tick;
    let advance = async {
        while machine.requests() == 0 {
            tokio::task::yield_now().await;
        }
        clock.advance(crate::policy::LOOK_TIMEOUT);
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        result = waiting => result.unwrap_err(),
        () = advance => unreachable!(),
    };
    assert!(error.to_string().contains("has not arrived"), "{error}");
    assert_eq!(clock.now().tick.since(start), crate::policy::LOOK_TIMEOUT);
    machine.until(|machine| !machine.events().is_empty()).await;
    let reason = "timed out after 5 s".to_owned();
    assert_eq!(machine.events(), [PolicyEvent::Failed { reason }]);
}

#[tokio::test]
async fn the_last_good_policy_survives_the_daemon_with_its_entity_tag() {
    let machine = Machine::new(tagged(41, "\"a\""));
    assert_eq!(machine.request().await, Ok(41));
    let machine = machine.restarted(None);
    assert_eq!(machine.counter(), Some(41), "before the first look");
    assert_eq!(*sync::lock(&machine.observed.counter), Some(41));
    machine.publish(Answer::Fails("refused"));
    assert_eq!(machine.request().await, Ok(41), "during an outage");
    let etags = sync::lock(&machine.server.requests).clone();
    assert_eq!(etags, [None, Some("\"a\"".to_owned())]);
}

#[tokio::test]
async fn an_unchanged_policy_is_confirmed_by_its_entity_tag_alone() {
    let machine = Machine::new(tagged(41, "\"a\""));
    machine.request().await.unwrap();
    machine.clock.advance(secs(3000));
    machine.request().await.unwrap();
    machine.clock.advance(secs(3000));
    assert_eq!(machine.request().await, Ok(41), "seen within the hour");
    assert_eq!(machine.events().len(), 1);
    // The tag of what is refused is not that of the policy in force.
    machine.publish(tagged(40, "\"old\""));
    machine.pass(secs(66)).await;
    machine.publish(tagged(42, "\"b\""));
    machine.pass(secs(66)).await;
    assert_eq!(machine.counter(), Some(42));
    let etags = sync::lock(&machine.server.requests).clone();
    assert!(!etags.contains(&Some("\"old\"".to_owned())), "{etags:?}");
}

#[tokio::test]
async fn a_rollback_is_refused_and_reported_once() {
    let machine = Machine::new(policy(42));
    machine.request().await.unwrap();
    machine.publish(policy(41));
    machine.pass(secs(300)).await;
    assert_eq!(machine.counter(), Some(42));
    let refused = |event: &&PolicyEvent| matches!(event, PolicyEvent::Refused { .. });
    assert_eq!(machine.events().iter().filter(refused).count(), 1);
    machine.publish(policy(42));
    machine.pass(secs(66)).await;
    let last = machine.events().pop();
    assert_eq!(last, Some(PolicyEvent::Resumed { counter: 42 }));
}

#[tokio::test]
async fn a_removed_file_lowers_no_counter_that_the_audit_log_has() {
    let machine = Machine::new(policy(42));
    machine.request().await.unwrap();
    std::fs::remove_file(machine.file()).unwrap();
    machine.publish(policy(41));
    let machine = machine.restarted(Some(42));
    let error = machine.request().await.unwrap_err().to_string();
    assert!(error.contains("at least 42"), "{error}");
    machine.publish(policy(42));
    machine.pass(secs(12)).await;
    assert_eq!(machine.request().await, Ok(42));
}

#[tokio::test]
async fn a_kept_policy_below_the_minimum_is_fetched_anew() {
    let machine = Machine::new(tagged(41, "\"a\""));
    machine.request().await.unwrap();
    let machine = machine.restarted(Some(42));
    let error = machine.request().await.unwrap_err().to_string();
    assert!(error.contains("at least 42"), "{error}");
}

#[tokio::test]
async fn a_file_that_was_changed_is_no_policy() {
    let machine = Machine::new(policy(42));
    machine.request().await.unwrap();
    let text = std::fs::read_to_string(machine.file()).unwrap();
    let Answer::Text(other, _) = policy(43) else {
        unreachable!()
    };
    let Answer::Text(signed, _) = policy(42) else {
        unreachable!()
    };
    // The signature of another policy.
    let (body, signature) = (
        signed.rsplit_once('.').unwrap().0,
        other.rsplit_once('.').unwrap().1,
    );
    std::fs::write(
        machine.file(),
        text.replace(&signed, &format!("{body}.{signature}")),
    )
    .unwrap();
    let machine = machine.restarted(None);
    assert_eq!(machine.counter(), None);
    assert_eq!(machine.request().await, Ok(42), "it is fetched again");
}

#[tokio::test]
async fn an_idle_daemon_does_not_look_and_the_next_request_looks_first() {
    let machine = Machine::new(policy(41));
    machine.request().await.unwrap();
    machine.pass(secs(900)).await;
    let in_use = machine.requests();
    assert!(
        (14..=16).contains(&in_use),
        "{in_use} looks in a quarter of an hour"
    );
    machine.pass(secs(1800)).await;
    assert_eq!(machine.requests(), in_use);
    machine.publish(policy(42));
    assert_eq!(machine.request().await, Ok(42));
}

#[tokio::test]
async fn after_its_maximum_age_an_unseen_policy_gives_no_keys() {
    let machine = Machine::new(policy(41));
    machine.request().await.unwrap();
    machine.publish(Answer::Fails("refused"));
    machine.clock.advance(secs(3600));
    assert_eq!(machine.request().await, Ok(41));
    machine.clock.advance(secs(1));
    let error = machine.request().await.unwrap_err().to_string();
    assert!(
        error.contains("last seen at 'https://c.test/policy.jws'") && error.contains("1h"),
        "{error}"
    );
    machine.publish(policy(41));
    machine.pass(secs(12)).await;
    assert_eq!(machine.request().await, Ok(41), "seen again");
}

#[tokio::test]
async fn a_configuration_without_a_place_ends_the_policy() {
    let machine = Machine::new(policy(41));
    machine.request().await.unwrap();
    machine
        .watch
        .configure(&config(), || unreachable!("unchanged"));
    assert_eq!(machine.counter(), Some(41));
    machine.watch.configure(&PolicyConfig::default(), || None);
    let deadline = machine.clock.now().tick;
    assert_eq!(machine.watch.current(deadline).await, Ok(None));
    assert_eq!(*sync::lock(&machine.observed.counter), None);
    machine.watch.configure(&config(), || None);
    assert_eq!(machine.counter(), Some(41), "from its file");
}

#[tokio::test]
async fn being_seen_is_written_down_now_and_then() {
    let machine = Machine::new(policy(41));
    machine.request().await.unwrap();
    let written = || {
        std::fs::metadata(machine.file())
            .unwrap()
            .modified()
            .unwrap()
    };
    let (first, start) = (written(), machine.clock.now().wall);
    machine.pass(secs(200)).await;
    assert_eq!(written(), first);
    machine.pass(secs(100)).await;
    let seen_at = PolicyFile::new(&machine.file())
        .read()
        .unwrap()
        .unwrap()
        .seen_at;
    assert!(seen_at.duration_since(start).as_secs() >= 225, "{seen_at}");
}

/// The time from the publication of a policy until requests are judged by it, for looks at random
/// times of a daemon in use.
async fn delay(random: &mut fastrand::Rng) -> Duration {
    let machine = Machine::new(policy(1));
    machine.request().await.unwrap();
    machine.pass(secs(random.u64(1..120))).await;
    machine.publish(policy(2));
    let published = machine.clock.now().tick;
    while machine.counter() != Some(2) {
        machine.pass(secs(1)).await;
    }
    machine.clock.now().tick.since(published)
}

#[tokio::test]
async fn a_daemon_in_use_has_a_policy_within_the_worst_case() {
    let worst = worst_case(secs(60));
    let mut latest = Duration::ZERO;
    for seed in 0..40 {
        let delay = delay(&mut fastrand::Rng::with_seed(seed)).await;
        assert!(delay <= worst, "seed {seed}: {delay:?}");
        latest = latest.max(delay);
    }
    assert!(
        latest > secs(45),
        "{latest:?}: the bound is not a loose one"
    );
}
