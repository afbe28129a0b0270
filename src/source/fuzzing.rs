//! What the fuzz targets of the sources have in common.

use super::SourceError;
use crate::{
    clock::{Clock as _, ManualClock, Now, Timestamp},
    hostile_input::assert_shown,
    secret::Secret,
};

/// When the input was received.
pub(super) fn now() -> Now {
    ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap_or(Timestamp::MAX)).now()
}

/// Asserts that the shim prints `key`: its own check is another one.
#[track_caller]
pub(super) fn assert_usable(key: &Secret) {
    let checked = claviger_wire::check_key(key.expose().as_bytes());
    assert!(checked.is_ok(), "{checked:?}");
}

/// Asserts what holds for every message, and for its hint.
#[track_caller]
pub(super) fn assert_reported(error: &SourceError) {
    assert_shown(&error.to_string());
    if let SourceError::Configuration { hint, .. } | SourceError::LoginRefused { hint, .. } = error
    {
        assert_shown(hint);
    }
}
