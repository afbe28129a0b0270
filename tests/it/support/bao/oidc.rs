//! The server as an identity provider, and its own login method `oidc` behind it.

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::{Bao, api::text};

/// The path of the provider.
const PROVIDER: &str = "identity/oidc/provider/idp";

/// The redirect of the role and of the client, which both ignore the port.
const REDIRECT: &str = "http://127.0.0.1/oidc/callback";

impl Bao {
    /// Enables oidc with the role `dev`, for the users of userpass, whose names are the claim
    /// `preferred_username`. Redirects go to 127.0.0.1 on any port, with the path
    /// `/oidc/callback`. `parameters` are those of the role.
    pub(crate) async fn enable_oidc(&self, parameters: Value) {
        self.enable_auth("userpass").await;
        self.set_policy("authorize", &[(&format!("{PROVIDER}/authorize"), "read")])
            .await;
        let (_, methods) = self.api(Method::GET, "sys/auth", Value::Null).await;
        let accessor = text(&methods["userpass/"]["accessor"]);
        let name = format!("{{{{identity.entity.aliases.{accessor}.name}}}}");
        let scope = json!({"template": format!(r#"{{"preferred_username":{name}}}"#)});
        self.write("identity/oidc/scope/profile", scope).await;
        let key = json!({"allowed_client_ids": ["*"], "algorithm": "RS256"});
        self.write("identity/oidc/key/idp", key).await;
        let client =
            json!({"redirect_uris": [REDIRECT], "assignments": ["allow_all"], "key": "idp"});
        self.write("identity/oidc/client/vault", client).await;
        let provider = json!({
            "issuer": self.url(), "allowed_client_ids": ["*"], "scopes_supported": ["profile"],
        });
        self.write(PROVIDER, provider).await;
        let (_, client) = self
            .api(Method::GET, "identity/oidc/client/vault", Value::Null)
            .await;
        let issuer = format!("{}/v1/{PROVIDER}", self.url());
        let [id, secret] = ["client_id", "client_secret"].map(|field| text(&client["data"][field]));
        self.enable_oidc_of(&issuer, &id, &secret, parameters).await;
    }

    /// [`Bao::enable_oidc`], with another server as the identity provider.
    pub(crate) async fn enable_oidc_of(
        &self,
        issuer: &str,
        client_id: &str,
        client_secret: &str,
        parameters: Value,
    ) {
        self.enable_auth("oidc").await;
        let config = json!({
            "oidc_discovery_url": issuer,
            "oidc_client_id": client_id,
            "oidc_client_secret": client_secret,
        });
        self.write("auth/oidc/config", config).await;
        let mut role = json!({
            "role_type": "oidc", "user_claim": "sub", "oidc_scopes": ["profile"],
            "allowed_redirect_uris": [REDIRECT], "token_policies": ["reader"],
            "claim_mappings": {"preferred_username": "preferred_username"},
        });
        super::api::merge(&mut role, parameters);
        self.write("auth/oidc/role/dev", role).await;
    }

    /// Adds a user of the identity provider.
    pub(crate) async fn add_user(&self, user: &str, password: &str) {
        let body = json!({"password": password, "token_policies": ["authorize"]});
        self.write(&format!("auth/userpass/users/{user}"), body)
            .await;
    }

    /// Does what the page `url` of the identity provider does for this user; returns the `code` of
    /// its redirect.
    pub(crate) async fn sign_in(&self, url: &Url, user: &str, password: &str) -> String {
        let login = format!("{}/v1/auth/userpass/login/{user}", self.url());
        let request = self.client.post(login).json(&json!({"password": password}));
        let login: Value = request.send().await.unwrap().json().await.unwrap();
        let query = url.query().unwrap();
        let authorize = format!("{}/v1/{PROVIDER}/authorize?{query}", self.url());
        let request = self
            .client
            .get(authorize)
            .header("X-Vault-Token", text(&login["auth"]["client_token"]));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let code = text(&answer["code"]);
        assert!(!code.is_empty(), "{answer}");
        code
    }
}
