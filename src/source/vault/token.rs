//! The lifetime of a Vault token, and what to do with the token at a given time. Pure.
//!
//! A token that was created elsewhere (`method = "token"`) says nothing about its life, and may be
//! allowed a limited number of requests, of which a lookup is one. It is therefore used first and
//! looked up only when its life matters ([`TokenLife`]).

use std::{sync::Arc, time::Duration};

use serde::Deserialize;

use super::{claims::LoginClaims, response::AuthResponse};
use crate::{
    clock::{Now, Timestamp},
    credential::Credential,
    network::RequestSecrets,
    secret::Secret,
};

/// A token and its lifetime.
#[derive(Clone, Debug)]
pub(super) struct VaultToken {
    credential: Credential,
    renewable: bool,
    pub(super) life: TokenLife,
    /// The number of the login that issued it, counted from 1. A renewal keeps it. Leases are bound
    /// to the token of one login.
    pub(super) login: u64,
    /// When the login was. A renewal keeps it.
    pub(super) logged_in_at: Timestamp,
    /// The claims of the login; `None` if its method has none.
    claims: Option<Arc<LoginClaims>>,
}

/// What is known about the life of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenLife {
    /// All of it: from the login, or from a lookup.
    Known,
    /// Nothing, and the token was not used yet.
    Unused,
    /// Nothing, and one read has succeeded.
    Used,
    /// Nothing, and its policies do not allow a lookup.
    Hidden,
    /// It is good for a limited number of requests, or is used up: no request but a read is worth
    /// one of them.
    Limited,
}

/// The `data` of a token lookup.
#[derive(Deserialize)]
pub(super) struct TokenLookup {
    /// Seconds; 0 if the token does not expire.
    ttl: u64,
    #[serde(default)]
    renewable: bool,
    /// The requests that are left; 0 if their number is not limited, negative after the last one.
    #[serde(default)]
    num_uses: i64,
}

/// What to do before the token is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenAction {
    /// Use it.
    Use,
    /// Renew it first.
    Renew,
    /// Log in again.
    LogIn,
}

/// The secrets of a request with `token`, which what is shown of the response must not repeat.
pub(super) fn secrets(token: Option<&VaultToken>) -> RequestSecrets {
    token
        .map(|token| token.secret().clone())
        .into_iter()
        .collect()
}

/// The claims of the login that `token` is from.
pub(super) fn claims(token: Option<&VaultToken>) -> Option<&LoginClaims> {
    token?.claims.as_deref()
}

impl VaultToken {
    /// The token that the login number `login` issued. The lifetime counts from `sent_at`, when the
    /// request was sent, so that the token never expires before its computed end.
    pub(super) fn new(auth: AuthResponse, sent_at: Now, login: u64) -> Self {
        Self {
            credential: Credential {
                secret: auth.client_token,
                obtained: sent_at,
                issued: None,
                lifetime: seconds(auth.lease_duration),
                version: None,
                lease: None,
            },
            renewable: auth.renewable,
            life: TokenLife::Known,
            login,
            logged_in_at: sent_at.wall,
            claims: auth.claims,
        }
    }

    /// A token that was created elsewhere and was not used yet.
    pub(super) fn created_elsewhere(secret: Secret, sent_at: Now, login: u64) -> Self {
        Self {
            life: TokenLife::Unused,
            ..Self::new(AuthResponse::of_token(secret), sent_at, login)
        }
    }

    /// The same token with the life that a lookup has found.
    pub(super) fn looked_up(&self, lookup: &TokenLookup, sent_at: Now) -> Self {
        let is_limited = lookup.num_uses != 0;
        Self {
            credential: Credential {
                obtained: sent_at,
                lifetime: seconds(lookup.ttl),
                ..self.credential.clone()
            },
            // A renewal is a request, too.
            renewable: lookup.renewable && !is_limited,
            life: match is_limited {
                true => TokenLife::Limited,
                false => TokenLife::Known,
            },
            ..self.clone()
        }
    }

    pub(super) fn with_life(&self, life: TokenLife) -> Self {
        Self {
            life,
            ..self.clone()
        }
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.credential.secret
    }

    /// When it expires, as far as is known; `None` if it does not.
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        self.credential.expires_at()
    }

    /// The remaining lifetime; `None` if the token does not expire.
    pub(super) fn remaining(&self, now: Now) -> Option<Duration> {
        self.credential.remaining(now)
    }

    pub(super) fn is_expired(&self, now: Now) -> bool {
        self.credential.is_expired(now)
    }

    /// Renews after two thirds of the lifetime of the last login or renewal, as Vault's own
    /// lifetime watcher does.
    pub(super) fn action(&self, now: Now) -> TokenAction {
        let (Some(lifetime), Some(left)) = (self.credential.lifetime, self.remaining(now)) else {
            return TokenAction::Use;
        };
        if left.is_zero() {
            TokenAction::LogIn
        } else if left > lifetime / 3 {
            TokenAction::Use
        } else if self.renewable {
            TokenAction::Renew
        } else {
            TokenAction::LogIn
        }
    }

    /// The same token after a renewal. If the renewal did not extend it, it has reached its maximum
    /// TTL: it is used until it is due and then replaced.
    pub(super) fn renewed(&self, auth: &AuthResponse, sent_at: Now) -> Self {
        let lifetime = seconds(auth.lease_duration);
        let extended = extends(self.credential.lifetime, self.remaining(sent_at), lifetime);
        Self {
            credential: Credential {
                obtained: sent_at,
                lifetime,
                ..self.credential.clone()
            },
            renewable: auth.renewable && extended,
            ..self.clone()
        }
    }

    pub(super) fn is_renewable(&self) -> bool {
        self.renewable
    }
}

/// Converts Vault's seconds; `None` for 0, which means without expiry.
pub(super) fn seconds(seconds: u64) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// Whether a renewal extended the life: the time left `after` it exceeds the time left `before` by
/// more than a tenth of the lifetime. Near the maximum TTL Vault returns the time that is left,
/// rounded to seconds. `None` means without expiry.
pub(super) fn extends(
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

/// The shorter of two remaining lifetimes; `None` means without expiry.
pub(super) fn shorter(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
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

    fn token(lifetime: u64, renewable: bool) -> VaultToken {
        VaultToken::new(auth(lifetime, renewable), at(0), 1)
    }

    fn auth(lease_duration: u64, renewable: bool) -> AuthResponse {
        AuthResponse {
            lease_duration,
            renewable,
            ..AuthResponse::of_token(Secret::new("hvs.x".to_owned()))
        }
    }

    #[test]
    fn is_due_after_two_thirds() {
        assert_eq!(token(60, true).action(at(39)), TokenAction::Use);
        assert_eq!(token(60, true).action(at(40)), TokenAction::Renew);
        assert_eq!(token(60, false).action(at(39)), TokenAction::Use);
        assert_eq!(token(60, false).action(at(40)), TokenAction::LogIn);
        assert_eq!(token(60, true).action(at(60)), TokenAction::LogIn);
    }

    #[test]
    fn a_root_token_is_always_usable() {
        assert_eq!(token(0, false).action(at(1_000_000)), TokenAction::Use);
    }

    #[test]
    fn a_renewed_token_is_due_after_two_thirds_of_its_new_lifetime() {
        let renewed = token(60, true).renewed(&auth(60, true), at(40));
        assert_eq!(renewed.action(at(79)), TokenAction::Use);
        assert_eq!(renewed.action(at(80)), TokenAction::Renew);
        assert_eq!(renewed.secret().expose(), "hvs.x");
    }

    #[test]
    fn at_its_maximum_ttl_it_is_replaced_when_due() {
        let renewed = token(60, true).renewed(&auth(21, true), at(40));
        assert!(!renewed.is_renewable());
        assert_eq!(renewed.action(at(41)), TokenAction::Use);
        assert_eq!(renewed.action(at(56)), TokenAction::LogIn);
    }

    #[test]
    fn a_lookup_of_a_token_with_limited_uses_does_not_renew_it() {
        let secret = Secret::new("hvs.x".to_owned());
        let unused = VaultToken::created_elsewhere(secret, at(0), 1);
        assert_eq!(unused.life, TokenLife::Unused);
        assert_eq!(unused.action(at(1_000_000)), TokenAction::Use);
        for (num_uses, life) in [
            (0, TokenLife::Known),
            (7, TokenLife::Limited),
            (-1, TokenLife::Limited),
        ] {
            let lookup = TokenLookup {
                ttl: 60,
                renewable: true,
                num_uses,
            };
            let token = unused.looked_up(&lookup, at(10));
            assert_eq!(token.life, life);
            assert_eq!(token.is_renewable(), life == TokenLife::Known);
            assert_eq!(token.remaining(at(20)), seconds(50));
        }
    }

    #[test]
    fn the_shorter_of_two_lifetimes() {
        assert_eq!(shorter(seconds(3), seconds(2)), seconds(2));
        assert_eq!(shorter(None, seconds(2)), seconds(2));
        assert_eq!(shorter(None, None), None);
    }
}
