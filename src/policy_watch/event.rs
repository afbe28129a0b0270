//! What the looks for a policy find, for the log and the audit log.

/// What has changed. A failure is reported once, until there is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PolicyEvent {
    /// A newer policy is in force.
    Accepted {
        counter: u64,
        /// The thumbprint of the key that has signed it.
        key_id: String,
    },
    /// What is published must not be in force, for this reason.
    Refused { reason: String },
    /// Nothing was found that could be, for this reason.
    Failed { reason: String },
    /// The policy in force is the published one again, after a failure.
    Resumed { counter: u64 },
    /// The last good policy cannot be kept for the next daemon, or be read.
    FileFailed { reason: String },
}

impl PolicyEvent {
    /// Writes it to the log. `place` is where the policy is published.
    pub(super) fn log(&self, place: &str) {
        match self {
            Self::Accepted { counter, key_id } => tracing::info!(
                event = "policy-accepted",
                counter,
                key_id,
                place,
                "a newer central policy is in force",
            ),
            Self::Refused { reason } => tracing::warn!(
                event = "policy-refused",
                reason,
                place,
                "the published central policy is refused",
            ),
            Self::Failed { reason } => tracing::warn!(
                event = "policy-unavailable",
                reason,
                place,
                "cannot fetch the central policy",
            ),
            Self::Resumed { counter } => tracing::info!(
                event = "policy-available",
                counter,
                place,
                "the central policy is available again",
            ),
            Self::FileFailed { reason } => tracing::warn!(
                event = "policy-not-kept",
                reason,
                "cannot keep the last good central policy",
            ),
        }
    }
}
