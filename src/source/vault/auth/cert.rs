//! A TLS client certificate. See
//! <https://developer.hashicorp.com/vault/api-docs/auth/cert#login-with-tls-certificate-method>.

use async_trait::async_trait;
use vaultrs::api::auth::cert::requests::LoginRequest;

use super::{
    method::{self, Login, LoginMethod},
    proven::ProvenSecret,
};
use crate::{
    clock::Timestamp,
    source::{
        SourceError,
        vault::{request::SecretRequest, response::AuthResponse, transport::Transport},
    },
};

/// `method = "cert"`. The transport presents the certificate.
pub(super) struct CertLogin {
    mount: String,
    /// `None`: every role whose certificate matches.
    role: Option<String>,
    proven: ProvenSecret,
}

impl CertLogin {
    pub(super) fn new(mount: String, role: Option<String>) -> Self {
        let proven = ProvenSecret::default();
        Self {
            mount,
            role,
            proven,
        }
    }

    fn request(&self) -> SecretRequest {
        let request = LoginRequest {
            mount: self.mount.clone(),
            cert_name: String::new(),
        };
        // Vault reads the role from `name`; vaultrs sends `cert_name`, which Vault ignores.
        let role = self.role.as_deref().map(|role| ("name", role));
        SecretRequest::new(&request, role.as_slice())
    }
}

#[async_trait]
impl LoginMethod for CertLogin {
    async fn log_in(
        &self,
        transport: &Transport,
        now: Timestamp,
    ) -> Result<AuthResponse, SourceError> {
        // The files may have been replaced since the last login.
        transport.forget_client();
        let login = Login {
            request: self.request(),
            secret: None,
            // The certificate is the transport's, and Vault's reason tells if it is a wrong one.
            identity: "",
            proven: &self.proven,
            hint: "check the certificate in 'cert_file' and 'role'".to_owned(),
        };
        method::submit(transport, login, now).await
    }
}

#[cfg(test)]
mod tests {
    use rustify::Endpoint as _;

    use super::*;

    #[test]
    fn the_role_is_sent_as_name() {
        let body = |role: Option<&str>| {
            let login = CertLogin::new("m".to_owned(), role.map(str::to_owned));
            String::from_utf8(login.request().body().unwrap().unwrap()).unwrap()
        };
        assert_eq!(body(Some("dev")), r#"{"name":"dev"}"#);
        assert_eq!(body(None), "{}");
    }
}
