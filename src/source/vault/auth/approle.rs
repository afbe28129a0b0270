//! AppRole: a role-id and a secret-id, the latter optionally response-wrapped. See
//! <https://developer.hashicorp.com/vault/api-docs/auth/approle#login-with-approle>.

use async_trait::async_trait;
use vaultrs::api::auth::approle::requests::LoginWithApproleRequest;

use super::{
    method::{self, Login, LoginMethod},
    proven::ProvenSecret,
    wrapped::WrappedSecretId,
};
use crate::{
    clock::Timestamp,
    secret::Secret,
    source::{
        SourceError,
        secret_input::SecretInput,
        stored_secret::StoredSecret,
        vault::{request::SecretRequest, response::AuthResponse, transport::Transport},
    },
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

impl AppRoleLogin {
    /// With `stored`, `secret_id` names a response-wrapping token, whose secret-id rests there.
    pub(super) fn new(
        mount: String,
        role_id: String,
        secret_id: Option<SecretInput>,
        stored: Option<StoredSecret>,
    ) -> Self {
        let secret_id = match (secret_id, stored) {
            (None, _) => SecretId::None,
            (Some(token), Some(stored)) => SecretId::Wrapped(WrappedSecretId::new(token, stored)),
            (Some(secret_id), None) => SecretId::Plain(secret_id),
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
            SecretId::Wrapped(wrapped) => wrapped.wrapping_token(),
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

    fn forget(&self) {
        if let SecretId::Wrapped(wrapped) = &self.secret_id {
            wrapped.forget();
        }
    }
}
