//! Vault's successful responses; `error_response` has the others. See <https://developer.hashicorp.com/vault/api-docs#http-status-codes>.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::claims::LoginClaims;
use crate::{clock::Timestamp, secret::Secret};

/// The frame of every successful response.
#[derive(Deserialize)]
pub(super) struct VaultResponse<T> {
    pub(super) data: Option<T>,
    pub(super) auth: Option<AuthResponse>,
    #[serde(default)]
    pub(super) lease_id: String,
    /// Seconds.
    #[serde(default)]
    pub(super) lease_duration: u64,
    #[serde(default)]
    pub(super) renewable: bool,
}

/// The part of a response that a login or a token's renewal fills in.
#[derive(Deserialize)]
pub(super) struct AuthResponse {
    pub(super) client_token: Secret,
    /// Seconds; 0 if the token does not expire.
    #[serde(default)]
    pub(super) lease_duration: u64,
    #[serde(default)]
    pub(super) renewable: bool,
    /// Vault's identifier of the user; empty if it has none.
    #[serde(default)]
    pub(super) entity_id: String,
    /// What the login method knows about the user.
    pub(super) metadata: Option<Map<String, Value>>,
    /// Set by the login method, if it has claims.
    #[serde(skip)]
    pub(super) claims: Option<Arc<LoginClaims>>,
}

/// The state of a version of a KV v2 secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct VersionMetadata {
    pub(super) version: u64,
    pub(super) destroyed: bool,
    /// When it was written, by Vault's clock.
    #[serde(default, deserialize_with = "date")]
    pub(super) created_time: Option<Timestamp>,
}

impl AuthResponse {
    /// A token that was created elsewhere, of whose life nothing is known.
    pub(super) fn of_token(client_token: Secret) -> Self {
        Self {
            client_token,
            lease_duration: 0,
            renewable: false,
            entity_id: String::new(),
            metadata: None,
            claims: None,
        }
    }
}

impl VersionMetadata {
    /// Why the current version has no data, as the `reason` of
    /// [`SourceError::Missing`](crate::source::SourceError::Missing).
    pub(super) fn missing_reason(self) -> String {
        let version = self.version;
        let how = if self.destroyed {
            "destroyed"
        } else {
            "deleted"
        };
        format!("version {version}, the current version, was {how}")
    }
}

/// A date in RFC 3339; `None` if it is not one: no response is invalid because of it.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(String::deserialize(deserializer)?.parse().ok())
}

/// A successful response whose body is not Vault's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct MalformedResponse(pub(super) String);

/// Parses the body of a successful response.
///
/// # Errors
///
/// [`MalformedResponse`] if it is not JSON or not shaped like `T`; it quotes nothing of the body.
pub(super) fn parse<T: DeserializeOwned>(
    body: &[u8],
) -> Result<VaultResponse<T>, MalformedResponse> {
    // Only the position: serde's message quotes values.
    serde_json::from_slice(body).map_err(|e| {
        MalformedResponse(if body.trim_ascii_start().starts_with(b"{") {
            format!(
                "expected a Vault response, got other JSON (line {}, column {})",
                e.line(),
                e.column()
            )
        } else {
            "the response is not JSON; it may come from another program".to_owned()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unexpected_body_is_an_error_that_does_not_quote_it() {
        for body in ["<html>hunter2</html>", "{\"data\": \"hunter2\"}"] {
            let Err(error) = parse::<VersionMetadata>(body.as_bytes()) else {
                panic!("{body} was parsed");
            };
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }
}
