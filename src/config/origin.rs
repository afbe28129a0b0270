//! The origin of a daemon's configuration.

use std::sync::Arc;

use super::{locate::Locations, stamp::Stamp, table::Config};

/// The files that may contain a configuration, or one that the program itself has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The files, read again if they change.
    Files(Locations),
    /// The demo's, which no file overrides.
    Fixed(Arc<Config>),
}

impl Origin {
    /// The stamp of the files as they are now.
    #[must_use]
    pub(crate) fn stamp(&self) -> Stamp {
        match self {
            Self::Files(locations) => Stamp::of(locations),
            Self::Fixed(_) => Stamp::default(),
        }
    }
}

impl From<Locations> for Origin {
    fn from(locations: Locations) -> Self {
        Self::Files(locations)
    }
}
