//! The logins of the daemon: one at a time, so that the user never faces two pages. Those for the
//! same source share it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use tokio::{sync::watch, task::JoinHandle};

use super::{
    Flow, LoginEvent,
    attempt::{Attempt, Ended},
};
use crate::{client_variables::VariablesHash, clock::Clock, source::SignIn, sync};

/// Identifies a login: equal ones are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoginKey {
    /// The source that the user signs in to.
    pub(crate) source: String,
    /// The client's variables that this source needs: other values are another login.
    pub(crate) variables: VariablesHash,
}

/// What to start if no login is under way.
pub(crate) struct LoginRequest {
    /// Which login it is.
    pub(crate) key: LoginKey,
    /// The source's part.
    pub(crate) sign_in: Arc<dyn SignIn>,
    /// How the user can sign in.
    pub(crate) flow: Flow,
    /// Discards the keys of the former user. Called before the end is announced, unless the login
    /// in force before is known to be of the same user; also if all watchers have gone.
    pub(crate) on_new_user: Box<dyn FnOnce() + Send>,
}

/// The login under way, or none.
pub(crate) struct Logins {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// The number of logins that have ended.
    ended: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    current: Option<Current>,
    /// Shows the outcome of the last login, and keeps its port until then.
    page: Option<JoinHandle<()>>,
    /// By source: how many have succeeded.
    made: BTreeMap<String, u64>,
}

struct Current {
    key: LoginKey,
    events: Arc<watch::Sender<Vec<LoginEvent>>>,
}

/// The result of [`Logins::enter`].
pub(crate) enum Entered {
    /// The login was started, or joined.
    Watching {
        /// Its events, from the first one on.
        watch: Watch,
        /// Whether it was under way already.
        is_joined: bool,
    },
    /// Another login is under way.
    Busy {
        /// The source of that.
        source: String,
        /// Its end.
        end: End,
    },
}

/// The events of a login. While one exists, the login is not abandoned.
pub(crate) struct Watch {
    events: watch::Receiver<Vec<LoginEvent>>,
    /// How many have been returned.
    returned: usize,
}

/// The end of a login, which this does not keep from being abandoned.
pub(crate) struct End(watch::Receiver<u64>);

impl Logins {
    /// No login.
    #[must_use]
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            state: Mutex::default(),
            ended: watch::Sender::new(0),
        })
    }

    /// Joins the login with the key of `request`, or starts one if none is under way.
    pub(crate) fn enter(self: &Arc<Self>, request: LoginRequest) -> Entered {
        let mut state = sync::lock(&self.state);
        match &state.current {
            Some(current) if current.key == request.key => Entered::Watching {
                watch: Watch::new(&current.events),
                is_joined: true,
            },
            Some(current) => Entered::Busy {
                source: current.key.source.clone(),
                end: End(self.ended.subscribe()),
            },
            None => {
                let events = Arc::new(watch::Sender::new(Vec::new()));
                let watch = Watch::new(&events);
                state.current = Some(Current {
                    key: request.key,
                    events: Arc::clone(&events),
                });
                let attempt = Attempt {
                    sign_in: request.sign_in,
                    flow: request.flow,
                    clock: Arc::clone(&self.clock),
                    events,
                };
                let page = state.page.take();
                tokio::spawn(Arc::clone(self).run(attempt, request.on_new_user, page));
                Entered::Watching {
                    watch,
                    is_joined: false,
                }
            }
        }
    }

    /// The end of the login under way; `None` if there is none.
    pub(crate) fn under_way(&self) -> Option<End> {
        let state = sync::lock(&self.state);
        let is_under_way = state.current.is_some();
        is_under_way.then(|| End(self.ended.subscribe()))
    }

    /// How many logins at `source` have succeeded: identifies the last one.
    pub(crate) fn made(&self, source: &str) -> u64 {
        let state = sync::lock(&self.state);
        state.made.get(source).copied().unwrap_or_default()
    }

    /// Runs `attempt`, after the port of the one before is free.
    async fn run(
        self: Arc<Self>,
        attempt: Attempt,
        on_new_user: impl FnOnce(),
        page: Option<JoinHandle<()>>,
    ) {
        if let Some(page) = page {
            page.abort();
            // It is cancelled, or has ended.
            let _ = page.await;
        }
        let source = attempt.sign_in.source().to_owned();
        // One that cannot be read is not known to be of the same user.
        let former = attempt.sign_in.login().await.ok().flatten();
        let (result, page): Ended = attempt.run().await;
        match &result {
            Ok(login) => {
                if !former.is_some_and(|former| former.is_same_user(login)) {
                    on_new_user();
                }
                tracing::info!(event = "login-completed", source, "the user has signed in");
            }
            Err(error) => {
                tracing::warn!(event = "login-failed", source, %error, "the user is not signed in");
            }
        }
        {
            let mut state = sync::lock(&self.state);
            state.current = None;
            state.page = page;
            if result.is_ok() {
                *state.made.entry(source).or_default() += 1;
            }
        }
        let ended = LoginEvent::Ended(result);
        attempt.events.send_modify(|events| events.push(ended));
        self.ended.send_modify(|ended| *ended += 1);
    }
}

impl Watch {
    fn new(events: &watch::Sender<Vec<LoginEvent>>) -> Self {
        Self {
            events: events.subscribe(),
            returned: 0,
        }
    }

    /// Waits for the next event; `None` after the last one. Can be dropped at any time.
    pub(crate) async fn next(&mut self) -> Option<LoginEvent> {
        let at = self.returned;
        let events = self.events.wait_for(|events| events.len() > at).await;
        let event = events.ok()?.get(at).cloned();
        self.returned += 1;
        event
    }
}

impl End {
    /// Waits for it.
    pub(crate) async fn wait(&mut self) {
        // It cannot fail while the daemon runs.
        let _ = self.0.changed().await;
    }
}
