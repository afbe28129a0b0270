//! What the administrator configures: the OpenID plugin, the user, the client.

use http::header::{COOKIE, SET_COOKIE};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Glewlwyd, GlewlwydOptions};
use crate::support::identity_provider::{PASSWORD, PUBLIC_CLIENT, USER};

impl Glewlwyd {
    pub(super) async fn set_up(&mut self, options: GlewlwydOptions) {
        self.post("mod/plugin/", &plugin(&self.issuer(), options))
            .await;
        let user = json!({
            "username": USER,
            "password": PASSWORD,
            "name": "Ana Sousa",
            "email": "ana@example.com",
            "scope": ["openid", "g_profile"],
            "enabled": true,
        });
        self.post("user/", &user).await;
        self.post("client/", &client(&json!([]))).await;
    }

    async fn post(&self, path: &str, body: &Value) {
        self.admin(Method::POST, path, body).await;
    }

    pub(super) async fn put(&self, path: &str, body: &Value) {
        self.admin(Method::PUT, path, body).await;
    }

    /// Sends a request as the administrator of a new installation, not through the front.
    async fn admin(&self, method: Method, path: &str, body: &Value) {
        let base = format!("http://127.0.0.1:{}/api", self.port);
        let login = json!({"username": "admin", "password": "password"});
        let request = self.client.post(format!("{base}/auth/")).json(&login);
        let response = request.send().await.unwrap();
        let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
        let session = cookie.split(';').next().unwrap();
        let response = self
            .client
            .request(method, format!("{base}/{path}"))
            .header(COOKIE, session)
            .json(body)
            .send()
            .await
            .unwrap();
        let status = response.status();
        assert!(
            status.is_success(),
            "{path}: {status} {}",
            response.text().await.unwrap()
        );
    }
}

/// A public client that may redirect to exactly these URLs.
pub(super) fn client(redirects: &Value) -> Value {
    json!({
        "client_id": PUBLIC_CLIENT,
        "name": "Claviger",
        "enabled": true,
        "confidential": false,
        "token_endpoint_auth_method": ["none"],
        "redirect_uri": redirects,
        "authorization_type": ["code", "refresh_token", "device_authorization"],
        "scope": [],
    })
}

fn plugin(issuer: &str, options: GlewlwydOptions) -> Value {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let parameters = json!({
        "iss": issuer,
        "oauth-as-iss-id": true,
        "jwt-type": "ecdsa",
        "jwt-key-size": "256",
        "key": key.serialize_pem(),
        "cert": key.public_key_pem(),
        "jwks-show": true,
        "subject-type": "public",
        "name-claim": "mandatory",
        "email-claim": "mandatory",
        "allow-non-oidc": true,
        "auth-type-code-enabled": true,
        "auth-type-code-revoke-replayed": true,
        "auth-type-token-enabled": false,
        "auth-type-id-token-enabled": false,
        "auth-type-none-enabled": false,
        "auth-type-password-enabled": false,
        "auth-type-client-enabled": false,
        "auth-type-device-enabled": true,
        "auth-type-refresh-enabled": true,
        "pkce-allowed": true,
        "pkce-required": true,
        "code-duration": 60,
        "access-token-duration": options.access_token_ttl,
        "refresh-token-duration": 86_400,
        "refresh-token-rolling": true,
        "refresh-token-one-use": if options.rotation { "always" } else { "never" },
        "device-authorization-expiration": options.device_code_ttl,
        "device-authorization-interval": options.device_interval,
        "introspection-revocation-allowed": true,
        "introspection-revocation-allow-target-client": true,
        "register-client-allowed": false,
    });
    json!({
        "module": "oidc",
        "name": "oidc",
        "display_name": "OpenID Connect",
        "parameters": parameters,
    })
}
