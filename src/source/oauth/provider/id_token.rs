//! Verifies an ID token (OpenID Connect Core 1.0, section 3.1.3.7).

use std::{collections::BTreeMap, time::Duration};

use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use crate::{
    clock::Timestamp,
    network::{ForeignText, RequestSecrets, one_line},
    secret::Secret,
    source::{SourceError, oauth::server::Claims},
};

/// How far the clocks may differ. A token that comes from the server itself needs no narrow bound,
/// and a laptop's clock is often a minute off.
pub(super) const LEEWAY: Duration = Duration::from_secs(5 * 60);

/// What an ID token must say.
pub(super) struct Expected<'a> {
    /// Host and port of the server, for messages.
    pub(super) host: &'a str,
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: Option<&'a Secret>,
    pub(super) claims: &'a BTreeMap<String, String>,
    pub(super) now: Timestamp,
    /// How far the server's clock is ahead, if known.
    pub(super) clock_offset: Option<SignedDuration>,
}

/// The algorithm and the key's identifier in the header.
///
/// # Errors
///
/// [`SourceError::Malformed`] if it is no JWT, not signed, or by an algorithm without a public key.
pub(super) fn header(
    token: &Secret,
    host: &str,
) -> Result<(Algorithm, Option<String>), SourceError> {
    let malformed = |reason: &str| SourceError::Malformed {
        host: host.to_owned(),
        reason: reason.to_owned(),
    };
    let header = decode_header(token.expose())
        .map_err(|_| malformed("the ID token is no JWT with a signature that can be verified"))?;
    match header.alg {
        // Every holder of the client's secret could sign.
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => Err(malformed(
            "the ID token is signed with the client's secret; expected a signature by a key of the key set",
        )),
        algorithm => Ok((algorithm, header.kid)),
    }
}

impl Expected<'_> {
    /// Verifies the signature of `token` by one of `keys`, and its claims.
    ///
    /// # Errors
    ///
    /// [`SourceError`] with the expected and the actual value.
    pub(super) fn verify(
        &self,
        token: &Secret,
        algorithm: Algorithm,
        keys: &[DecodingKey],
    ) -> Result<Claims, SourceError> {
        let mut validation = Validation::new(algorithm);
        // The claims are checked below: by the injected clock, and with better messages.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims = keys
            .iter()
            .find_map(|key| decode::<Claims>(token.expose(), key, &validation).ok());
        let claims = claims
            .ok_or_else(|| {
                self.malformed(match keys.is_empty() {
                    true => "the ID token is signed with a key that the server's key set lacks"
                        .to_owned(),
                    false => "the signature of the ID token is invalid".to_owned(),
                })
            })?
            .claims;
        self.check(token, &claims)?;
        Ok(claims)
    }

    fn check(&self, token: &Secret, claims: &Claims) -> Result<(), SourceError> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let shown = |name: &str| show(claims.get(name), token);
        if text("iss") != Some(self.issuer) {
            return Err(self.wrong("iss", &shown("iss"), self.issuer));
        }
        let audiences: Vec<&str> = match claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !audiences.contains(&self.client_id) {
            return Err(self.wrong("aud", &shown("aud"), self.client_id));
        }
        let needs_party = audiences.len() > 1 || claims.contains_key("azp");
        if needs_party && text("azp") != Some(self.client_id) {
            return Err(self.wrong("azp", &shown("azp"), self.client_id));
        }
        self.check_times(claims)?;
        if let Some(nonce) = self.nonce {
            let actual = text("nonce").map(|nonce| Secret::new(nonce.to_owned()));
            if actual.as_ref() != Some(nonce) {
                // Neither is shown: the expected one is a secret of this sign-in.
                return Err(self.malformed(
                    "the claim 'nonce' of the ID token is not the one that was sent".to_owned(),
                ));
            }
        }
        for (name, expected) in self.claims {
            if !has_value(claims.get(name), expected) {
                return Err(SourceError::LoginRefused {
                    host: self.host.to_owned(),
                    reason: format!(
                        "the user's claim '{}' is {}, and the configuration requires '{}'",
                        one_line(name),
                        shown(name),
                        one_line(expected)
                    ),
                    hint: format!("sign in with an account whose '{}' is that", one_line(name)),
                    is_final: false,
                });
            }
        }
        Ok(())
    }

    fn check_times(&self, claims: &Claims) -> Result<(), SourceError> {
        let time = |name: &str| {
            let seconds = claims.get(name).and_then(Value::as_f64)?;
            // Rounded down; a time out of range is no time.
            Timestamp::from_second(seconds as i64).ok()
        };
        let missing =
            |name: &str| self.malformed(format!("the ID token lacks a valid claim '{name}'"));
        let expires = time("exp").ok_or_else(|| missing("exp"))?;
        let issued = time("iat").ok_or_else(|| missing("iat"))?;
        let leeway = SignedDuration::from_secs(LEEWAY.as_secs().cast_signed());
        let ahead = issued.duration_since(self.now);
        if ahead <= leeway && self.now.duration_since(expires) <= leeway {
            return Ok(());
        }
        // The header `Date` is of this moment, the token perhaps not.
        let offset = self.clock_offset.unwrap_or(ahead);
        if offset.abs() > leeway {
            return Err(self.clock_is_off(offset));
        }
        Err(self.malformed(format!(
            "the ID token is valid from {issued} to {expires}, and it is {}",
            self.now
        )))
    }

    fn clock_is_off(&self, offset: SignedDuration) -> SourceError {
        let direction = match offset.is_negative() {
            true => "ahead of",
            false => "behind",
        };
        let amount = SignedDuration::from_secs(offset.abs().as_secs());
        SourceError::Configuration {
            reason: format!(
                "this machine's clock is {amount:#} {direction} that of '{}', so that its tokens look invalid",
                self.host
            ),
            hint: "set this machine's clock".to_owned(),
        }
    }

    fn wrong(&self, claim: &str, actual: &str, expected: &str) -> SourceError {
        self.malformed(format!(
            "the claim '{claim}' of the ID token is {actual}, expected '{}'",
            one_line(expected)
        ))
    }

    fn malformed(&self, reason: String) -> SourceError {
        SourceError::Malformed {
            host: self.host.to_owned(),
            reason,
        }
    }
}

/// Whether `actual` is `expected`, as text, or a list that contains it.
fn has_value(actual: Option<&Value>, expected: &str) -> bool {
    match actual {
        Some(Value::String(text)) => text == expected,
        Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(expected)),
        Some(Value::Bool(value)) => value.to_string() == expected,
        Some(Value::Number(value)) => value.to_string() == expected,
        _ => false,
    }
}

/// A claim's value for a message.
fn show(value: Option<&Value>, token: &Secret) -> String {
    let text = match value {
        None => return "missing".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let secrets = RequestSecrets::from_iter([token.clone()]);
    format!("'{}'", ForeignText::new(text).clean(&secrets))
}
