//! What can go wrong at a source, by whose fault it is and what is to be done.

use std::time::Duration;

/// What went wrong at a source. A message names the host and what it said, never a body and never a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No answer. Likely to pass: the broker keeps what it has and tries again with back-off.
    #[error("'{host}' {error}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// In which way there was no answer.
        error: TransportError,
    },

    /// An answer, but for now only that there is none: sealed, standby, too many requests, an error inside. Likely to
    /// pass.
    #[error("'{host}' {reason}")]
    Unavailable {
        /// Host and port.
        host: String,
        /// What it said, as the end of a sentence that starts with the host: "is sealed (503)".
        reason: String,
        /// When it asked to be asked again.
        retry_after: Option<Duration>,
    },

    /// The source refused who we said we are. Trying again with the same does not help.
    #[error("'{host}' refused the login: {reason}")]
    LoginRefused {
        /// Host and port.
        host: String,
        /// What it said.
        reason: String,
        /// What to do now.
        hint: String,
    },

    /// The source knows who we are and says no to what we ask for.
    #[error("'{host}' denied {path}: {reason}")]
    Denied {
        /// Host and port.
        host: String,
        /// The path that was asked for.
        path: String,
        /// What it said.
        reason: String,
    },

    /// There is nothing (any more) where the configuration points to.
    #[error("'{host}' has nothing to give at '{path}': {reason}")]
    Missing {
        /// Host and port.
        host: String,
        /// The path that was asked for.
        path: String,
        /// Never written, deleted, destroyed.
        reason: String,
    },

    /// The source gave something that is not a credential, or not one that the client would take.
    #[error("the field '{field}' from '{host}' {reason}")]
    Unusable {
        /// Host and port, or the program.
        host: String,
        /// Which field of the answer.
        field: String,
        /// As the end of the sentence: "is empty", "is a number, not a string".
        reason: String,
    },

    /// The answer makes no sense for this kind of source: not JSON, another program's page, too large.
    #[error("'{host}' answered wrongly: {reason}")]
    Malformed {
        /// Host and port, or the program.
        host: String,
        /// What is wrong with the answer.
        reason: String,
    },

    /// Something that the configuration names is not there or not usable: a secret file, a certificate, a variable.
    #[error("{reason}")]
    Configuration {
        /// What, and where.
        reason: String,
        /// What to do now.
        hint: String,
    },

    /// Nothing went wrong: the credential was forgotten at somebody's request while this was waiting for it.
    #[error("the credential was dropped while it was being obtained")]
    Forgotten,
}

/// In which way there was no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// Nobody listens there.
    #[error("refused the connection")]
    Refused,
    /// Nothing came within the time.
    #[error("did not answer within {0:?}")]
    TimedOut(Duration),
    /// The name is not known, or no name server answers.
    #[error("cannot be found (name resolution failed)")]
    Unresolved,
    /// The certificate is not trusted, has expired or is another host's; or the server wants one of ours.
    #[error("cannot be trusted: {0}")]
    Tls(String),
    /// The connection broke.
    #[error("broke off: {0}")]
    Broken(String),
    /// The program could not be started or ended badly.
    #[error("failed: {0}")]
    Program(String),
}

impl SourceError {
    /// Whether the source has said that there is no (longer a) credential for us: what was obtained before is to be
    /// dropped. Something wrong on our side or in the answer says nothing of the kind.
    #[must_use]
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::LoginRefused { .. } | Self::Denied { .. } | Self::Missing { .. }
        )
    }

    /// When the source asked to be asked again.
    #[must_use]
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
