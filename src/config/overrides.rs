//! Whether the user may choose other places than the usual ones.

use super::{load::load_managed, locate::Locations};

/// Whether a managed configuration forbids other places: it exists and does not say
/// `allow_user_config = true`, or cannot be read, which must not give the user more rights.
#[must_use]
pub(crate) fn forbids_overrides(locations: &Locations) -> bool {
    match load_managed(locations) {
        Ok(Some(config)) => !config.allow_user_config,
        Ok(None) => false,
        Err(_) => true,
    }
}
