//! The claims of a JWT (RFC 7519), whose signature is not verified: they prove nothing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{clock::Timestamp, secret::Secret};

/// When `key` expires by its claim `exp` (section 4.1.4); `None` if it is not a JWT or has none.
///
/// Claude Code (from 2.1.329 on) reads the claim and runs its helper again when 30 s are left,
/// whatever its cache lifetime. It decides when the key is replaced.
#[must_use]
pub(crate) fn expiry(key: &Secret) -> Option<Timestamp> {
    date(&of(key)?, "exp")
}

/// When `key` was issued by its claim `iat` (section 4.1.6); `None` if it is not a JWT or has none.
#[must_use]
pub(crate) fn issued(key: &Secret) -> Option<Timestamp> {
    date(&of(key)?, "iat")
}

/// The claims of `jwt`; `None` if it is not a JWT or its claims do not fit `T`.
#[must_use]
pub(crate) fn of<T: DeserializeOwned>(jwt: &Secret) -> Option<T> {
    let mut parts = jwt.expose().split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims = Zeroizing::new(URL_SAFE_NO_PAD.decode(claims).ok()?);
    serde_json::from_slice(&claims).ok()
}

/// The claim `name` of `claims` if it is a date (RFC 7519, section 2: "NumericDate").
#[must_use]
pub(crate) fn date(claims: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    let seconds = claims.get(name)?.as_f64()?;
    // A cast of a number beyond the range saturates, and is no timestamp.
    Timestamp::from_second(seconds as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exp(key: &str) -> Option<i64> {
        expiry(&Secret::new(key.to_owned())).map(Timestamp::as_second)
    }

    fn jwt(claims: &str) -> String {
        let [header, claims] =
            [r#"{"alg":"none"}"#, claims].map(|json| URL_SAFE_NO_PAD.encode(json));
        format!("{header}.{claims}.c2ln")
    }

    #[test]
    fn the_claim_of_a_jwt_is_read() {
        assert_eq!(
            exp(&jwt(r#"{"sub":"ada","exp":1800000060}"#)),
            Some(1_800_000_060)
        );
        assert_eq!(exp(&jwt(r#"{"exp":1800000060.75}"#)), Some(1_800_000_060));
    }

    #[test]
    fn another_key_has_none() {
        for key in ["sk-abc", "a.b", "a.b.c", "a.b.c.d", ""] {
            assert_eq!(exp(key), None, "{key}");
        }
        for claims in ["{}", r#"{"exp":"soon"}"#, r#"{"exp":1e300}"#, "[]", "exp"] {
            assert_eq!(exp(&jwt(claims)), None, "{claims}");
        }
    }
}
