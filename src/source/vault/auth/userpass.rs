//! User name and password. See <https://developer.hashicorp.com/vault/api-docs/auth/userpass> and
//! <https://developer.hashicorp.com/vault/api-docs/auth/ldap>.

use async_trait::async_trait;
use vaultrs::api::auth::userpass::requests::LoginRequest;

use super::{
    method::{self, Login, LoginMethod},
    proven::ProvenSecret,
};
use crate::{
    clock::Timestamp,
    config::SecretRef,
    principal::Principal,
    source::{
        self, SourceError,
        secret_input::SecretInput,
        vault::{location, request::SecretRequest, response::AuthResponse, transport::Transport},
    },
    template::Template,
};

/// `method = "userpass"`, and `"ldap"`, which is the same request at another mount point.
pub(super) struct UserPassLogin {
    mount: String,
    username: String,
    password: SecretInput,
    proven: ProvenSecret,
}

impl UserPassLogin {
    /// # Errors
    ///
    /// [`SourceError::Configuration`] if the user name cannot be resolved or is not a path segment.
    pub(super) fn new(
        name: &str,
        mount: String,
        username: &Template,
        password: &SecretRef,
        principal: &Principal,
    ) -> Result<Self, SourceError> {
        let username = source::resolve(name, "auth.username", username, principal)?;
        location::check_segment(name, "auth.username", &username)?;
        Ok(Self {
            mount,
            username,
            password: SecretInput::new(name, "auth.password", password, principal)?,
            proven: ProvenSecret::default(),
        })
    }

    fn hint(&self) -> String {
        format!(
            "write the password of '{}' to {}",
            self.username, self.password
        )
    }
}

#[async_trait]
impl LoginMethod for UserPassLogin {
    async fn log_in(
        &self,
        transport: &Transport,
        now: Timestamp,
    ) -> Result<AuthResponse, SourceError> {
        let password = self.password.read_password()?;
        let request = LoginRequest {
            mount: self.mount.clone(),
            username: self.username.clone(),
            password: String::new(),
        };
        let login = Login {
            request: SecretRequest::new(&request, &[("password", password.expose())]),
            secret: Some(&password),
            identity: password.expose(),
            proven: &self.proven,
            hint: self.hint(),
        };
        method::submit(transport, login, now).await
    }
}
