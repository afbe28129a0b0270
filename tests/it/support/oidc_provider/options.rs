//! How the provider behaves.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::support::identity_provider::{
    CLIENT_SECRET, CONFIDENTIAL_CLIENT, PASSWORD, PUBLIC_CLIENT, USER,
};

/// The grant types of the clients.
const GRANT_TYPES: [&str; 3] = [
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
];

/// When the provider issues a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefreshTokens {
    Always,
    /// If the scope `offline_access` is requested, with `prompt=consent` as OpenID Connect demands.
    OfflineAccess,
    Never,
}

/// The options of `server/provider.mjs`. Times are in seconds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OidcProviderOptions {
    /// Set at the start.
    pub(crate) issuer: String,
    /// The issuer's path, such as that of a Keycloak realm.
    #[serde(skip)]
    pub(crate) issuer_path: &'static str,
    /// The clients' metadata (RFC 7591).
    pub(crate) clients: Vec<Value>,
    /// The passwords and the claims.
    pub(crate) users: BTreeMap<&'static str, Value>,
    pub(crate) access_token_ttl: u32,
    pub(crate) id_token_ttl: u32,
    pub(crate) device_code_ttl: u32,
    pub(crate) refresh_token_ttl: u32,
    pub(crate) refresh_tokens: RefreshTokens,
    /// Each refresh brings a new refresh token; use of an old one revokes all.
    pub(crate) rotation: bool,
    /// For how long an old refresh token is accepted.
    pub(crate) rotation_grace: u32,
    /// The audience of access tokens if the client requests no `resource`.
    pub(crate) audience: Option<String>,
    /// Access tokens for an audience or a resource are JWTs; all others are opaque.
    pub(crate) jwt_access_tokens: bool,
    /// Those JWTs have `aud`; Cognito's have none.
    pub(crate) audience_claim: bool,
    /// The redirect has `iss` (RFC 9207).
    pub(crate) issuer_on_redirect: bool,
    pub(crate) device_flow: bool,
    /// RFC 7009.
    pub(crate) revocation: bool,
    /// RFC 7591, open to all.
    pub(crate) registration: bool,
}

impl Default for OidcProviderOptions {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            issuer_path: "",
            clients: vec![public_client(), confidential_client("/callback")],
            users: BTreeMap::from([(USER, user())]),
            access_token_ttl: 300,
            id_token_ttl: 300,
            device_code_ttl: 600,
            refresh_token_ttl: 86_400,
            refresh_tokens: RefreshTokens::Always,
            rotation: true,
            rotation_grace: 0,
            audience: Some("https://gateway.example.com".to_owned()),
            jwt_access_tokens: true,
            audience_claim: true,
            issuer_on_redirect: true,
            device_flow: true,
            revocation: true,
            registration: false,
        }
    }
}

/// A native application: any port of 127.0.0.1, with the path `/callback`.
pub(crate) fn public_client() -> Value {
    json!({
        "client_id": PUBLIC_CLIENT,
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": GRANT_TYPES,
    })
}

/// A client that may redirect to exactly this URL.
pub(crate) fn exact_client(redirect: &str) -> Value {
    let mut client = public_client();
    client["application_type"] = "web".into();
    client["redirect_uris"] = json!([redirect]);
    client
}

/// A client that authenticates with a JWT, which one of the public keys of `jwks` verifies.
pub(crate) fn private_key_client(id: &str, algorithm: &str, jwks: &Value) -> Value {
    json!({
        "client_id": id,
        "application_type": "native",
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": algorithm,
        "jwks": jwks,
        "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": with_client_credentials(),
    })
}

/// The client with a secret; any port of 127.0.0.1, with this path.
pub(crate) fn confidential_client(redirect_path: &str) -> Value {
    json!({
        "client_id": CONFIDENTIAL_CLIENT,
        "client_secret": CLIENT_SECRET,
        "application_type": "native",
        "token_endpoint_auth_method": "client_secret_basic",
        "redirect_uris": [format!("http://127.0.0.1{redirect_path}")],
        "grant_types": with_client_credentials(),
    })
}

fn with_client_credentials() -> Vec<&'static str> {
    let mut types = GRANT_TYPES.to_vec();
    types.push("client_credentials");
    types
}

fn user() -> Value {
    json!({
        "password": PASSWORD,
        "claims": {
            "name": "Ana Sousa",
            "preferred_username": "ana.sousa",
            "email": "ana@example.com",
            "groups": ["llm-users", "engineering"],
        },
    })
}
