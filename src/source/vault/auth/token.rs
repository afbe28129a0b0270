//! A token that was created elsewhere. See
//! <https://developer.hashicorp.com/vault/api-docs/auth/token>.

use async_trait::async_trait;
use serde::Deserialize;
use vaultrs::api::token::requests::LookupTokenSelfRequest;

use super::method::{self, LoginMethod};
use crate::{
    clock::Timestamp,
    source::{
        SourceError,
        secret_input::SecretInput,
        vault::{
            error::RequestError,
            response::{self, AuthResponse},
            transport::Transport,
        },
    },
};

/// `method = "token"`. A logout only discards the token: other processes may use it.
pub(super) struct TokenLogin {
    token: SecretInput,
}

#[derive(Deserialize)]
struct TokenLookup {
    /// Seconds; 0 if the token does not expire.
    ttl: u64,
    #[serde(default)]
    renewable: bool,
}

impl TokenLogin {
    pub(super) fn new(token: SecretInput) -> Self {
        Self { token }
    }

    fn hint(&self) -> String {
        format!(
            "write a new token to {}; it may have expired or been revoked",
            self.token
        )
    }
}

#[async_trait]
impl LoginMethod for TokenLogin {
    /// Looks the token up, for its remaining lifetime. Vault refuses an invalid token with 403.
    async fn log_in(
        &self,
        transport: &Transport,
        now: Timestamp,
    ) -> Result<AuthResponse, SourceError> {
        let host = &transport.address.name;
        let token = self.token.read()?;
        let lookup = transport
            .call(Some(&token), LookupTokenSelfRequest {}, now)
            .await
            .and_then(|body| response::parse::<TokenLookup>(&body).map_err(RequestError::from))
            .map_err(|error| method::login_error(host, error, Some(&token), self.hint(), ""))?
            .data
            .ok_or_else(|| SourceError::Malformed {
                host: host.clone(),
                reason: "the token lookup has no data".to_owned(),
            })?;
        Ok(AuthResponse {
            client_token: token,
            lease_duration: lookup.ttl,
            renewable: lookup.renewable,
        })
    }

    fn owns_token(&self) -> bool {
        false
    }
}
