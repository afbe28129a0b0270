//! AppRole: a role-id and a secret-id, the latter optionally response-wrapped. See
//! <https://developer.hashicorp.com/vault/api-docs/auth/approle#login-with-approle> and
//! <https://developer.hashicorp.com/vault/docs/concepts/response-wrapping>.

use std::sync::Mutex;

use async_trait::async_trait;
use serde::Deserialize;
use vaultrs::api::{
    auth::approle::requests::LoginWithApproleRequest, sys::requests::UnwrapRequest,
};

use super::{
    method::{self, Login, LoginMethod, RefusedLogin},
    proven::ProvenSecret,
};
use crate::{
    clock::Timestamp,
    secret::Secret,
    source::{
        SourceError,
        secret_input::SecretInput,
        vault::{
            error::RequestError,
            request::SecretRequest,
            response::{self, AuthResponse},
            status,
            subject::Subject,
            transport::Transport,
        },
    },
    sync,
};

/// `method = "approle"`.
pub(super) struct AppRoleLogin {
    mount: String,
    role_id: String,
    secret_id: SecretId,
    proven: ProvenSecret,
}

enum SecretId {
    /// The role has `bind_secret_id=false`.
    None,
    Plain(SecretInput),
    Wrapped(WrappedSecretId),
}

/// A secret-id behind a wrapping token, which unwraps only once. The unwrapped secret-id stays in
/// memory until another wrapping token replaces it; it survives a logout.
struct WrappedSecretId {
    wrapping_token: SecretInput,
    unwrapped: Mutex<Option<Unwrapped>>,
}

#[derive(Clone)]
struct Unwrapped {
    wrapping_token: Secret,
    secret_id: Secret,
}

impl AppRoleLogin {
    /// With `wrapped`, `secret_id` names a response-wrapping token.
    pub(super) fn new(
        mount: String,
        role_id: String,
        secret_id: Option<SecretInput>,
        wrapped: bool,
    ) -> Self {
        let secret_id = match secret_id {
            None => SecretId::None,
            Some(wrapping_token) if wrapped => SecretId::Wrapped(WrappedSecretId {
                wrapping_token,
                unwrapped: Mutex::new(None),
            }),
            Some(secret_id) => SecretId::Plain(secret_id),
        };
        Self {
            mount,
            role_id,
            secret_id,
            proven: ProvenSecret::default(),
        }
    }

    fn hint(&self) -> String {
        let from = match &self.secret_id {
            SecretId::None => return "check 'role_id'".to_owned(),
            SecretId::Plain(from) => from,
            SecretId::Wrapped(wrapped) => &wrapped.wrapping_token,
        };
        format!("write a new secret-id to {from}; check 'role_id'")
    }
}

#[async_trait]
impl LoginMethod for AppRoleLogin {
    async fn log_in(
        &self,
        transport: &Transport,
        now: Timestamp,
    ) -> Result<AuthResponse, SourceError> {
        let secret_id = match &self.secret_id {
            SecretId::None => None,
            SecretId::Plain(from) => Some(from.read()?),
            SecretId::Wrapped(wrapped) => Some(wrapped.secret_id(transport, now).await?),
        };
        let request = LoginWithApproleRequest {
            mount: self.mount.clone(),
            role_id: String::new(),
            secret_id: String::new(),
        };
        let mut fields = vec![("role_id", self.role_id.as_str())];
        fields.extend(secret_id.iter().map(|id| ("secret_id", id.expose())));
        let login = Login {
            request: SecretRequest::new(&request, &fields),
            secret: secret_id.as_ref(),
            identity: secret_id.as_ref().map_or("", Secret::expose),
            proven: &self.proven,
            hint: self.hint(),
        };
        method::submit(transport, login, now).await
    }
}

impl WrappedSecretId {
    /// Returns the secret-id, unwrapped now or before.
    async fn secret_id(
        &self,
        transport: &Transport,
        now: Timestamp,
    ) -> Result<Secret, SourceError> {
        let known = sync::lock(&self.unwrapped).clone();
        let wrapping_token = match (self.wrapping_token.read(), known) {
            (Ok(token), Some(known)) if known.wrapping_token == token => {
                return Ok(known.secret_id);
            }
            (Ok(token), _) => token,
            // A used wrapping token may be deleted.
            (Err(_), Some(known)) => return Ok(known.secret_id),
            (Err(error), None) => return Err(error),
        };
        let secret_id = self.unwrap(&wrapping_token, transport, now).await?;
        *sync::lock(&self.unwrapped) = Some(Unwrapped {
            wrapping_token,
            secret_id: secret_id.clone(),
        });
        Ok(secret_id)
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
