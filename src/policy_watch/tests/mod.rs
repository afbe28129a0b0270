//! A daemon's policy with the manual clock and a publisher of the test's.

mod looks;

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
                Box::new(|_, _| unreachable!("there is another publisher")),
            )
        });
        watch.configure(&config(), || audited);
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let watch = Arc::clone(&watch);
            async move { watch.run(|| true, |_| {}).await }
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
        self.watch.file.path()
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
