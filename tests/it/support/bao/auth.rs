//! Tokens and login methods. Their tokens have the policy `reader`.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Bao,
    api::{merge, text},
};
use crate::support::tls::Ca;

/// A role of the approle method, with a secret-id.
pub(crate) struct AppRoleCredentials {
    pub(crate) name: String,
    pub(crate) role_id: String,
    pub(crate) secret_id: String,
}

impl Bao {
    /// Creates a token. `parameters` are those of `auth/token/create`.
    pub(crate) async fn create_token(&self, parameters: Value) -> String {
        let mut body = json!({"policies": ["reader"]});
        merge(&mut body, parameters);
        let response = self.write("auth/token/create", body).await;
        text(&response["auth"]["client_token"])
    }

    /// Enables a login method at the mount point of the same name.
    pub(crate) async fn enable_auth(&self, method: &str) {
        self.write(&format!("sys/auth/{method}"), json!({"type": method}))
            .await;
    }

    /// Enables approle with the role `dev`. `parameters` are those of `auth/approle/role`.
    pub(crate) async fn enable_approle(&self, parameters: Value) -> AppRoleCredentials {
        self.enable_auth("approle").await;
        let role = "auth/approle/role/dev";
        let mut body = json!({"token_policies": ["reader"]});
        merge(&mut body, parameters);
        self.write(role, body).await;
        let (_, id) = self
            .api(Method::GET, &format!("{role}/role-id"), Value::Null)
            .await;
        AppRoleCredentials {
            name: "dev".to_owned(),
            role_id: text(&id["data"]["role_id"]),
            secret_id: self.create_secret_id("dev").await,
        }
    }

    pub(crate) async fn create_secret_id(&self, role: &str) -> String {
        let path = format!("auth/approle/role/{role}/secret-id");
        text(&self.write(&path, json!({})).await["data"]["secret_id"])
    }

    /// Creates a secret-id behind a wrapping token, which is returned.
    pub(crate) async fn create_wrapped_secret_id(&self, role: &str) -> String {
        let path = format!("auth/approle/role/{role}/secret-id");
        let headers = [("X-Vault-Wrap-TTL", "60s")];
        let (_, response) = self
            .api_with(Method::POST, &path, json!({}), &headers)
            .await;
        text(&response["wrap_info"]["token"])
    }

    /// Enables userpass with this user.
    pub(crate) async fn enable_userpass(&self, user: &str, password: &str) {
        self.enable_auth("userpass").await;
        let body = json!({"password": password, "token_policies": ["reader"]});
        self.write(&format!("auth/userpass/users/{user}"), body)
            .await;
    }

    /// Enables jwt for tokens that `public_key` (PEM) verifies; the role `dev` expects `audience`.
    pub(crate) async fn enable_jwt(&self, public_key: &str, audience: &str) {
        self.enable_auth("jwt").await;
        let keys = json!({"jwt_validation_pubkeys": [public_key]});
        self.configure_jwt(keys, audience, json!({})).await;
    }

    /// [`Bao::enable_jwt`], with the keys that an issuer has at `jwks_url`. `parameters` are those
    /// of the role.
    pub(crate) async fn enable_jwt_of_issuer(
        &self,
        jwks_url: &str,
        audience: &str,
        parameters: Value,
    ) {
        self.enable_auth("jwt").await;
        let keys = json!({"jwks_url": jwks_url});
        self.configure_jwt(keys, audience, parameters).await;
    }

    async fn configure_jwt(&self, keys: Value, audience: &str, parameters: Value) {
        self.write("auth/jwt/config", keys).await;
        let mut role = json!({
            "role_type": "jwt", "user_claim": "sub", "bound_audiences": [audience], "token_policies": ["reader"],
        });
        merge(&mut role, parameters);
        self.write("auth/jwt/role/dev", role).await;
    }

    /// Revokes the tokens of all logins at this mount point.
    pub(crate) async fn revoke_logins(&self, mount: &str) {
        let path = format!("sys/leases/revoke-prefix/auth/{mount}");
        self.write(&path, json!({"sync": true})).await;
    }

    /// Enables cert for clients with a certificate signed by `ca`; the role is `dev`.
    pub(crate) async fn enable_cert(&self, ca: &Ca) {
        self.enable_auth("cert").await;
        let role = json!({"certificate": ca.pem, "token_policies": ["reader"]});
        self.write("auth/cert/certs/dev", role).await;
    }
}
