//! Keeps the central policy up to date: looks for a newer one while the daemon is in use, and keeps
//! the last good one between runs.
//!
//! ```text
//! configuration ─▶ publisher (http, secret) ─▶ signature ─▶ policy::PolicyState ─▶ file
//!                                                     observer ◀──┴─▶ the requests for keys
//! ```
//!
//! What counts and when a look is due is decided by [`PolicyState`](crate::policy::PolicyState).
//! There is one look at a time, by the task of [`PolicyWatch::run`]: requests wait for it.

mod error;
mod event;
mod file;
mod publisher;
mod watched;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::Notify;

pub(crate) use self::{
    error::NoPolicy, event::PolicyEvent, file::StoredPolicy, publisher::SecretSources,
    watched::PolicyStatus,
};
use self::{file::PolicyFile, publisher::Publisher, watched::Watched};
use crate::{
    clock::{Clock, Tick},
    config::{PolicyConfig, PolicyPlace},
    jitter::Jitter,
    policy::Accepted,
    sync,
};

/// The longest time that passes unnoticed while a machine sleeps: the system's timers do not count
/// it, and a look may be overdue at its end.
const MAX_SLEEP: Duration = Duration::from_secs(10);

/// Hears of what the looks find.
pub(crate) trait Observer: Send + Sync {
    /// Called with the counter of the last good policy, when that changes.
    fn on_counter(&self, counter: Option<u64>);

    /// Called at each event, in the task that looks.
    fn on_policy(&self, event: &PolicyEvent);
}

/// Makes the publisher at a place.
type Publishers = Box<dyn Fn(&PolicyPlace) -> Box<dyn Publisher> + Send + Sync>;

/// The last good policy that the daemon of `instance` keeps in `state_dir`, as for
/// [`PolicyWatch::new`], with its file; `None` if it keeps none. The signature is not verified.
///
/// # Errors
///
/// What is wrong with the file.
pub(crate) fn kept(
    state_dir: &Path,
    instance: &str,
) -> Result<Option<(PathBuf, StoredPolicy)>, String> {
    let file = PolicyFile::new(state_dir, instance);
    let stored = file.read()?;
    Ok(stored.map(|stored| (file.path(), stored)))
}

/// The central policy of one daemon.
pub(crate) struct PolicyWatch {
    clock: Arc<dyn Clock>,
    jitter: Jitter,
    file: PolicyFile,
    observer: Arc<dyn Observer>,
    publishers: Publishers,
    /// `None` without a central policy.
    watched: Mutex<Option<Arc<Watched>>>,
    /// A request has come, or the configuration has changed.
    woken: Notify,
}

impl PolicyWatch {
    /// Without a policy. The last good one is kept in `state_dir`, where `instance` distinguishes
    /// this daemon from the user's other ones. `secrets` makes the sources that are named.
    #[must_use]
    pub(crate) fn new(
        state_dir: &Path,
        instance: &str,
        clock: Arc<dyn Clock>,
        jitter: Jitter,
        observer: Arc<dyn Observer>,
        secrets: SecretSources,
    ) -> Self {
        Self {
            publishers: Box::new(move |place| publisher::of(place, &secrets)),
            clock,
            jitter,
            file: PolicyFile::new(state_dir, instance),
            observer,
            watched: Mutex::default(),
            woken: Notify::new(),
        }
    }

    /// Has the policy of `config` in force from now on. `minimum` is a counter that was in force
    /// before, by another record than the file of the last good policy.
    pub(crate) fn configure(&self, config: &PolicyConfig, minimum: impl FnOnce() -> Option<u64>) {
        let mut watched = sync::lock(&self.watched);
        let is_same = match watched.as_ref() {
            Some(watched) => watched.config == *config,
            None => config.place.is_none(),
        };
        if is_same {
            return;
        }
        // A policy that is in force stays so if only the way to it changes: its file has it.
        let minimum = config.minimum_counter.max(minimum().unwrap_or(0));
        let file = self.file.clone();
        let new = |place| {
            let publisher = (self.publishers)(place);
            Watched::new(config, place, publisher, minimum, file, self.clock.now())
        };
        *watched = config.place.as_ref().map(new).map(Arc::new);
        let counter = watched.as_ref().and_then(|watched| watched.counter());
        drop(watched);
        self.observer.on_counter(counter);
        self.woken.notify_one();
    }

    /// The policy by which a request for a key is judged now; `None` if there is none by the
    /// configuration. Waits for a look that is due, for a bounded time and at most until
    /// `deadline`.
    ///
    /// # Errors
    ///
    /// [`NoPolicy`]: no policy was seen, or not for too long.
    pub(crate) async fn current(&self, deadline: Tick) -> Result<Option<Arc<Accepted>>, NoPolicy> {
        let Some(watched) = self.watched() else {
            return Ok(None);
        };
        let now = self.clock.now();
        let mut wait = watched.on_request(now);
        self.woken.notify_one();
        if !wait.patience.is_zero() {
            let until = deadline.min(now.tick + wait.patience);
            tokio::select! {
                () = wait.looked() => {}
                () = self.clock.sleep_until(until) => {}
            }
        }
        watched.in_force(self.clock.now()).map(Some)
    }

    /// As [`PolicyWatch::current`], without a look.
    ///
    /// # Errors
    ///
    /// [`NoPolicy`].
    pub(crate) fn known(&self) -> Result<Option<Arc<Accepted>>, NoPolicy> {
        let watched = self.watched();
        let in_force = watched.map(|watched| watched.in_force(self.clock.now()));
        in_force.transpose()
    }

    /// The policy that is in force without a look; `None` if there is none.
    #[must_use]
    pub(crate) fn in_force(&self) -> Option<Arc<Accepted>> {
        self.known().ok().flatten()
    }

    /// The policy that is in force instead of `before`; `None` if that still is.
    #[must_use]
    pub(crate) fn newer_than(&self, before: Option<&Arc<Accepted>>) -> Option<Arc<Accepted>> {
        let is_other = |now: &Arc<_>| before.is_none_or(|before| !Arc::ptr_eq(now, before));
        self.in_force().filter(is_other)
    }

    /// What is known of the policy; `None` if there is none by the configuration.
    #[must_use]
    pub(crate) fn status(&self) -> Option<PolicyStatus> {
        Some(self.watched()?.status(self.clock.now()))
    }

    /// Drops the secrets by which the policy is fetched, such as a token of Vault. The next look
    /// obtains them again.
    pub(crate) async fn forget(&self) {
        if let Some(watched) = self.watched() {
            watched.forget().await;
        }
    }

    /// Looks for a newer policy whenever that is due and `may_look`, and calls `on_accepted` for
    /// each one, before the requests that wait for it go on. Never returns.
    pub(crate) async fn run(&self, may_look: impl Fn() -> bool, on_accepted: impl Fn(&Accepted)) {
        loop {
            let watched = self.watched();
            let now = self.clock.now();
            let watching = watched.as_ref().filter(|_| may_look());
            let next = watching.and_then(|watched| watched.next_look(now));
            if let (Some(watched), Some(at)) = (&watched, next)
                && at <= now.tick
            {
                self.look(watched, &on_accepted).await;
                continue;
            }
            let sleep = async {
                match next {
                    Some(at) => self.clock.sleep_until(at.min(now.tick + MAX_SLEEP)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.woken.notified() => {}
                () = sleep => {}
            }
        }
    }

    /// Looks once, and reports what has changed.
    async fn look(&self, watched: &Arc<Watched>, on_accepted: &impl Fn(&Accepted)) {
        let events = watched.look(&*self.clock, (self.jitter)()).await;
        let current = self.watched();
        // If the configuration has changed meanwhile, this is not its policy.
        if current.is_some_and(|current| Arc::ptr_eq(&current, watched)) {
            self.observer.on_counter(watched.counter());
            for event in &events {
                self.observer.on_policy(event);
                if let PolicyEvent::Accepted { .. } = event
                    && let Ok(policy) = watched.in_force(self.clock.now())
                {
                    on_accepted(&policy);
                }
            }
        }
        watched.finish_look();
    }

    fn watched(&self) -> Option<Arc<Watched>> {
        sync::lock(&self.watched).clone()
    }
}

#[cfg(test)]
mod tests;
