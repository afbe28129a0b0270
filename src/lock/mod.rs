//! The lock of a daemon: while it is on, no key is given and none is obtained.
//!
//! `claviger lock` turns it on, `claviger unlock` off; both may be the user's, so that it is a
//! switch and no authentication. It is kept in a file, because a daemon that ends for another
//! reason must not turn it off. A file that cannot be read counts as one that says it is on.

mod file;

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex},
};

use tokio::{sync::watch, task};

use self::file::LockFile;
use crate::{
    clock::{Timestamp, whole_seconds},
    sync,
};

/// A lock that is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locked {
    /// Since when; `None` if that is not known.
    pub(crate) since: Option<Timestamp>,
    /// What has turned it on.
    pub(crate) reason: LockReason,
}

/// What has turned the lock on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LockReason {
    /// `claviger lock`.
    Command,
    /// Its file cannot be read, for this reason.
    Unreadable(String),
}

/// The lock of one daemon.
pub(crate) struct Lock {
    /// `None` if it is in memory only.
    file: Option<Arc<LockFile>>,
    state: watch::Sender<Option<Locked>>,
    /// Held during a change, so that file and memory do not differ.
    change: tokio::sync::Mutex<()>,
    /// Why the file differs from what is in memory.
    unsaved: Mutex<Option<String>>,
}

impl Lock {
    /// The lock in the directory `state_dir`, as its file has it. `instance` distinguishes this
    /// daemon from the user's other ones; it is empty for the usual one.
    #[must_use]
    pub(crate) fn open(state_dir: &Path, instance: &str) -> Self {
        let file = LockFile::new(state_dir, instance);
        let locked = file.read();
        if let Some(locked) = &locked {
            tracing::warn!(event = "lock-found", "{locked}");
        }
        Self {
            file: Some(Arc::new(file)),
            ..Self::of(locked)
        }
    }

    /// A lock that is off and has no file.
    #[must_use]
    pub(crate) fn in_memory() -> Self {
        Self::of(None)
    }

    fn of(locked: Option<Locked>) -> Self {
        Self {
            file: None,
            state: watch::Sender::new(locked),
            change: tokio::sync::Mutex::default(),
            unsaved: Mutex::default(),
        }
    }

    /// The lock, if it is on.
    #[must_use]
    pub(crate) fn current(&self) -> Option<Locked> {
        self.state.borrow().clone()
    }

    /// Waits until the lock is on.
    pub(crate) async fn locked(&self) -> Locked {
        let mut state = self.state.subscribe();
        loop {
            // It cannot fail: `self` owns the sender.
            let _ = state.wait_for(Option::is_some).await;
            // It may be off again, which a caller that was late does not notice.
            if let Some(locked) = self.current() {
                return locked;
            }
        }
    }

    /// Why the file differs from what is in memory, so that the next daemon does.
    #[must_use]
    pub(crate) fn unsaved(&self) -> Option<String> {
        sync::lock(&self.unsaved).clone()
    }

    /// Turns the lock on: at once in memory, and then in the file. Returns the lock that was on
    /// before. A write that fails is [`Self::unsaved`].
    pub(crate) async fn turn_on(&self, now: Timestamp) -> Option<Locked> {
        let before = self.current();
        let since = match &before {
            Some(Locked {
                since: Some(since),
                reason: LockReason::Command,
            }) => *since,
            _ => now,
        };
        self.state.send_replace(Some(Locked {
            since: Some(since),
            reason: LockReason::Command,
        }));
        tracing::warn!(
            event = "locked",
            "locked: no key is given until it is unlocked"
        );
        let _change = self.change.lock().await;
        self.save(move |file| file.write(since)).await;
        before
    }

    /// Turns the lock off: in the file, and then in memory, also if the file cannot be removed.
    /// Returns the lock that was on.
    pub(crate) async fn turn_off(&self) -> Option<Locked> {
        let _change = self.change.lock().await;
        self.save(LockFile::remove).await;
        let before = self.state.send_replace(None);
        if before.is_some() {
            tracing::warn!(event = "unlocked", "unlocked: keys are given again");
        }
        before
    }

    async fn save(&self, operation: impl FnOnce(&LockFile) -> Result<(), String> + Send + 'static) {
        let Some(file) = self.file.clone() else {
            return;
        };
        // It fails if the daemon ends.
        let saved = task::spawn_blocking(move || operation(&file)).await;
        let error = saved.unwrap_or_else(|error| Err(error.to_string())).err();
        if let Some(error) = &error {
            tracing::error!(event = "lock-not-saved", %error, "cannot save the lock");
        }
        *sync::lock(&self.unsaved) = error;
    }
}

/// The start of a sentence.
impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("locked")?;
        if let Some(since) = self.since {
            write!(f, " since {}", whole_seconds(since))?;
        }
        match &self.reason {
            LockReason::Command => Ok(()),
            LockReason::Unreadable(reason) => write!(f, ", because {reason}"),
        }
    }
}

#[cfg(test)]
mod tests;
