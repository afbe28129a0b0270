//! What a source issues and a client is handed.

use std::time::Duration;

use crate::{
    clock::{Now, Timestamp},
    secret::{Fingerprint, Secret},
};

/// The longest key that Claude Code takes from a helper, in characters.
pub(crate) const MAX_KEY_LEN: usize = claviger_wire::MAX_KEY_LEN;

/// A gateway credential and what is known of its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The key itself.
    pub secret: Secret,
    /// When it was in hand, by both clocks.
    pub obtained: Now,
    /// How long it lives from then on; `None` where the source does not say (a key in KV lives until it is rotated).
    pub lifetime: Option<Duration>,
    /// Vault's KV v2 version; `None` where the source has no such thing.
    pub version: Option<u64>,
    /// The lease it came under, if it came under one.
    pub lease: Option<Lease>,
}

/// A Vault lease. See <https://developer.hashicorp.com/vault/docs/concepts/lease>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What `sys/leases/renew` and `revoke` take.
    pub id: String,
    /// Whether the same lease can be made longer.
    pub renewable: bool,
}

impl Credential {
    /// When it was issued, by the wall clock.
    #[must_use]
    pub(crate) fn issued_at(&self) -> Timestamp {
        self.obtained.wall
    }

    /// When it expires, by the wall clock; `None` where the source does not say.
    #[must_use]
    pub(crate) fn expires_at(&self) -> Option<Timestamp> {
        let lifetime = self.lifetime?;
        Some(
            self.obtained
                .wall
                .saturating_add(lifetime)
                .unwrap_or(Timestamp::MAX),
        )
    }

    /// How much life is left; `None` for one without an end.
    ///
    /// The clock that has less to give is believed: the monotonic one where the wall clock was set back, the wall clock
    /// where it was set forward.
    #[must_use]
    pub(crate) fn remaining(&self, now: Now) -> Option<Duration> {
        let lifetime = self.lifetime?;
        let by_tick = lifetime.saturating_sub(now.tick.since(self.obtained.tick));
        let by_wall = self.expires_at()?.duration_since(now.wall);
        Some(by_tick.min(Duration::try_from(by_wall).unwrap_or(Duration::ZERO)))
    }

    /// Whether its life is over.
    #[must_use]
    pub(crate) fn is_expired(&self, now: Now) -> bool {
        self.remaining(now).is_some_and(|left| left.is_zero())
    }

    /// See [`Secret::fingerprint`].
    #[must_use]
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.secret.fingerprint()
    }
}

/// Why Claude Code would refuse a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// Nothing in it.
    #[error("is empty")]
    Empty,
    /// Longer than [`MAX_KEY_LEN`].
    #[error("has {0} characters; the client takes {MAX_KEY_LEN} at most")]
    TooLong(usize),
    /// A space, tab or line break.
    #[error("contains whitespace at character {0}")]
    WhiteSpace(usize),
    /// Something else that is not printable ASCII.
    #[error("has something other than printable ASCII in it, at character {0}")]
    NotPrintableAscii(usize),
}

/// Says whether Claude Code would take `key`: one token of 1 to [`MAX_KEY_LEN`] printable ASCII characters.
///
/// # Errors
///
/// [`Unusable`], which names a place (counted from 1) and never what stands there.
pub(crate) fn check_usable(key: &Secret) -> Result<(), Unusable> {
    let key = key.expose();
    if key.is_empty() {
        return Err(Unusable::Empty);
    }
    for (at, c) in key.chars().enumerate() {
        if c.is_whitespace() {
            return Err(Unusable::WhiteSpace(at + 1));
        }
        if !c.is_ascii_graphic() {
            return Err(Unusable::NotPrintableAscii(at + 1));
        }
    }
    // ASCII only by now: bytes are characters.
    if key.len() > MAX_KEY_LEN {
        return Err(Unusable::TooLong(key.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Tick;

    fn now(tick: u64, wall: i64) -> Now {
        Now {
            tick: Tick(Duration::from_secs(tick)),
            wall: Timestamp::from_second(wall).unwrap(),
        }
    }

    fn credential(lifetime: Option<u64>) -> Credential {
        Credential {
            secret: Secret::new("sk-1".to_owned()),
            obtained: now(1000, 500_000),
            lifetime: lifetime.map(Duration::from_secs),
            version: None,
            lease: None,
        }
    }

    #[test]
    fn both_clocks_agree() {
        let left = credential(Some(60)).remaining(now(1020, 500_020));
        assert_eq!(left, Some(Duration::from_secs(40)));
    }

    #[test]
    fn a_wall_clock_set_back_prolongs_nothing() {
        assert!(credential(Some(60)).is_expired(now(1060, 400_000)));
    }

    #[test]
    fn a_wall_clock_set_forward_is_believed() {
        assert!(credential(Some(60)).is_expired(now(1001, 500_060)));
    }

    #[test]
    fn without_a_lifetime_there_is_no_end() {
        let forever = credential(None);
        assert_eq!(forever.remaining(now(1_000_000, 9_000_000)), None);
        assert!(!forever.is_expired(now(1_000_000, 9_000_000)));
    }

    #[test]
    fn usable_is_what_the_client_takes() {
        let check = |key: &str| check_usable(&Secret::new(key.to_owned()));
        assert_eq!(check("sk-ant-~!0"), Ok(()));
        assert_eq!(check(&"k".repeat(MAX_KEY_LEN)), Ok(()));
        assert_eq!(check(""), Err(Unusable::Empty));
        assert_eq!(
            check(&"k".repeat(MAX_KEY_LEN + 1)),
            Err(Unusable::TooLong(16_385))
        );
        assert_eq!(check("a b"), Err(Unusable::WhiteSpace(2)));
        assert_eq!(check("a\n"), Err(Unusable::WhiteSpace(2)));
        assert_eq!(check("sk-é"), Err(Unusable::NotPrintableAscii(4)));
        assert_eq!(check("sk\u{7f}"), Err(Unusable::NotPrintableAscii(3)));
    }
}
