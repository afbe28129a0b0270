//! The fuzz targets of the sources, and what they have in common.

use super::SourceError;
pub use super::{
    exec::fuzzing::exec_output,
    oauth::fuzzing::{discovery, id_token, token_response},
    vault::fuzzing::vault_response,
};
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
