//! A central rotation: keys that were issued before it are not served any more.
//!
//! Pure. A key's age counts by the clock of its issuer, if that reports when it issued the key: by
//! the claim `iat` of a JWT, or by the creation time of a version in KV v2. Otherwise it counts
//! from when this daemon first obtained the key. The wall clock of this machine may be wrong, and
//! must neither keep an old key in use nor reject every new one: what was obtained before the
//! daemon learned of the rotation is old, by the monotonic clock.

use crate::{
    broker::slot::cached::Cached,
    clock::{Tick, Timestamp},
};

/// A central rotation, as a policy orders it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotateAfter {
    /// Keys issued before this are rejected.
    pub at: Timestamp,
    /// When this daemon learned of it.
    pub known_since: Tick,
}

impl RotateAfter {
    /// Whether `cached` must not be served.
    pub(super) fn rejects(&self, cached: &Cached) -> bool {
        match cached.issued {
            Some(issued) => issued < self.at,
            None => cached.obtained.tick < self.known_since,
        }
    }
}
