//! A response-wrapped secret-id. See
//! <https://developer.hashicorp.com/vault/docs/concepts/response-wrapping>.

use std::sync::Mutex;

use serde::Deserialize;
use vaultrs::api::sys::requests::UnwrapRequest;

use super::method::RefusedLogin;
use crate::{
    clock::Timestamp,
    secret::Secret,
    source::{
        SourceError,
        secret_input::SecretInput,
        stored_secret::StoredSecret,
        vault::{error::RequestError, response, status, subject::Subject, transport::Transport},
    },
    sync,
};

/// A secret-id behind a wrapping token, which unwraps only once. The unwrapped secret-id rests in a
/// store until another wrapping token replaces it: it survives a logout and a new daemon.
pub(super) struct WrappedSecretId {
    wrapping_token: SecretInput,
    stored: StoredSecret,
    /// What the store has, or would have if it had not failed.
    known: Mutex<Option<Unwrapped>>,
}

/// A secret-id, and the fingerprint of the wrapping token that it was behind.
#[derive(Clone)]
struct Unwrapped {
    wrapping_token: String,
    secret_id: Secret,
}

impl WrappedSecretId {
    pub(super) fn new(wrapping_token: SecretInput, stored: StoredSecret) -> Self {
        Self {
            wrapping_token,
            stored,
            known: Mutex::new(None),
        }
    }

    /// The file or variable with the wrapping token.
    pub(super) fn wrapping_token(&self) -> &SecretInput {
        &self.wrapping_token
    }

    /// Returns the secret-id, unwrapped now or before.
    ///
    /// # Errors
    ///
    /// - [`SourceError::LoginRefused`] if the token was used or has expired
    /// - [`SourceError::Configuration`] if the token or the store cannot be read. Nothing is
    ///   unwrapped that could not be stored.
    /// - the temporary errors of every request
    pub(super) async fn secret_id(
        &self,
        transport: &Transport,
        now: Timestamp,
    ) -> Result<Secret, SourceError> {
        let known = self.known().await?;
        let wrapping_token = match (self.wrapping_token.read(), known) {
            (Ok(token), Some(known)) if known.is_of(&token) => return Ok(known.secret_id),
            (Ok(token), _) => token,
            // A used wrapping token may be deleted.
            (Err(_), Some(known)) => return Ok(known.secret_id),
            (Err(error), None) => return Err(error),
        };
        self.stored.check().await?;
        let unwrapped = Unwrapped {
            secret_id: self.unwrap(&wrapping_token, transport, now).await?,
            wrapping_token: wrapping_token.fingerprint().to_string(),
        };
        if let Err(error) = self.stored.put(&unwrapped.to_record()).await {
            tracing::warn!(
                event = "login-not-stored",
                "the unwrapped secret-id ends with the daemon: {error}"
            );
        }
        let secret_id = unwrapped.secret_id.clone();
        *sync::lock(&self.known) = Some(unwrapped);
        Ok(secret_id)
    }

    /// Drops the secret-id. It is lost if the store could not keep it.
    pub(super) fn forget(&self) {
        *sync::lock(&self.known) = None;
    }

    async fn known(&self) -> Result<Option<Unwrapped>, SourceError> {
        if let Some(known) = sync::lock(&self.known).clone() {
            return Ok(Some(known));
        }
        let record = self.stored.get().await?;
        let known = record.as_ref().and_then(Unwrapped::from_record);
        sync::lock(&self.known).clone_from(&known);
        Ok(known)
    }

    async fn unwrap(
        &self,
        wrapping_token: &Secret,
        transport: &Transport,
        now: Timestamp,
    ) -> Result<Secret, SourceError> {
        #[derive(Deserialize)]
        struct WrappedData {
            secret_id: Option<Secret>,
        }
        let host = &transport.address.name;
        // The token is in the header, so the body has no secret.
        let body = transport
            .call(Some(wrapping_token), UnwrapRequest { token: None }, now)
            .await
            .map_err(|error| self.unwrap_error(host, error, wrapping_token))?;
        response::parse::<WrappedData>(&body)
            .map_err(|error| status::malformed(host, &error))?
            .data
            .and_then(|data| data.secret_id)
            .ok_or_else(|| SourceError::Unusable {
                host: host.clone(),
                field: "secret_id".to_owned(),
                reason: "is missing in the wrapped response".to_owned(),
            })
    }

    fn unwrap_error(
        &self,
        host: &str,
        error: RequestError,
        wrapping_token: &Secret,
    ) -> SourceError {
        let hint = format!(
            "write a newly wrapped secret-id to {}; find out what unwrapped the last one",
            self.wrapping_token
        );
        if let RequestError::Status(response) = &error
            && response.subject == Subject::Secret
        {
            return SourceError::LoginRefused {
                host: host.to_owned(),
                reason: "the wrapping token was already used or has expired; another process may have unwrapped it"
                    .to_owned(),
                hint,
                is_final: true,
            };
        }
        let refused = RefusedLogin {
            secret: Some(wrapping_token),
            // It works once.
            is_proven: false,
            hint,
            if_not_mounted: "",
        };
        refused.error(host, error)
    }
}

impl Unwrapped {
    /// Whether it was behind this token.
    fn is_of(&self, wrapping_token: &Secret) -> bool {
        self.wrapping_token == wrapping_token.fingerprint().to_string()
    }

    /// The text in the store: the token's fingerprint, a space, the secret-id.
    fn to_record(&self) -> Secret {
        let secret_id = self.secret_id.expose();
        // As long as it will be: no part of it is left behind by a move.
        let mut record = String::with_capacity(self.wrapping_token.len() + 1 + secret_id.len());
        record.push_str(&self.wrapping_token);
        record.push(' ');
        record.push_str(secret_id);
        Secret::new(record)
    }

    /// What the text in a store means; `None` if it is of another version.
    fn from_record(record: &Secret) -> Option<Self> {
        let (wrapping_token, secret_id) = record.expose().split_once(' ')?;
        Some(Self {
            wrapping_token: wrapping_token.to_owned(),
            secret_id: Secret::new(secret_id.to_owned()),
        })
    }
}
