//! The state of a running daemon.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use tokio::sync::Notify;

use super::{idle, prompts::Prompts, shutdown::Shutdown};
use crate::{
    broker::Jitter,
    clock::{Clock, Now, Tick},
    composition::{self, Composition, LoginSessions, Recorder},
    config::Origin,
    desktop::Desktop,
    lock::Lock,
    login::Logins,
    policy::Accepted,
    policy_watch::PolicyWatch,
    process::Executable,
    sync,
};

/// What a daemon is made from.
pub(crate) struct DaemonOptions {
    /// The files that may contain its configuration, or that itself.
    pub(crate) origin: Origin,
    /// The socket, or the pipe's name, that it listens on.
    pub(crate) socket: PathBuf,
    /// Whether that is the user's usual socket, and not one that variables name.
    pub(crate) is_usual_socket: bool,
    /// The file that it was started from; `None` if that is not known.
    pub(crate) executable: Option<Executable>,
    /// Its time.
    pub(crate) clock: Arc<dyn Clock>,
    /// The random part of its delays.
    pub(crate) jitter: Jitter,
    /// Where it turns to the user.
    pub(crate) desktop: Arc<dyn Desktop>,
    /// The directory of what it keeps.
    pub(crate) state_dir: PathBuf,
    /// Its log file; `None` if it logs to stderr.
    pub(crate) log: Option<PathBuf>,
    /// Why it does not log.
    pub(crate) log_error: Option<String>,
}

/// A running daemon: what is in force, and the facts that `status` reports about the process.
pub(crate) struct Daemon {
    pub(super) composition: Composition,
    pub(super) logins: Arc<Logins>,
    pub(super) lock: Arc<Lock>,
    pub(super) prompts: Prompts,
    pub(super) socket: PathBuf,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) started: Now,
    pub(super) is_usual_socket: bool,
    pub(super) log: Option<PathBuf>,
    pub(super) log_error: Option<String>,
    pub(super) shutdown: Shutdown,
    pub(super) executable: Option<Executable>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) policy: Arc<PolicyWatch>,
    look: Notify,
    last_request: Mutex<Tick>,
    pub(super) sessions: Arc<LoginSessions>,
}

impl Daemon {
    /// Reads the configuration. A daemon with a broken one starts too: it answers requests with the
    /// error and reads the file again when that changes.
    #[must_use]
    pub(crate) fn new(options: DaemonOptions, shutdown: Shutdown) -> Self {
        let DaemonOptions {
            origin,
            socket,
            is_usual_socket,
            executable,
            clock,
            jitter,
            desktop,
            state_dir,
            log,
            log_error,
        } = options;
        let started = clock.now();
        let instance = match is_usual_socket {
            true => String::new(),
            false => socket.to_string_lossy().into_owned(),
        };
        let lock = Arc::new(Lock::open(&state_dir, &instance));
        let other_socket = (!is_usual_socket).then_some(socket.as_path());
        let recorder = Recorder::new(Arc::clone(&clock), state_dir.clone(), other_socket);
        recorder.on_daemon("started");
        let recorder = Arc::new(recorder);
        let policy = composition::policy_watch(&state_dir, &instance, &clock, &jitter, &recorder);
        let sessions = Arc::new(LoginSessions::new(state_dir, instance));
        Self {
            composition: Composition::new(
                origin,
                Arc::clone(&clock),
                jitter,
                Arc::clone(&sessions),
                Arc::clone(&lock),
                Arc::clone(&recorder),
                Arc::clone(&policy),
            ),
            logins: Logins::new(Arc::clone(&clock)),
            lock,
            prompts: Prompts::new(desktop),
            socket,
            clock,
            started,
            is_usual_socket,
            log,
            log_error,
            shutdown,
            executable,
            recorder,
            policy,
            look: Notify::new(),
            last_request: Mutex::new(started.tick),
            sessions,
        }
    }

    /// Restarts the time after which an idle daemon ends.
    pub(super) fn on_request(&self) {
        *sync::lock(&self.last_request) = self.clock.now().tick;
    }

    /// Keeps the central policy up to date. Never returns.
    pub(super) async fn watch_policy(&self) {
        let apply = |policy: &Accepted| {
            if let Some(in_force) = self.composition.in_force() {
                in_force.apply(policy);
            }
        };
        // A look could obtain a login.
        let is_unlocked = || self.lock.current().is_none();
        self.policy.run(is_unlocked, apply).await;
    }

    /// Reads the configuration again. A broken one does not replace a good one. The server looks at
    /// once if the daemon must end.
    pub(crate) fn reload(&self) {
        tracing::info!(
            event = "config-reloading",
            "reading the configuration again"
        );
        // An error is logged there, and `status` reports it.
        self.composition.reload();
        self.look.notify_one();
    }

    /// Waits for [`Daemon::reload`].
    pub(super) async fn look_requested(&self) {
        self.look.notified().await;
    }

    /// Stores what must not be lost. For the daemon's end.
    pub(crate) async fn finish(&self) {
        self.sessions.flush(&*self.clock).await;
        self.recorder.on_daemon("ended");
        self.recorder.finish();
    }

    /// The moment at which the daemon ends if no request comes; `None` if it stays.
    pub(super) fn idle_at(&self) -> Option<Tick> {
        let in_force = self.composition.in_force();
        let configured = in_force.and_then(|it| it.config.daemon.exit_when_idle.get());
        let limit = idle::limit(configured, self.is_usual_socket)?;
        Some(*sync::lock(&self.last_request) + limit)
    }
}
