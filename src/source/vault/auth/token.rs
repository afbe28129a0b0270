//! A token that was created elsewhere. See
//! <https://developer.hashicorp.com/vault/api-docs/auth/token>.

use async_trait::async_trait;

use super::method::{self, LoginMethod};
use crate::{
    clock::Timestamp,
    secret::Secret,
    source::{
        SourceError,
        secret_input::SecretInput,
        vault::{
            error::RequestError,
            response::{AuthResponse, ErrorResponse},
            transport::Transport,
        },
    },
};

/// `method = "token"`. A logout only discards the token: other processes may use it.
pub(super) struct TokenLogin {
    token: SecretInput,
}

impl TokenLogin {
    pub(super) fn new(token: SecretInput) -> Self {
        Self { token }
    }
}

#[async_trait]
impl LoginMethod for TokenLogin {
    /// Reads the token. No request is sent: the token may be good for one only.
    async fn log_in(&self, _: &Transport, _: Timestamp) -> Result<AuthResponse, SourceError> {
        Ok(AuthResponse {
            client_token: self.token.read()?,
            lease_duration: 0,
            renewable: false,
        })
    }

    fn owns_token(&self) -> bool {
        false
    }

    fn refused_token(
        &self,
        host: &str,
        response: &ErrorResponse,
        token: &Secret,
    ) -> Option<SourceError> {
        let hint = format!(
            "write a new token to {}; it may have expired, been revoked or been used up",
            self.token
        );
        let error = RequestError::Status(response.clone());
        Some(method::login_error(host, error, Some(token), hint, ""))
    }
}
