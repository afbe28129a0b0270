//! The life of a Vault token. Pure: what to do with it at a given time.

use std::time::Duration;

use crate::{clock::Now, credential::Credential, secret::Secret};

use super::answer::Auth;

/// A token in hand.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// The token as what it is: something with a life.
    held: Credential,
    renewable: bool,
    /// Counts the logins: a lease hangs on the token of one of them, renewals included.
    pub(super) login: u64,
}

/// What to do before a token is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Use it.
    Use,
    /// Make it longer first.
    Renew,
    /// Log in again.
    LogIn,
}

impl Token {
    /// `asked` is the time when it was asked for: it cannot end sooner than reckoned.
    pub(super) fn new(
        secret: Secret,
        lifetime: Option<Duration>,
        renewable: bool,
        asked: Now,
        login: u64,
    ) -> Self {
        Self {
            held: Credential {
                secret,
                obtained: asked,
                lifetime,
                version: None,
                lease: None,
            },
            renewable,
            login,
        }
    }

    /// From the answer to a login.
    pub(super) fn from_auth(auth: Auth, asked: Now, login: u64) -> Self {
        let lifetime = seconds(auth.lease_duration);
        Self::new(auth.client_token, lifetime, auth.renewable, asked, login)
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.held.secret
    }

    /// How long it lives yet; `None` without an end.
    pub(super) fn remaining(&self, now: Now) -> Option<Duration> {
        self.held.remaining(now)
    }

    pub(super) fn is_expired(&self, now: Now) -> bool {
        self.held.is_expired(now)
    }

    /// Due at two thirds of what it had when it was last asked for, as Vault's own lifetime watcher does it.
    pub(super) fn step(&self, now: Now) -> Step {
        let (Some(lifetime), Some(left)) = (self.held.lifetime, self.remaining(now)) else {
            return Step::Use;
        };
        if left.is_zero() {
            Step::LogIn
        } else if left > lifetime / 3 {
            Step::Use
        } else if self.renewable {
            Step::Renew
        } else {
            Step::LogIn
        }
    }

    /// The same token after its renewal. One that came out no longer has reached its maximum: it is used up and then
    /// replaced.
    pub(super) fn renewed(&self, auth: &Auth, asked: Now) -> Self {
        let after = seconds(auth.lease_duration);
        let longer = lengthens(self.held.lifetime, self.remaining(asked), after);
        Self {
            held: Credential {
                obtained: asked,
                lifetime: after,
                ..self.held.clone()
            },
            renewable: auth.renewable && longer,
            login: self.login,
        }
    }

    pub(super) fn is_renewable(&self) -> bool {
        self.renewable
    }
}

/// Vault's seconds; 0 is without an end.
pub(super) fn seconds(seconds: u64) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// Whether a renewal was one: what is left `after` exceeds what was left `before` by more than a tenth of the lifetime.
/// Near its maximum Vault gives back what is left, give or take a rounded second. `None` is without an end.
pub(super) fn lengthens(
    lifetime: Option<Duration>,
    before: Option<Duration>,
    after: Option<Duration>,
) -> bool {
    match (lifetime, before, after) {
        (_, None, _) => false,
        (_, Some(_), None) => true,
        (lifetime, Some(before), Some(after)) => after > before + lifetime.unwrap_or_default() / 10,
    }
}

/// The earlier of two ends; `None` is without one.
pub(super) fn earlier(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Tick, Timestamp};

    fn at(seconds: u64) -> Now {
        Now {
            tick: Tick(Duration::from_secs(1000 + seconds)),
            wall: Timestamp::from_second(500_000 + i64::try_from(seconds).unwrap()).unwrap(),
        }
    }

    fn token(lifetime: u64, renewable: bool) -> Token {
        Token::new(
            Secret::new("hvs.x".to_owned()),
            seconds(lifetime),
            renewable,
            at(0),
            1,
        )
    }

    fn auth(lease_duration: u64, renewable: bool) -> Auth {
        Auth {
            client_token: Secret::new(String::new()),
            lease_duration,
            renewable,
        }
    }

    #[test]
    fn due_at_two_thirds() {
        assert_eq!(token(60, true).step(at(39)), Step::Use);
        assert_eq!(token(60, true).step(at(40)), Step::Renew);
        assert_eq!(token(60, false).step(at(39)), Step::Use);
        assert_eq!(token(60, false).step(at(40)), Step::LogIn);
        assert_eq!(token(60, true).step(at(60)), Step::LogIn);
    }

    #[test]
    fn a_root_token_has_no_end() {
        assert_eq!(token(0, false).step(at(1_000_000)), Step::Use);
    }

    #[test]
    fn two_thirds_of_what_remains_after_a_renewal() {
        let renewed = token(60, true).renewed(&auth(60, true), at(40));
        assert_eq!(renewed.step(at(79)), Step::Use);
        assert_eq!(renewed.step(at(80)), Step::Renew);
        assert_eq!(renewed.secret().expose(), "hvs.x");
    }

    #[test]
    fn at_its_maximum_it_is_replaced_next_time() {
        let renewed = token(60, true).renewed(&auth(21, true), at(40));
        assert!(!renewed.is_renewable());
        assert_eq!(renewed.step(at(41)), Step::Use);
        assert_eq!(renewed.step(at(56)), Step::LogIn);
    }

    #[test]
    fn the_earlier_end() {
        assert_eq!(earlier(seconds(3), seconds(2)), seconds(2));
        assert_eq!(earlier(None, seconds(2)), seconds(2));
        assert_eq!(earlier(None, None), None);
    }
}
