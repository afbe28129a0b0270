//! Why a store did not do what was asked of it. The variants differ in what helps.

use super::{MAX_LEN, TIMEOUT};

/// Why a secret was not stored, read or removed. It contains no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    /// The store does not exist on this machine, does not run, or does not answer.
    #[error("{store} is not available: {reason}")]
    Unavailable {
        /// The store's name.
        store: String,
        /// What is missing.
        reason: String,
        /// The one thing to do now.
        hint: String,
    },

    /// The store opens only after its user has entered a password.
    #[error("{store} is locked: {reason}")]
    #[cfg_attr(
        all(windows, not(test)),
        expect(dead_code, reason = "the store there is open after a login")
    )]
    Locked {
        /// The store's name.
        store: String,
        /// What is locked.
        reason: String,
        /// The one thing to do now.
        hint: String,
    },

    /// The store, or the system before it, refuses this program.
    #[error("{store} refused access: {reason}")]
    Denied {
        /// The store's name.
        store: String,
        /// Why, or which file or directory is not safe.
        reason: String,
        /// The one thing to do now.
        hint: String,
    },

    /// What is there is not what was stored. It is left as it is.
    #[error("{place} is damaged: {reason}")]
    Corrupt {
        /// The file in quotes, or the item with the store's name.
        place: String,
        /// What is wrong with it.
        reason: String,
        /// The one thing to do now.
        hint: String,
    },

    /// The store, or the system below it, failed.
    #[error("{store} failed: {reason}")]
    Io {
        /// The store's name.
        store: String,
        /// Its reason, or the system's.
        reason: String,
        /// The one thing to do now.
        hint: String,
    },

    /// The secret is too long for a store.
    #[error("{store} stores at most {MAX_LEN} bytes for a login; this one has {len}")]
    TooLarge {
        /// The store's name.
        store: String,
        /// The secret's length in bytes.
        len: usize,
    },
}

impl StoreError {
    /// The one thing to do now.
    #[must_use]
    pub(crate) fn hint(&self) -> &str {
        match self {
            Self::Unavailable { hint, .. }
            | Self::Locked { hint, .. }
            | Self::Denied { hint, .. }
            | Self::Corrupt { hint, .. }
            | Self::Io { hint, .. } => hint,
            Self::TooLarge { .. } => {
                "ask the administrator of your sign-in for fewer groups or claims in its tokens"
            }
        }
    }

    /// The store of this name failed for this reason, and only a second try or its log helps.
    pub(super) fn failed(store: &str, reason: impl Into<String>) -> Self {
        Self::Io {
            store: store.to_owned(),
            reason: reason.into(),
            hint: format!("try again; if that fails too, restart {store}"),
        }
    }

    /// The store of this name did not end within [`TIMEOUT`].
    pub(super) fn timed_out(store: &str) -> Self {
        Self::Unavailable {
            store: store.to_owned(),
            reason: format!("timed out after {TIMEOUT:?}"),
            hint: format!("check that {store} is not waiting for a password or a full disk"),
        }
    }

    /// The system gave no random bytes, which a store of this name needs.
    pub(super) fn no_randomness(store: &str) -> Self {
        Self::failed(store, "the system returned no random bytes")
    }
}
