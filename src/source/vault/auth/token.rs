//! A token that was created elsewhere. See
//! <https://developer.hashicorp.com/vault/api-docs/auth/token>.

use async_trait::async_trait;

use super::{
    method::{LoginMethod, RefusedLogin},
    proven::ProvenSecret,
};
use crate::{
    clock::Timestamp,
    secret::Secret,
    source::{
        SourceError,
        secret_input::SecretInput,
        vault::{
            error::RequestError, error_response::ErrorResponse, response::AuthResponse,
            transport::Transport,
        },
    },
};

/// `method = "token"`. A logout only discards the token: other processes may use it.
pub(super) struct TokenLogin {
    token: SecretInput,
    proven: ProvenSecret,
}

impl TokenLogin {
    pub(super) fn new(token: SecretInput) -> Self {
        let proven = ProvenSecret::default();
        Self { token, proven }
    }
}

#[async_trait]
impl LoginMethod for TokenLogin {
    /// Reads the token. No request is sent: the token may be good for one only.
    async fn log_in(&self, _: &Transport, _: Timestamp) -> Result<AuthResponse, SourceError> {
        Ok(AuthResponse::of_token(self.token.read()?))
    }

    fn owns_token(&self) -> bool {
        false
    }

    fn accepted_token(&self, token: &Secret) {
        self.proven.record(token.expose());
    }

    fn refused_token(
        &self,
        host: &str,
        response: &ErrorResponse,
        token: &Secret,
    ) -> Option<SourceError> {
        let refused = RefusedLogin {
            secret: Some(token),
            is_proven: self.proven.is(token.expose()),
            hint: format!(
                "write a new token to {}; it may have expired, been revoked or been used up",
                self.token
            ),
            if_not_mounted: "",
        };
        Some(refused.error(host, RequestError::Status(response.clone())))
    }
}
