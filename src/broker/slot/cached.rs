//! The cached credential: how long it may be served.
//!
//! Pure. A credential without an expiry is valid until it is rotated, so an outage of its source
//! would keep a revoked one in use without end; `max_age` since it was last seen to be current is
//! then its lifetime.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::{Now, Tick, Timestamp},
    credential::Credential,
    jwt_claims,
    secret::Fingerprint,
};

/// The time before a JWT's own expiry at which Claude Code runs its helper again, and a little
/// more: it must get a longer-lived token then.
pub(crate) const JWT_RERUN_WINDOW: Duration = Duration::from_secs(32);

/// The cached credential.
#[derive(Clone, Debug)]
pub(super) struct Cached {
    pub(super) credential: Arc<Credential>,
    /// The credential's: each request compares it, and a hash is too dear for that.
    pub(super) fingerprint: Fingerprint,
    /// When this key was first obtained; a later lease or version with the same key counts as the
    /// same.
    pub(super) obtained: Now,
    /// When this key was first issued, if its issuer reports that.
    pub(super) issued: Option<Timestamp>,
    /// When the source was last known to have it.
    pub(super) confirmed: Tick,
    /// Drawn once for this credential, see [`advisory_window`](super::renewal::advisory_window).
    pub(super) jitter: f64,
    /// The key's own expiry, if it is a JWT.
    jwt_expiry: Option<Timestamp>,
}

impl Cached {
    /// A credential that the source has just returned.
    pub(super) fn new(credential: Credential, now: Tick, jitter: f64) -> Self {
        Self {
            jwt_expiry: jwt_claims::expiry(&credential.secret),
            fingerprint: credential.fingerprint(),
            obtained: credential.obtained,
            issued: credential.issued,
            credential: Arc::new(credential),
            confirmed: now,
            jitter,
        }
    }

    /// Takes over since when the key is known from `previous`, which is the same key.
    pub(super) fn continues(&mut self, previous: &Self) {
        self.obtained = previous.obtained;
        self.issued = previous.issued;
    }

    /// How long it lives in all: its lifetime, or `max_age` if it has none.
    pub(super) fn lifetime(&self, max_age: Option<Duration>) -> Option<Duration> {
        self.credential.lifetime.or(max_age)
    }

    /// How much longer it may be served; `None` if without end.
    pub(super) fn remaining(&self, now: Now, max_age: Option<Duration>) -> Option<Duration> {
        self.credential
            .remaining(now)
            .or_else(|| Some(max_age?.saturating_sub(now.tick.since(self.confirmed))))
    }

    /// How soon the client runs its helper again because the key is a JWT, whatever its cache
    /// lifetime.
    pub(super) fn reruns_after(&self, now: Now) -> Option<Duration> {
        let left = self.jwt_expiry?.duration_since(now.wall);
        let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
        Some(left.saturating_sub(JWT_RERUN_WINDOW))
    }

    /// Whether it is a JWT with which the client would come back at once, although a new one of
    /// this lifetime would last for longer.
    pub(super) fn is_due_for_rerun(&self, now: Now) -> bool {
        let is_long_lived = self
            .credential
            .lifetime
            .is_some_and(|lifetime| lifetime > JWT_RERUN_WINDOW + JWT_RERUN_WINDOW / 4);
        is_long_lived && self.reruns_after(now).is_some_and(|after| after.is_zero())
    }
}
