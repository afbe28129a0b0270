//! Why no key is given although a central policy is configured.

use crate::clock::{Timestamp, whole_seconds};

/// No policy counts now. `place` is where it is published, quoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPolicy {
    /// None was seen yet.
    #[error("the company's policy has not arrived from {place} yet{}", because(.error.as_deref()))]
    Missing {
        place: String,
        /// Why the last look failed.
        error: Option<String>,
    },
    /// The last one was not seen to be the published one for too long.
    #[error(
        "the company's policy was last seen at {place} at {}, longer ago than its 'max_age' of \
         {max_age}{}",
        whole_seconds(*.seen), because(.error.as_deref())
    )]
    Expired {
        place: String,
        seen: Timestamp,
        max_age: String,
        /// Why the last look failed.
        error: Option<String>,
    },
    /// The last one has been seen at a time that has not come: how old it is, is not known.
    #[error(
        "the company's policy was last seen at {place} at {}, which is in the future: a clock was \
         wrong{}",
        whole_seconds(*.seen), because(.error.as_deref())
    )]
    Ahead {
        place: String,
        seen: Timestamp,
        /// Why the last look failed.
        error: Option<String>,
    },
}

impl NoPolicy {
    /// Whether the last look has failed. Otherwise the next request may find a policy.
    #[must_use]
    pub(crate) fn has_failed(&self) -> bool {
        let (Self::Missing { error, .. } | Self::Expired { error, .. } | Self::Ahead { error, .. }) =
            self;
        error.is_some()
    }
}

fn because(error: Option<&str>) -> String {
    error.map_or_else(String::new, |error| format!(": {error}"))
}
