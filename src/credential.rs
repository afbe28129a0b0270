//! The credential that a source issues and a client receives.

use std::time::Duration;

use crate::{
    clock::{Now, Timestamp},
    jwt_claims,
    secret::{self, Fingerprint, NotASecret, Secret},
};

/// The longest key that Claude Code accepts from a helper, in characters.
pub(crate) const MAX_KEY_LEN: usize = claviger_wire::MAX_KEY_LEN;

/// A gateway credential with its lifetime, version and lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The key itself.
    pub secret: Secret,
    /// When it was obtained, by both clocks.
    pub obtained: Now,
    /// When its issuer issued it, by the issuer's clock; `None` if the source does not report it.
    pub issued: Option<Timestamp>,
    /// How long it is valid from then on; `None` if the source does not report it (a key in KV is
    /// valid until it is rotated).
    pub lifetime: Option<Duration>,
    /// Vault's KV v2 version; `None` from a source without versions.
    pub version: Option<u64>,
    /// The lease that it was issued under, if any.
    pub lease: Option<Lease>,
}

/// A Vault lease. See <https://developer.hashicorp.com/vault/docs/concepts/lease>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The argument of `sys/leases/renew` and `sys/leases/revoke`.
    pub id: String,
    /// Whether the lease can be renewed.
    pub renewable: bool,
}

impl Credential {
    /// Sets what the source does not report of a JWT to what its claims state: `issued` by `iat`,
    /// and the lifetime by `exp`. A JWT that has expired by this machine's clock stays as it is:
    /// the clock may be wrong.
    pub(crate) fn complete_by_jwt(&mut self) {
        self.issued = self.issued.or_else(|| jwt_claims::issued(&self.secret));
        if self.lifetime.is_none()
            && let Some(expiry) = jwt_claims::expiry(&self.secret)
        {
            let lifetime = Duration::try_from(expiry.duration_since(self.obtained.wall));
            self.lifetime = lifetime.ok().filter(|lifetime| !lifetime.is_zero());
        }
    }

    /// When it was obtained, by the wall clock.
    #[must_use]
    pub(crate) fn issued_at(&self) -> Timestamp {
        self.obtained.wall
    }

    /// When it expires, by the wall clock; `None` without a lifetime.
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

    /// How much longer it is valid; `None` without a lifetime.
    ///
    /// The clock that leaves less time decides: the monotonic one if the wall clock was set back,
    /// the wall clock if it was set forward.
    #[must_use]
    pub(crate) fn remaining(&self, now: Now) -> Option<Duration> {
        let lifetime = self.lifetime?;
        let by_tick = lifetime.saturating_sub(now.tick.since(self.obtained.tick));
        let by_wall = self.expires_at()?.duration_since(now.wall);
        Some(by_tick.min(Duration::try_from(by_wall).unwrap_or(Duration::ZERO)))
    }

    /// Whether it is no longer valid.
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

/// The reason why a key is of no use to Claude Code; `Display` continues "field 'x' …".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    /// It is not a key in the first place.
    #[error(transparent)]
    NotASecret(#[from] NotASecret),
    /// Longer than [`MAX_KEY_LEN`].
    #[error("has {0} characters, more than the {MAX_KEY_LEN} that the client accepts")]
    TooLong(usize),
    /// A space, tab or line break.
    #[error("contains whitespace at character {0}")]
    Whitespace(usize),
    /// Any other character that is not printable ASCII.
    #[error("contains a character that is not printable ASCII, at character {0}")]
    NotPrintableAscii(usize),
}

/// The key in `input`: [`Secret::from_input`], and then [`check_usable`].
///
/// # Errors
///
/// [`Unusable`], which contains a position (counted from 1) and never the character.
pub(crate) fn key_from_input(input: &[u8]) -> Result<Secret, Unusable> {
    let key = Secret::from_input(input)?;
    check_usable(&key)?;
    Ok(key)
}

/// Checks that Claude Code accepts `key`: 1 to [`MAX_KEY_LEN`] printable ASCII characters without
/// whitespace, which are not a placeholder.
///
/// # Errors
///
/// [`Unusable`], which contains a position (counted from 1) and never the character.
pub(crate) fn check_usable(key: &Secret) -> Result<(), Unusable> {
    let key = key.expose();
    if key.is_empty() {
        return Err(NotASecret::Empty.into());
    }
    secret::check_value(key)?;
    for (at, c) in key.chars().enumerate() {
        if c.is_whitespace() {
            return Err(Unusable::Whitespace(at + 1));
        }
        if !c.is_ascii_graphic() {
            return Err(Unusable::NotPrintableAscii(at + 1));
        }
    }
    // Only ASCII is left: bytes are characters.
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
            issued: None,
            lifetime: lifetime.map(Duration::from_secs),
            version: None,
            lease: None,
        }
    }

    #[test]
    fn clocks_that_agree_leave_the_same_time() {
        let left = credential(Some(60)).remaining(now(1020, 500_020));
        assert_eq!(left, Some(Duration::from_secs(40)));
    }

    #[test]
    fn setting_the_wall_clock_back_prolongs_nothing() {
        assert!(credential(Some(60)).is_expired(now(1060, 400_000)));
    }

    #[test]
    fn setting_the_wall_clock_forward_expires() {
        assert!(credential(Some(60)).is_expired(now(1001, 500_060)));
    }

    #[test]
    fn without_a_lifetime_nothing_expires() {
        let endless = credential(None);
        assert_eq!(endless.remaining(now(1_000_000, 9_000_000)), None);
        assert!(!endless.is_expired(now(1_000_000, 9_000_000)));
    }

    #[test]
    fn a_usable_key_is_one_that_the_client_accepts() {
        let check = |key: &str| check_usable(&Secret::new(key.to_owned()));
        assert_eq!(check("sk-ant-~!0"), Ok(()));
        assert_eq!(check(&"k".repeat(MAX_KEY_LEN)), Ok(()));
        assert_eq!(check(""), Err(NotASecret::Empty.into()));
        assert_eq!(check("NULL"), Err(NotASecret::NoValue("null").into()));
        assert_eq!(
            check(&"k".repeat(MAX_KEY_LEN + 1)),
            Err(Unusable::TooLong(16_385))
        );
        assert_eq!(check("a b"), Err(Unusable::Whitespace(2)));
        assert_eq!(check("a\n"), Err(Unusable::Whitespace(2)));
        assert_eq!(check("sk-é"), Err(Unusable::NotPrintableAscii(4)));
        assert_eq!(check("sk\u{7f}"), Err(Unusable::NotPrintableAscii(3)));
    }

    #[test]
    fn a_key_from_an_input_is_stripped_before_it_is_checked() {
        let key = |input: &str| key_from_input(input.as_bytes());
        assert_eq!(key("\u{feff}sk-1\r\n").unwrap().expose(), "sk-1");
        assert_eq!(key(" a b "), Err(Unusable::Whitespace(2)));
        assert_eq!(key("\"sk-1\"\n"), Err(NotASecret::Quoted.into()));
    }
}
